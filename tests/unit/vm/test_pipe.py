# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import socket
import subprocess
import sys
import threading

from bed import places

SCRIPT = "import sys; sys.path[:0] = {path!r}; from bed import pipe; pipe.connect('127.0.0.1', {port})"


def test_bytes_go_both_ways_and_ends_are_passed_on():
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve() -> None:
        connection = listener.accept()[0]
        with connection:
            connection.sendall(b"welcome\n")
            while data := connection.recv(1 << 16):
                seen.append(data)
            connection.sendall(b"all " + str(sum(map(len, seen))).encode())  # after our end of the talk was closed

    server = threading.Thread(target=serve)
    server.start()
    script = SCRIPT.format(path=[str(places.VM), str(places.VM.parent / "lab")], port=listener.getsockname()[1])
    done = subprocess.run([sys.executable, "-c", script], check=True, input=b"x" * 300_000, capture_output=True, timeout=60)
    server.join()
    listener.close()
    assert done.stdout == b"welcome\nall 300000"
