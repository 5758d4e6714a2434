# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Standard input and output as one end of a TCP connection inside a test bed's segment."""
from __future__ import annotations

import os
import select
import socket
import sys

CHUNK = 1 << 16


def connect(address: str, port: int) -> None:
    """Returns when the other side closes. The caller is in the segment's namespace already."""
    with socket.create_connection((address, port)) as peer:
        sources = [peer, sys.stdin]
        while peer in sources:
            for source in select.select(sources, [], [])[0]:
                if not _copy(source, peer):
                    sources.remove(source)


def _copy(source: object, peer: socket.socket) -> bool:
    if source is peer:
        data = peer.recv(CHUNK)
        _write(data)
    else:
        data = os.read(sys.stdin.fileno(), CHUNK)
        if data:
            peer.sendall(data)
        else:
            peer.shutdown(socket.SHUT_WR)
    return bool(data)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(sys.stdout.fileno(), data):]
