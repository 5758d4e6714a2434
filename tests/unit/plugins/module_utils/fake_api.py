# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A small API server on loopback, by the Kubernetes API conventions, that can misbehave as real ones do.

It keeps objects by path, pages lists, guards by resourceVersion and uid, and runs exec over websockets, so that tests
go through the real client, real HTTP and real frames. What cluster controllers do, a test adds itself (`on_delete`).
"""
from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, NamedTuple, Optional
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "well-known-token"
SERVED = re.compile(r"/api/v1/|/apis/(apps|coordination\.k8s\.io|discovery\.k8s\.io)/v1/|/version$")
PLURALS = ("nodes|pods|secrets|configmaps|daemonsets|leases|helmcharts|applications|ciliumnodeconfigs|namespaces|"
           "services|endpointslices")
COLLECTION = re.compile(r"/(%s)$" % PLURALS)


class Reply(NamedTuple):
    """An answer that a test prescribes; `cut` sends only that many bytes of the body it announces, `drip` one byte each
    so many seconds."""

    status: int = 200
    body: bytes = b"{}"
    headers: Dict[str, str] = {}
    delay: float = 0.0
    cut: Optional[int] = None
    drip: float = 0.0


class Output(NamedTuple):
    """What a command in a container does; `code` None hangs up early, `start_error` is why it cannot be started."""

    stdout: bytes = b""
    stderr: bytes = b""
    code: Optional[int] = 0
    delay: float = 0.0
    start_error: Optional[str] = None
    raw_status: Optional[bytes] = None


def failure(message: str, code: int) -> bytes:
    """A Status object as the API server sends it with an error."""
    return json.dumps({"kind": "Status", "status": "Failure", "message": message, "code": code}).encode()


class FakeApi:
    """`with FakeApi() as api:` serves until the end of the block."""

    def __init__(self) -> None:
        self.objects: Dict[str, dict] = {}
        self.apis = {"/version": {"gitVersion": "v1.31.2"}}
        self.requests: List[tuple] = []
        self.scripts: List[list] = []
        self.on_exec: Callable[[str, List[str]], Output] = lambda pod, command: Output()
        self.on_delete: Callable[[str, dict], None] = lambda path, former: None
        self.on_change: Callable[[str, dict], None] = lambda path, now: None
        self.version = 1
        self.lock = threading.RLock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.api = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "FakeApi":
        self.thread.start()
        self.put("/api/v1/namespaces/kube-system", {"metadata": {"name": "kube-system", "uid": "cluster-uid"}})
        return self

    def __exit__(self, *_exc: Any) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return "http://127.0.0.1:{0}".format(self.server.server_address[1])

    def put(self, path: str, document: dict) -> dict:
        """Store an object as the server would."""
        with self.lock:
            self.version += 1
            stored = copy.deepcopy(document)
            metadata = stored.setdefault("metadata", {})
            metadata.setdefault("name", path.rsplit("/", 1)[1])
            metadata.setdefault("uid", "uid-{0}".format(self.version))
            metadata["resourceVersion"] = str(self.version)
            match = re.search(r"/namespaces/([^/]+)/", path)
            if match:
                metadata.setdefault("namespace", match.group(1))
            self.objects[path] = stored
            return stored

    def script(self, method: str, path: str, *replies: Reply) -> None:
        """These replies, in turn, for requests whose path matches; the last one stays."""
        self.scripts.append([method, re.compile(path), list(replies)])

    def prescribed(self, method: str, path: str) -> Optional[Reply]:
        for script_method, pattern, replies in self.scripts:
            if script_method == method and pattern.search(path):
                return replies.pop(0) if len(replies) > 1 else replies[0]
        return None

    def kubeconfig(self, folder: Any, token: str = TOKEN, server: Optional[str] = None) -> str:
        """A kubeconfig file that leads here."""
        path = folder / "kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": server or self.url}}],
            "users": [{"name": "me", "user": {"token": token}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}]}))
        return str(path)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    api: FakeApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.serve("GET")

    def do_POST(self) -> None:
        self.serve("POST")

    def do_PUT(self) -> None:
        self.serve("PUT")

    def do_PATCH(self) -> None:
        self.serve("PATCH")

    def do_DELETE(self) -> None:
        self.serve("DELETE")

    def serve(self, method: str) -> None:
        api: FakeApi = self.server.api
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        url = urlsplit(self.path)
        api.requests.append((method, self.path, self.headers, body))
        reply = api.prescribed(method, url.path)
        if reply is not None:
            return self.send(reply)
        if self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.fail(401, "Unauthorized", "Unauthorized")
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if "Upgrade" in self.headers:
            return self.run_command(url.path, parse_qs(url.query)["command"])
        with api.lock:
            return getattr(self, "on_" + method.lower())(url.path, query, body)

    def on_get(self, path: str, query: dict, _body: Any) -> None:
        api: FakeApi = self.server.api
        if path in api.objects or path in api.apis:
            return self.json(200, api.objects.get(path) or api.apis[path])
        if COLLECTION.search(path) and (SERVED.match(path) or any(path.startswith(known) for known in api.apis)):
            return self.page(path, query)
        return self.fail(404, "NotFound", "{0} not found".format(path))

    def page(self, path: str, query: dict) -> None:
        prefix, plural = path.rsplit("/", 1)
        inside = re.compile("{0}/(?:namespaces/[^/]+/)?{1}/[^/]+$".format(re.escape(prefix), plural))
        objects = self.server.api.objects
        items = [objects[key] for key in sorted(objects) if inside.match(key) and selected(objects[key], query)]
        start, limit = int(query.get("continue", 0)), int(query.get("limit", 0)) or len(items)
        metadata = {"continue": str(start + limit)} if start + limit < len(items) else {}
        self.json(200, {"kind": "List", "metadata": metadata, "items": items[start:start + limit]})

    def on_post(self, path: str, _query: dict, body: Any) -> None:
        key = "{0}/{1}".format(path, body["metadata"]["name"])
        if key in self.server.api.objects:
            return self.fail(409, "AlreadyExists", "already exists")
        return self.json(201, self.server.api.put(key, body))

    def on_put(self, path: str, _query: dict, body: Any) -> None:
        former = self.server.api.objects.get(path)
        if former is None:
            return self.fail(404, "NotFound", "not found")
        if body["metadata"].get("resourceVersion") not in (None, former["metadata"]["resourceVersion"]):
            return self.fail(409, "Conflict", "the object has been modified")
        return self.json(200, self.server.api.put(path, body))

    def on_patch(self, path: str, _query: dict, body: Any) -> None:
        """A JSON merge patch (RFC 7386); a change of the spec counts up the generation."""
        api: FakeApi = self.server.api
        former = api.objects.get(path)
        if former is None:
            return self.fail(404, "NotFound", "not found")
        if (body.get("metadata") or {}).get("resourceVersion") not in (None, former["metadata"]["resourceVersion"]):
            return self.fail(409, "Conflict", "the object has been modified")
        now = merged(former, body)
        if now.get("spec") != former.get("spec") and "generation" in now["metadata"]:
            now["metadata"]["generation"] += 1
        stored = api.put(path, now)
        api.on_change(path, stored)
        return self.json(200, stored)

    def on_delete(self, path: str, _query: dict, body: Any) -> None:
        api: FakeApi = self.server.api
        former = api.objects.get(path)
        if former is None:
            return self.fail(404, "NotFound", "not found")
        if ((body or {}).get("preconditions") or {}).get("uid") not in (None, former["metadata"]["uid"]):
            return self.fail(409, "Conflict", "the UID in the precondition does not match")
        del api.objects[path]
        api.on_delete(path, former)
        return self.json(200, {"kind": "Status", "status": "Success"})

    def json(self, status: int, document: dict) -> None:
        self.send(Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json"}))

    def fail(self, status: int, reason: str, message: str) -> None:
        self.json(status, {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": status})

    def send(self, reply: Reply) -> None:
        time.sleep(reply.delay)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        step = 1 if reply.drip else max(1, len(reply.body))
        for at in range(0, len(reply.body) if reply.cut is None else reply.cut, step):
            self.wfile.write(reply.body[:reply.cut][at:at + step])
            time.sleep(reply.drip)
        if reply.cut is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def run_command(self, path: str, command: List[str]) -> None:
        """The kubelet's side of v4.channel.k8s.io."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
        self.end_headers()
        self.close_connection = True
        output = self.server.api.on_exec(unquote(path.split("/pods/")[1].split("/")[0]), command)
        self.frames(1, output.stdout)
        self.frames(2, output.stderr)
        time.sleep(output.delay)
        if output.code is not None:
            self.frames(3, output.raw_status or json.dumps(status_of(output)).encode())
            self.wfile.write(b"\x88\x02\x03\xe8")

    def frames(self, channel: int, content: bytes) -> None:
        for at in range(0, len(content), 32768):
            payload = bytes([channel]) + content[at:at + 32768]
            short = len(payload) < 126
            head = struct.pack("!BB", 0x82, len(payload)) if short else struct.pack("!BBH", 0x82, 126, len(payload))
            self.wfile.write(head + payload)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386; an empty mapping that is left is dropped, as the API server does with fields that may be left out."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        found[key] = merged(found.get(key), value)
        if value is None or found[key] == {}:
            del found[key]
    return found


def status_of(output: Output) -> dict:
    """The Status that the kubelet sends last."""
    if output.start_error:
        return {"status": "Failure", "reason": "InternalError", "message": output.start_error, "code": 500}
    if output.code == 0:
        return {"status": "Success"}
    return {"status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated with non-zero exit code",
            "details": {"causes": [{"reason": "ExitCode", "message": str(output.code)}]}}


def selected(item: dict, query: dict) -> bool:
    """Label and field selectors with '='."""
    labels = item["metadata"].get("labels") or {}
    for wanted in filter(None, query.get("labelSelector", "").split(",")):
        name, value = wanted.split("=")
        if labels.get(name) != value:
            return False
    for wanted in filter(None, query.get("fieldSelector", "").split(",")):
        name, value = wanted.split("=")
        found: Any = item
        for part in name.split("."):
            found = (found or {}).get(part)
        if found != value:
            return False
    return True
