# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A netexec on loopback, from agnhost's documented behaviour, one process's threads on real sockets, that can misbehave."""
from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.owner.links.append(self.connection)

    def log_message(self, *_args: Any) -> None:
        pass

    def do_GET(self) -> None:
        owner: NetExec = self.server.owner
        url = urlsplit(self.path)
        owner.asked.append(url.path)
        while owner.mute.is_set() and not owner.over.wait(0.05):
            pass
        if owner.raw is not None:
            self.wfile.write(owner.raw)
            self.close_connection = True
            return
        body = {"/hostname": lambda: owner.hostname, "/clientip": lambda: owner.client(self.client_address),
                "/echo": lambda: parse_qs(url.query)["msg"][0]}[url.path]()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        if self.request_version == "HTTP/1.0":
            self.close_connection = True  # an answer of more than 2048 bytes has no length
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


class Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: Any = None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


class Server6(Server):
    address_family = socket.AF_INET6


class NetExec:
    """`with NetExec("127.0.0.2", "pod-a") as pod:` serves TCP and UDP at pod.ports until the block's end. `seen`: what it takes
    for its client; `most`: larger datagrams are lost; `lose`: how many datagrams are lost first; while `mute` is set no request is
    answered."""

    def __init__(self, address: str, hostname: str, seen: Optional[str] = None, most: int = 65535, lose: int = 0,
                 port: int = 0) -> None:
        self.address, self.hostname, self.seen, self.most, self.lose = address, hostname, seen, most, lose
        self.asked: List[str] = []
        self.raw: Optional[bytes] = None
        self.reply: Callable[[bytes], Optional[bytes]] = lambda text: None
        self.links: List[socket.socket] = []
        self.mute = threading.Event()
        six = ":" in address
        self.http = (Server6 if six else Server)((address, port), Handler)
        self.http.owner = self
        self.udp = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, 0))
        self.udp.settimeout(0.05)
        self.over = threading.Event()

    @property
    def ports(self) -> Dict[str, int]:
        return {"tcp": self.http.server_address[1], "udp": self.udp.getsockname()[1]}

    def client(self, address: Any) -> str:
        host = self.seen or address[0]
        return ("[{0}]:{1}" if ":" in host else "{0}:{1}").format(host, address[1])

    def __enter__(self) -> "NetExec":
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        threading.Thread(target=self.serve_udp, daemon=True).start()
        return self

    def __exit__(self, *_exc: Any) -> None:
        self.over.set()
        self.http.shutdown()
        self.http.server_close()
        self.udp.close()

    def cut(self) -> None:
        """Every connection ends."""
        for link in self.links:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended before

    def serve_udp(self) -> None:
        while not self.over.is_set():
            try:
                data, client = self.udp.recvfrom(65535)
            except socket.timeout:
                continue
            except OSError:
                return
            if len(data) > self.most:
                continue
            if self.lose:
                self.lose -= 1
                continue
            answer = self.reply(data) or self.answer(data[:2048], client)
            if answer is not None:
                self.udp.sendto(answer, client)

    def answer(self, data: bytes, client: Any) -> Optional[bytes]:
        text = data.decode().strip().lower()
        if text == "hostname":
            return self.hostname.encode()
        if text == "clientip":
            return self.client(client).encode()
        return text[5:].encode() if text.startswith("echo ") else None
