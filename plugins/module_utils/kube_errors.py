# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Classed errors of the Kubernetes API: the same eight words wherever something could not be read."""
from __future__ import annotations

import json
import re
import socket
import ssl
from typing import Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line


class KubeError(Exception):
    """Something the API server, a node or the way there refused. `kind` is an error class of docs/design.md."""

    kind = "failed"

    def __init__(self, message: str, status: Optional[int] = None) -> None:
        self.message = one_line(message, 600)
        self.status = status
        super().__init__(self.message)

    def as_entry(self, what: str) -> dict:
        """Shape of an entry of `unread`: {what, class, reason}."""
        return {"what": what, "class": self.kind, "reason": self.message}


class Denied(KubeError):
    """The account has no right to this (403), or is not accepted at all (Unauthorized)."""

    kind = "denied"


class Unauthorized(Denied):
    """The credential is expired, wrong or missing (401): nothing else will work either."""


class Throttled(KubeError):
    """The API server is busy and said so (429), more often than we retry."""

    kind = "throttled"


class Down(KubeError):
    """No connection: name, route, port or TLS."""

    kind = "unreachable"


class Timeout(KubeError):
    """No answer within the time given."""

    kind = "timeout"


class NotFound(KubeError):
    """The object or the API is not there (404)."""

    kind = "not_found"


class Garbled(KubeError):
    """An answer that is not what it has to be: no JSON, cut off, or far too large."""

    kind = "garbled"


class Conflict(KubeError):
    """Somebody else changed or made the object in between (409)."""

    kind = "conflict"


class Failed(KubeError):
    """The other side answered with an error of its own."""

    kind = "failed"


class BadKubeconfig(Failed):
    """No usable way to the cluster from kubeconfig, context or service account."""


BY_STATUS = {404: NotFound, 408: Timeout, 409: Conflict, 410: Conflict, 429: Throttled, 502: Down, 503: Down,
             504: Timeout}
VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
FORBIDDEN = re.compile(r'User "(?P<user>[^"]*)" cannot (?P<verb>[a-z]+) resource "(?P<resource>[^"]+)"')


def resource_of(path: str) -> Tuple[str, str]:
    """('pods/exec', ' in namespace kube-system') for /api/v1/namespaces/kube-system/pods/x/exec."""
    parts = path.split("?")[0].strip("/").split("/")
    parts = parts[2:] if parts[:1] == ["api"] else parts[3:]
    where = ""
    if len(parts) > 2 and parts[0] == "namespaces":
        where = " in namespace {0}".format(parts[1])
        parts = parts[2:]
    return ("/".join(parts[0::2]) or path, where)


def denied(method: str, path: str, said: str) -> Denied:
    """403 as one sentence that names account, verb and resource."""
    resource, where = resource_of(path)
    match = FORBIDDEN.search(said)
    if match is None:
        return Denied("The API server refuses {0} {1}{2}: {3}".format(
            VERBS.get(method, method), resource, where, said or "it gives no reason"), 403)
    return Denied("Account {user} may not {verb} {resource}{where}: give it this right, or use another account.".format(
        where=where, **match.groupdict()), 403)


def status_message(body: bytes) -> str:
    """What a Status object says, or the beginning of whatever came instead."""
    try:
        document = json.loads(body.decode("utf-8", "replace"))
    except ValueError:
        return one_line(body[:2000].decode("utf-8", "replace"), 200)
    message = document.get("message") if isinstance(document, dict) else None
    return one_line(message or document, 300)


def from_status(method: str, path: str, status: int, body: bytes) -> KubeError:
    """An answer with an error status as a classed error."""
    said = status_message(body)
    if status == 401:
        return Unauthorized("The API server does not accept the credential (401): the token or certificate has "
                            "expired, is wrong, or is missing. Log in again or use another kubeconfig.", 401)
    if status == 403:
        return denied(method, path, said)
    sentence = "The API server answered {0} {1} with {2}: {3}".format(method, path.split("?")[0], status, said)
    return BY_STATUS.get(status, Failed)(sentence, status)


def from_exception(error: BaseException, server: str) -> KubeError:
    """What urllib3, websocket, ssl or socket raised, as a classed error that names the server."""
    if isinstance(error, KubeError):
        return error
    chain = causes(error)
    if any(isinstance(link, ssl.SSLError) for link in chain):
        return Down("No TLS connection to {0}: {1}. Check the address and the certificate authority in the "
                    "kubeconfig.".format(server, one_line(chain[-1], 200)))
    if any(isinstance(link, socket.gaierror) or "NameResolution" in type(link).__name__ for link in chain):
        return Down("The name of {0} cannot be resolved: check the server's address in the kubeconfig "
                    "and this machine's DNS.".format(server))
    if any(isinstance(link, socket.timeout) or "Timeout" in type(link).__name__ for link in chain):
        return Timeout("{0} did not answer in time.".format(server))
    if any("IncompleteRead" in type(link).__name__ for link in chain):
        return Garbled("The answer of {0} broke off in the middle.".format(server))
    return Down("No connection to {0}: {1}.".format(server, one_line(reason_of(chain), 200)))


def causes(error: Optional[BaseException]) -> list:
    """The exception and everything it was raised from or wraps, innermost last."""
    chain: list = []
    while error is not None and error not in chain:
        chain.append(error)
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = inner or error.__cause__ or error.__context__
    return chain


def reason_of(chain: list) -> str:
    """The operating system's words where there are some, else those of the innermost exception."""
    for link in chain:
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
    return str(chain[-1]) or type(chain[-1]).__name__
