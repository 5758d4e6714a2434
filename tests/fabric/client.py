# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a client sees of services, told from within the client's namespace.

Reads a JSON list of questions from stdin: {"proto": "tcp"|"udp", "address", "port", "size", "seconds"}; prints a list of
{"reached": bool, "backend", "seen", "error"}, the server's host name and the client's address that it saw. Standard library only.
"""
from __future__ import annotations

import http.client
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MOST_AT_ONCE = 32


def ask(question: dict[str, Any]) -> dict[str, Any]:
    answer = {"reached": False, "backend": None, "seen": None, "error": None}
    try:
        by_proto = {"tcp": ask_http, "udp": ask_udp}[question["proto"]]
        backend, seen, echo = by_proto(question)
        if echo != "x" * question["size"]:
            raise OSError("another echo than what was sent")
        answer.update(reached=True, backend=backend, seen=host_of(seen))
    except (OSError, http.client.HTTPException) as error:
        answer["error"] = str(error) or type(error).__name__
    return answer


def ask_http(question: dict[str, Any]) -> tuple[str, str, str]:
    connection = http.client.HTTPConnection(question["address"], question["port"], timeout=question["seconds"])
    try:
        return (get(connection, "/hostname"), get(connection, "/clientip"), get(connection, f"/echo?msg={'x' * question['size']}"))
    finally:
        connection.close()


def get(connection: http.client.HTTPConnection, path: str) -> str:
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def ask_udp(question: dict[str, Any]) -> tuple[str, str, str]:
    family = socket.AF_INET6 if ":" in question["address"] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as channel:
        channel.settimeout(question["seconds"])
        channel.connect((question["address"], question["port"]))
        return tuple(exchange(channel, word) for word in ("hostname", "clientip", "echo " + "x" * question["size"]))


def exchange(channel: socket.socket, word: str) -> str:
    channel.send(word.encode())
    return channel.recv(65536).decode()


def host_of(address: str) -> str:
    """`[fd00::2]:4711` as `fd00::2`."""
    return address.rpartition(":")[0].strip("[]")


if __name__ == "__main__":
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        json.dump(list(pool.map(ask, json.load(sys.stdin))), sys.stdout)
