# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Kubernetes API as plain documents, with classed errors (see docs/design.md, error classes).

Documents are dicts as the API server sends them: the client's model classes would cost most of the time at 1,000 nodes.
"""
from __future__ import annotations

import json
import threading
import time
from typing import Any, Dict, List, Optional
from urllib.parse import urlencode, urlsplit

from ansible_collections.fastpath.cilium.plugins.module_utils import kube_config, kube_exec
from ansible_collections.fastpath.cilium.plugins.module_utils.deadline import DeadlinePassed, within
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import (  # pylint: disable=unused-import
    BadKubeconfig, Conflict, Denied, Down, Failed, Garbled, KubeError, NotFound, Throttled, Timeout, Unauthorized,
    from_exception, from_status)
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_exec import ExecResult

try:
    import urllib3
    from kubernetes import client
except ImportError:
    urllib3 = None  # kube_config.load tells that the client is missing before anything here is used

MAX_ANSWER = 256 * 1024 * 1024
MAX_OUTPUT = 8 * 1024 * 1024
ATTEMPTS = 4
MAX_WAIT = 10.0
MERGE_PATCH = "application/merge-patch+json"


class Cluster:
    """One cluster, as one account sees it. Safe to use from several threads."""

    def __init__(self, settings: Any, timeout: float = 30.0, connections: int = 32) -> None:
        settings.connection_pool_maxsize = connections
        self.settings = settings
        self.timeout = timeout
        self.server = public_url(settings.host)
        self._pool = client.ApiClient(settings).rest_client.pool_manager
        self._credential_lock = threading.Lock()

    @classmethod
    def connect(cls, kubeconfig: Optional[str] = None, context: Optional[str] = None, timeout: float = 30.0,
                connections: int = 32, temp_dir: Optional[str] = None) -> "Cluster":
        """Cluster of the kubeconfig's context (KUBECONFIG, ~/.kube/config or the pod's service account without one).

        `timeout` is for each request, in seconds. Sends nothing yet. Raises BadKubeconfig or Timeout.
        """
        settings = kube_config.load(kubeconfig, context, temp_dir)
        try:
            return cls(settings, timeout, connections)
        except Exception as error:
            raise kube_config.unusable(error, kubeconfig or "in use", context) from None

    def get(self, path: str, accept: Optional[str] = None, **params: Any) -> dict:
        """One document; `params` become the query."""
        return self.request("GET", with_query(path, params), accept=accept)

    def list(self, path: str, limit: int = 500, label_selector: Optional[str] = None,
             field_selector: Optional[str] = None) -> List[dict]:
        """All items of a collection, page by page."""
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        try:
            return self._pages(path, dict(selectors, limit=limit))
        except Conflict as error:
            if error.status != 410:
                raise
            # The server forgot where we were (compaction): one answer without pages cannot expire.
            return self._pages(path, selectors)

    def _pages(self, path: str, params: Dict[str, Any]) -> List[dict]:
        items: List[dict] = []
        token = None
        while True:
            page = self.get(path, **dict(params, **{"continue": token}))
            if not isinstance(page.get("items"), list):
                raise Garbled("The API server answered GET {0} with something that is no list.".format(path))
            items += page["items"]
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return items

    def post(self, path: str, body: dict) -> dict:
        """Create an object."""
        return self.request("POST", path, body)

    def put(self, path: str, body: dict) -> dict:
        """Replace an object; guarded when the body carries a resourceVersion."""
        return self.request("PUT", path, body)

    def patch(self, path: str, body: Any, content_type: str = MERGE_PATCH) -> dict:
        """Change an object."""
        return self.request("PATCH", path, body, content_type)

    def delete(self, path: str, body: Optional[dict] = None) -> dict:
        """Delete an object; `body` are DeleteOptions, such as preconditions."""
        return self.request("DELETE", path, body)

    def text(self, path: str, **params: Any) -> str:
        """A plain text answer, such as a pod's log."""
        return self._answer("GET", with_query(path, params), None, {"Accept": "*/*"}).decode("utf-8", "replace")

    def exec(self, namespace: str, pod: str, container: str, command: List[str], timeout: float = 10.0,
             max_bytes: int = MAX_OUTPUT) -> ExecResult:
        """Run a command in a container, `timeout` seconds in all; raises KubeError, not on an exit code."""
        query = urlencode([("container", container), ("stdout", "true"), ("stderr", "true")]
                          + [("command", word) for word in command])
        path = "/api/v1/namespaces/{0}/pods/{1}/exec?{2}".format(namespace, pod, query)
        try:
            return within(timeout, self._exec_patiently, path, timeout, max_bytes)
        except (DeadlinePassed, Timeout):
            raise Timeout("{0} in pod {1} did not end within {2:.1f} s.".format(
                " ".join(command), pod, timeout)) from None
        except Exception as error:
            raise from_exception(error, self.server) from None

    def _exec_patiently(self, path: str, timeout: float, max_bytes: int) -> ExecResult:
        """Run the command, again where the API server was too busy to start it."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return kube_exec.run(self.settings, path, self._credential(), timeout, max_bytes)
            except Throttled:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(1.0)
        raise Failed("No attempt was made.")

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json",
                accept: Optional[str] = None) -> dict:
        """Send one request and return the document; retries what is safe to retry."""
        headers = {"Accept": accept or "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
            body = json.dumps(body).encode()
        answer = self._answer(method, path, body, headers)
        try:
            document = json.loads(answer.decode("utf-8"))
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Garbled("{0} answered {1} {2} with something that is no JSON object (a proxy or login page?).".format(
                self.server, method, path.split("?")[0]))
        return document

    def _answer(self, method: str, path: str, body: Optional[bytes], headers: Dict[str, str]) -> bytes:
        """Body of a successful answer, after a few tries where the server asks for patience or drops the line."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return within(self.timeout, self._once, method, path, body, headers)
            except DeadlinePassed:
                raise Timeout("{0} did not answer {1} {2} within {3:g} s.".format(
                    self.server, method, path.split("?")[0], self.timeout)) from None
            except _Busy as busy:
                if attempt == ATTEMPTS or busy.wait > MAX_WAIT:
                    raise busy.error from None
                time.sleep(busy.wait)
            except urllib3.exceptions.ProtocolError as error:
                # A kept connection that the other side had closed; only reading twice does no harm.
                if method != "GET" or attempt == ATTEMPTS:
                    raise from_exception(error, self.server) from None
            except Exception as error:
                raise from_exception(error, self.server) from None
        raise Failed("No attempt was made.")

    def _once(self, method: str, path: str, body: Optional[bytes], headers: Dict[str, str]) -> bytes:
        answer = self._pool.request(
            method, self.settings.host + path, body=body, headers=dict(headers, **self._credential()), redirect=False,
            retries=False, preload_content=False, timeout=urllib3.Timeout(connect=self.timeout, read=self.timeout))
        try:
            content = read_all(answer)
        finally:
            answer.release_conn()
        if 200 <= answer.status < 300:
            return content
        error = from_status(method, path, answer.status, content)
        wait = answer.headers.get("Retry-After")
        if answer.status == 429 or (answer.status == 503 and wait and method == "GET"):
            raise _Busy(error, seconds(wait))
        raise error

    def _credential(self) -> Dict[str, str]:
        """Authorization header; a lock, because an expired token is renewed here."""
        with self._credential_lock:
            settings = self.settings.auth_settings().values()
            return {setting["key"]: setting["value"] for setting in settings if setting["value"]}


class _Busy(Exception):
    """The server asks to come back in `wait` seconds."""

    def __init__(self, error: KubeError, wait: float) -> None:
        super().__init__()
        self.error = error
        self.wait = wait


def seconds(retry_after: Optional[str]) -> float:
    """A Retry-After header in seconds; one second where it is missing or a date."""
    return float(retry_after) if retry_after and retry_after.isdigit() else 1.0


def read_all(answer: Any) -> bytes:
    """An answer's whole body, or Garbled where it has no end."""
    content = bytearray()
    for chunk in answer.stream(64 * 1024, decode_content=True):
        content += chunk
        if len(content) > MAX_ANSWER:
            raise Garbled("The API server's answer is larger than {0} bytes.".format(MAX_ANSWER))
    return bytes(content)


def with_query(path: str, params: Dict[str, Any]) -> str:
    """Path with those parameters that have a value."""
    query = urlencode({name: value for name, value in params.items() if value is not None})
    return path + "?" + query if query else path


def public_url(url: str) -> str:
    """A server's URL without credentials."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
