# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A command in a container: the exec subresource of a pod, over a websocket."""
from __future__ import annotations

import json
import ssl
import time
from typing import Any, Dict, NamedTuple, Optional
from urllib.parse import urlsplit

from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import (
    Down, Failed, Garbled, KubeError, Throttled, Timeout, from_status)
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

try:
    import websocket
except ImportError:
    websocket = None  # it comes with the kubernetes client, whose absence is told at connect

# Kubernetes' remote command protocol: the first byte of a message is its channel.
STDOUT, STDERR, ERROR, CLOSE = 1, 2, 3, 255
PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
KUBELET_BUSY = ("too many requests",)
KUBELET_AWAY = ("error dialing backend", "error sending request", "dial tcp", "proxy error", "no route to host")


class ExecResult(NamedTuple):
    """What the command wrote (undecodable bytes replaced) and its exit code."""

    stdout: str
    stderr: str
    exit_code: int


def run(settings: Any, path: str, headers: Dict[str, str], timeout: float, max_bytes: int) -> ExecResult:
    """Run the command that `path` (with query) spells out; raises KubeError."""
    url = "ws" + settings.host[len("http"):] + path
    link = websocket.WebSocket(sslopt=tls_options(settings), skip_utf8_validation=True)
    try:
        link.settimeout(timeout)
        link.connect(url, header=["{0}: {1}".format(*item) for item in headers.items()], subprotocols=PROTOCOLS,
                     redirect_limit=0, **proxy_options(settings))
        return result_of(receive(link, time.monotonic() + timeout, max_bytes))
    except websocket.WebSocketBadStatusException as error:
        refusal = from_status("POST", path, error.status_code, getattr(error, "resp_body", None) or b"")
        raise not_started(refusal.message) if error.status_code == 500 else refusal from None
    finally:
        # Not a polite close(): that would wait for the other side.
        link.shutdown()


def receive(link: Any, deadline: float, max_bytes: int) -> Dict[int, bytearray]:
    """Everything that comes on each channel until the command's status does."""
    channels: Dict[int, bytearray] = {STDOUT: bytearray(), STDERR: bytearray(), ERROR: bytearray()}
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise Timeout("The command was still running when its time was over.")
        link.settimeout(remaining)
        try:
            opcode, data = link.recv_data()
        except websocket.WebSocketConnectionClosedException:
            return channels
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return channels
        if data and data[0] in channels:
            channels[data[0]] += data[1:]
        if sum(len(content) for content in channels.values()) > max_bytes:
            raise Garbled("The command wrote more than {0} bytes.".format(max_bytes))


def result_of(channels: Dict[int, bytearray]) -> ExecResult:
    """Exit code from the Status object that ends every exec."""
    if not channels[ERROR]:
        raise Down("The connection broke off before the command ended.")
    try:
        status = json.loads(channels[ERROR].decode("utf-8", "replace"))
        code = 0 if status["status"] == "Success" else exit_code(status)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Garbled("The status of the command cannot be understood: {0}".format(
            one_line(bytes(channels[ERROR][:500]), 100))) from None
    if code is None:
        raise not_started(one_line(status.get("message"), 300))
    return ExecResult(text(channels[STDOUT]), text(channels[STDERR]), code)


def not_started(said: str) -> KubeError:
    """Why a command was not started; the API server wraps a kubelet's troubles into an internal error of its own."""
    if any(words in said.lower() for words in KUBELET_BUSY):
        return Throttled("The node's kubelet is too busy to start the command: {0}".format(said))
    if any(words in said.lower() for words in KUBELET_AWAY):
        return Down("The API server cannot reach the node's kubelet: {0}".format(said))
    return Failed("The command could not be started: {0}".format(said))


def exit_code(status: dict) -> Optional[int]:
    """The command's exit code; None when it did not even start."""
    causes = (status.get("details") or {}).get("causes") or []
    codes = [int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode"]
    return codes[0] if codes else None


def text(content: bytearray) -> str:
    """Bytes as text; what is no UTF-8 becomes the replacement character."""
    return content.decode("utf-8", "replace")


def tls_options(settings: Any) -> Dict[str, Any]:
    """The client configuration's TLS settings in websocket-client's words."""
    options: Dict[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED if settings.verify_ssl else ssl.CERT_NONE}
    if not settings.verify_ssl or settings.assert_hostname is False:
        options["check_hostname"] = False
    names = {"ca_certs": "ssl_ca_cert", "certfile": "cert_file", "keyfile": "key_file",
             "server_hostname": "tls_server_name"}
    given = {name: getattr(settings, source, None) for name, source in names.items()}
    options.update({name: value for name, value in given.items() if value})
    return options


def proxy_options(settings: Any) -> Dict[str, Any]:
    """The client configuration's proxy in websocket-client's words (it reads the environment's by itself)."""
    if not settings.proxy:
        return {}
    proxy = urlsplit(settings.proxy)
    options: Dict[str, Any] = {"http_proxy_host": proxy.hostname, "http_proxy_port": proxy.port,
                               "proxy_type": proxy.scheme or "http"}
    if proxy.username:
        options["http_proxy_auth"] = (proxy.username, proxy.password or "")
    if settings.no_proxy:
        options["http_no_proxy"] = settings.no_proxy.split(",")
    return options
