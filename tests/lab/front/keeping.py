# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A keeper: the process that owns what was brought up, and is asked through a Unix socket in its folder.

One JSON object a connection is answered with one, {"error"} where something failed.
"""
from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import time
from pathlib import Path
from typing import Any, Optional

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 1.0
LONGEST_REQUEST = 1 << 20
SOCKET = "keeper.sock"

_libc = ctypes.CDLL(None)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    _libc.prctl(PR_SET_PDEATHSIG, number)


def listen() -> socket.socket:
    """In the current folder, for this user alone."""
    Path(SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(SOCKET)
    os.chmod(SOCKET, 0o600)
    listener.listen()
    return listener


def serve(keeper: Any, listener: socket.socket, watched: Optional[int], deadline: float) -> None:
    """Until `keeper.ended`, the end of the process of a pidfd, or the deadline; `keeper.answer` answers a request."""
    sources: list[Any] = [listener] if watched is None else [listener, watched]
    while not keeper.ended and time.monotonic() < deadline:
        ready = select.select(sources, [], [], POLL_SECONDS)[0]
        if watched in ready:
            return
        if listener in ready:
            _one_request(keeper, listener)


def _one_request(keeper: Any, listener: socket.socket) -> None:
    connection = listener.accept()[0]
    with connection:
        connection.settimeout(POLL_SECONDS)
        try:
            request = json.loads(connection.makefile("rb").readline(LONGEST_REQUEST))
            connection.sendall(json.dumps(keeper.answer(request)).encode() + b"\n")
        except (OSError, ValueError):
            return  # who asked has gone, or is none of ours


def stop(number: int, frame: Any) -> None:
    """For signals that end a keeper in good order."""
    raise SystemExit(0)


def connect(path: Path, seconds: float) -> socket.socket:
    """A path of a socket may have 107 bytes only, so the folder is named by an open descriptor. Raises OSError."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection


def ask(folder: Path, request: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The keeper's answer, {"error"} among others. Raises OSError or ValueError where it has none."""
    with connect(folder / SOCKET, seconds) as connection:
        connection.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(connection.makefile("rb").readline() or b"{}")


def send_signal(pid: int, number: int) -> None:
    """To a process that may be gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def text_of(path: Path) -> str:
    """Of a file that may not be there."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
