# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether packets of a given size get to other hosts of a segment in one piece. Standard library only.

An echo request of that size is sent with "don't fragment"; by default without regard for what routes allow
(IP_PMTUDISC_PROBE), so that it can be asked before any route lets anybody send as much. Answers may come in pieces: what is
proven is the way there, so each host of a pair asks the other.
"""
from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from typing import Dict, List, NamedTuple, Optional

IP_MTU_DISCOVER, PMTUDISC_DO, PMTUDISC_PROBE = 10, 2, 3  # linux/in.h; the socket module has no names for them
ECHO, ECHO_REPLY = 8, 0
HEADERS = 28  # IPv4 and ICMP
SMALL = 84  # as ping sends
RECEIVE_BUFFER = 4 << 20
CARRIED, LOST, SILENT, NOT_SENT = "carried", "lost", "silent", "not_sent"


class Question(NamedTuple):
    """`size`: of the whole packet in bytes. `by_route`: only as routes allow. `seconds`: for the answers to each attempt."""

    device: str
    size: int
    attempts: int = 3
    seconds: float = 1.0
    by_route: bool = False


def probe(targets: List[str], question: Question) -> Dict[str, str]:
    """What became of it, for each address: carried, lost (small ones get an answer), silent (nothing does), or not_sent (this
    host does not let packets of that size out). Raises OSError."""
    with opened(question) as handle:
        asking = Asking(handle, targets)
        refused = asking.ask(question.size, targets, question)
        carried = set(asking.answered)
        asking.answered = set()
        asking.ask(SMALL, [target for target in targets if target not in carried], question)
    found = {}
    for target in targets:
        found[target] = (CARRIED if target in carried else NOT_SENT if target in refused
                         else LOST if target in asking.answered else SILENT)
    return found


def opened(question: Question) -> socket.socket:
    handle = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    try:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, question.device.encode() + b"\0")
        handle.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DO if question.by_route else PMTUDISC_PROBE)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    except OSError:
        handle.close()
        raise
    return handle


class Asking:
    """One socket's requests and the targets that have answered."""

    def __init__(self, handle: socket.socket, targets: List[str]) -> None:
        self.handle = handle
        self.targets = targets
        self.answered: set = set()
        self._identity = struct.unpack("!H", os.urandom(2))[0]

    def ask(self, size: int, targets: List[str], question: Question) -> set:
        """Asks until all have answered or the attempts are over; the targets to which nothing could be sent."""
        refused: set = set()
        for _attempt in range(question.attempts):
            waiting = [target for target in targets if target not in self.answered | refused]
            refused |= {target for target in waiting if not self._send(target, size)}
            self._listen(size, {*waiting} - refused, question.seconds)
        return refused

    def _send(self, target: str, size: int) -> bool:
        packet = request(self._identity, self.targets.index(target), size)
        try:
            self.handle.sendto(packet, (target, 0))
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return False
            if error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENOBUFS):
                raise
        return True

    def _listen(self, size: int, waiting: set, seconds: float) -> None:
        until = time.monotonic() + seconds
        while waiting - self.answered:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.handle], [], [], left)[0]:
                return
            packet, (sender, _port) = self.handle.recvfrom(65535)
            number = answer_to(packet, self._identity, size)
            if number is not None and number < len(self.targets) and self.targets[number] == sender:
                self.answered.add(sender)


def request(identity: int, number: int, size: int) -> bytes:
    """An echo request that makes a packet of `size` bytes."""
    body = bytes(size - HEADERS)
    head = struct.pack("!BBHHH", ECHO, 0, 0, identity, number)
    return struct.pack("!BBHHH", ECHO, 0, checksum(head + body), identity, number) + body


def answer_to(packet: bytes, identity: int, size: int) -> Optional[int]:
    """The number of the request that this packet answers whole; None where it is something else."""
    head = (packet[0] & 15) * 4 if packet else 0
    if len(packet) < head + 8:
        return None
    kind, _code, _sum, found, number = struct.unpack("!BBHHH", packet[head:head + 8])
    whole = len(packet) - head == size - HEADERS + 8
    return number if kind == ECHO_REPLY and found == identity and whole else None


def checksum(data: bytes) -> int:
    """Of the Internet's protocols."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!{0}H".format(len(padded) // 2), padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
