# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Asks backends of a probe through NodePorts, as a client outside of the cluster: each request bounded in time and size.

What answers is foreign: its text is bounded, and is an answer only where it has exactly the form that netexec documents
(GET /clientip, /hostname and /echo; datagrams "clientip", "hostname" and "echo <text>").
"""
from __future__ import annotations

import errno
import ipaddress
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
STATUS = re.compile(rb"HTTP/1\.[01] 200[ \r]")
LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,6})[ \t]*\r\n", re.IGNORECASE)
MOST_HEADERS, MOST_SMALL, MOST_FULL = 8192, 300, 256 * 1024
IP_MTU, IPV6_MTU = 14, 24  # Linux; Python's socket module has no names for them
HEADERS = {"ipv4": 20, "ipv6": 40}
LEAST_MTU, MOST_MTU = 576, 9216
NETEXEC_BUFFER = 2048  # bytes of a datagram that netexec reads, "echo " included
DATAGRAM_TRIES = 3
TEXT = "abcdefghijklmnopqrstuvwxyz"  # netexec turns datagrams into lower case
STATES = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset", errno.EPIPE: "reset", errno.EMSGSIZE: "too_large"}
NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL,
          errno.EAFNOSUPPORT, errno.EACCES)

Answer = Dict[str, Any]


class Bounds(NamedTuple):
    """In seconds: one request, and between two rounds of those that failed; `mtu`: 0 for that of the route."""

    timeout: float = 3.0
    attempts: int = 3
    pause: float = 2.0
    concurrency: int = 32
    mtu: int = 0


class Wrong(Exception):
    """An answer that is none; `answered` is the host name where it is one."""

    def __init__(self, said: str, answered: Optional[str] = None) -> None:
        super().__init__(said)
        self.said, self.answered = one_line(said, 120), answered


class Late(Exception):
    """The request's time is over."""


def ask_all(targets: Sequence[Dict[str, Any]], bounds: Bounds) -> List[Answer]:
    """Pairs as plugin_utils/flow/probe/pairs.py has them, with `port` (the client's), for each target and size, in order.

    What fails is asked again, up to `attempts` times. A full request is asked only where the small one is answered.
    """
    jobs = [(target, room) for target in targets for room in target["rooms"]]
    answers: Dict[int, Answer] = {}
    with ThreadPoolExecutor(max_workers=max(1, bounds.concurrency)) as pool:
        for sizes in (False, True):
            numbers = [number for number, (_target, room) in enumerate(jobs) if (room is not None) is sizes]
            if sizes:
                small = {_way(jobs[number][0]): answer for number, answer in answers.items() if jobs[number][1] is None}
                cut = [number for number in numbers
                       if small.get(_way(jobs[number][0]), {}).get("state", "reached") != "reached"]
                answers.update({number: _blank(*jobs[number], state="not_asked") for number in cut})
                numbers = [number for number in numbers if number not in cut]
            _rounds(pool, jobs, numbers, answers, bounds)
    return [answers[number] for number in range(len(jobs))]


def _way(target: Dict[str, Any]) -> Tuple:
    return (target["address"], target["port"], target["protocol"])


def _rounds(pool: ThreadPoolExecutor, jobs: Sequence[Tuple], numbers: Sequence[int], answers: Dict[int, Answer],
            bounds: Bounds) -> None:
    for attempt in range(1, bounds.attempts + 1):
        if attempt > 1 and numbers:
            time.sleep(bounds.pause)
        for number, answer in zip(numbers, pool.map(lambda number: ask(*jobs[number], bounds=bounds), numbers)):
            answers[number] = dict(answer, attempts=attempt)
        numbers = [number for number in numbers if answers[number]["state"] != "reached"]


def _blank(target: Dict[str, Any], room: Optional[int], **known: Any) -> Answer:
    named = {key: target[key] for key in ("entry", "backend", "protocol", "family")}
    empty = dict.fromkeys(("answered", "seen", "own", "port", "connect_ms", "said"))
    return dict(named, room=room, **dict(empty, heard=None, attempts=0, **known))


def ask(target: Dict[str, Any], room: Optional[int], bounds: Bounds) -> Answer:
    """One request and what came of it. Never raises."""
    answer = _blank(target, room, state="failed")
    link: Optional[socket.socket] = None
    try:
        kind = socket.SOCK_STREAM if target["protocol"] == "tcp" else socket.SOCK_DGRAM
        family = socket.AF_INET6 if target["family"] == "ipv6" else socket.AF_INET
        ipaddress.ip_address(target["address"])  # never a name, which would be looked up without a limit in time
        link = socket.socket(family, kind)
        BY_PROTOCOL[target["protocol"]](link, target, room, bounds, answer)
        answer["state"] = "reached"
    except (Late, socket.timeout):
        answer["state"] = "timeout"
    except Wrong as error:
        answer.update(state="wrong_answer", said=error.said, answered=error.answered)
    except OSError as error:
        state = "unreachable" if error.errno in NO_WAY else "timeout" if error.errno == errno.ETIMEDOUT else "failed"
        answer.update(state=STATES.get(error.errno or 0, state), said=one_line(error.strerror or error, 120))
    except ValueError as error:
        answer["said"] = one_line(error, 120)
    finally:
        if link is not None:
            link.close()
    return answer


def _connect(link: socket.socket, target: Dict[str, Any], deadline: float, answer: Answer) -> None:
    began = time.monotonic()
    link.settimeout(_left(deadline))
    link.connect((target["address"], target["port"]))
    answer.update(own=link.getsockname()[0], port=link.getsockname()[1])
    if target["protocol"] == "tcp":
        answer["connect_ms"] = round((time.monotonic() - began) * 1000, 3)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise Late()
    return left


def _tcp(link: socket.socket, target: Dict[str, Any], room: Optional[int], bounds: Bounds, answer: Answer) -> None:
    deadline = time.monotonic() + bounds.timeout
    if room is not None:
        _smaller_segments(link, target, room, bounds)
    _connect(link, target, deadline, answer)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if room is None:
        answer["seen"] = client_address(_get(link, target, "/clientip", deadline, False).decode("ascii", "replace"))
        answer["answered"] = host_name(_get(link, target, "/hostname", deadline, True), target)
        return
    text = filler(4 * mtu_of(link, target["family"], bounds.mtu))
    if _whole(link, target, text, deadline) != text.encode("ascii"):
        raise Wrong("the echo of a full request is not what was sent")
    answer["answered"] = target.get("hostname")


def _smaller_segments(link: socket.socket, target: Dict[str, Any], room: int, bounds: Bounds) -> None:
    """Segments that leave so many bytes below the MTU, in both directions: the other side is told in the handshake."""
    with socket.socket(link.family, socket.SOCK_DGRAM) as route:
        route.connect((target["address"], target["port"]))  # sends nothing
        mtu = mtu_of(route, target["family"], bounds.mtu)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mtu - room - HEADERS[target["family"]] - 20)


def mtu_of(link: socket.socket, family: str, known: int = 0) -> int:
    """MTU of a connected socket's path, as far as the kernel knows it, within reason."""
    if known:
        return known
    try:
        found = link.getsockopt(*((socket.IPPROTO_IPV6, IPV6_MTU) if family == "ipv6" else (socket.IPPROTO_IP, IP_MTU)))
    except OSError:
        found = 1500
    return min(max(found, LEAST_MTU), MOST_MTU)


def filler(size: int) -> str:
    """So many characters."""
    return (TEXT * (size // len(TEXT) + 1))[:size]


def _get(link: socket.socket, target: Dict[str, Any], path: str, deadline: float, last: bool) -> bytes:
    """Body of a small answer, which must say how long it is; the connection stays open but for the last one."""
    _send(link, "GET {0} HTTP/1.1\r\nHost: {1}\r\nConnection: {2}\r\n\r\n".format(
        path, _host(target), "close" if last else "keep-alive"), deadline)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _receive(link, deadline)
        if len(received) > MOST_HEADERS:
            raise Wrong("the answer's headers do not end")
    head, _end, body = received.partition(b"\r\n\r\n")
    length = LENGTH.search(head + b"\r\n")
    if not STATUS.match(head) or length is None or int(length.group(1)) > MOST_SMALL:
        raise Wrong("the answer is not netexec's: {0}".format(head[:60].decode("ascii", "replace")))
    while len(body) < int(length.group(1)):
        body += _receive(link, deadline)
    return body[:int(length.group(1))]


def _whole(link: socket.socket, target: Dict[str, Any], text: str, deadline: float) -> bytes:
    """The echo of a long text: HTTP/1.0, so its end is the connection's."""
    _send(link, "GET /echo?msg={0} HTTP/1.0\r\nHost: {1}\r\n\r\n".format(text, _host(target)), deadline)
    received = b""
    while True:
        piece = _receive(link, deadline, at_end=b"")
        received += piece
        if len(received) > MOST_FULL:
            raise Wrong("the answer does not end")
        if not piece:
            break
    head, _end, body = received.partition(b"\r\n\r\n")
    if not received:
        raise OSError(errno.ECONNRESET, "closed without an answer")
    if not STATUS.match(head):
        raise Wrong("the answer is not netexec's: {0}".format(head[:60].decode("ascii", "replace")))
    return body


def _host(target: Dict[str, Any]) -> str:
    return ("[{0}]:{1}" if target["family"] == "ipv6" else "{0}:{1}").format(target["address"], target["port"])


def _send(link: socket.socket, text: str, deadline: float) -> None:
    link.settimeout(_left(deadline))
    link.sendall(text.encode("ascii"))


def _receive(link: socket.socket, deadline: float, at_end: Optional[bytes] = None) -> bytes:
    link.settimeout(_left(deadline))
    piece = link.recv(16384)
    if not piece and at_end is None:
        raise OSError(errno.ECONNRESET, "closed before the answer was whole")
    return piece


def _udp(link: socket.socket, target: Dict[str, Any], room: Optional[int], bounds: Bounds, answer: Answer) -> None:
    _connect(link, target, time.monotonic() + bounds.timeout, answer)
    if room is None:
        answer["seen"] = client_address(_exchange(link, "clientip", bounds).decode("ascii", "replace"))
        answer["answered"] = host_name(_exchange(link, "hostname", bounds), target)
        return
    size = mtu_of(link, target["family"], bounds.mtu) - room - HEADERS[target["family"]] - 8
    text = filler(size - len("echo "))
    # Of a longer datagram netexec reads the beginning: what counts is that it arrived.
    wanted = text[:NETEXEC_BUFFER - len("echo ")].encode("ascii")
    if _exchange(link, "echo " + text, bounds) != wanted:
        raise Wrong("the echo of a full datagram is not what was sent")
    answer["answered"] = target.get("hostname")


def _exchange(link: socket.socket, text: str, bounds: Bounds) -> bytes:
    """The answer to a datagram, which is sent again as applications do where none comes."""
    for _number in range(DATAGRAM_TRIES):
        link.settimeout(bounds.timeout / DATAGRAM_TRIES)
        link.send(text.encode("ascii"))
        try:
            return link.recv(65535)
        except socket.timeout:
            continue
    raise Late()


def client_address(text: str) -> str:
    """The address of address:port, in one spelling. Raises Wrong."""
    host, colon, port = text.strip().rpartition(":")
    inner = host[1:-1].partition("%")[0] if host.startswith("[") and host.endswith("]") else host
    try:
        found: Any = ipaddress.ip_address(inner)
    except ValueError:
        found = None
    if found is None or not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise Wrong("it answered with something that is no client's address: {0}".format(text[:60]))
    return str(getattr(found, "ipv4_mapped", None) or found)


def host_name(body: bytes, target: Dict[str, Any]) -> str:
    """The host name, which must be the backend's. Raises Wrong."""
    text = body.decode("ascii", "replace").strip()
    if not HOSTNAME.match(text):
        raise Wrong("it answered with something that is no host name: {0}".format(text[:60]))
    if text != target.get("hostname"):
        raise Wrong("{0} answered instead of {1}".format(text, target.get("hostname")), text)
    return text


BY_PROTOCOL: Dict[str, Callable[..., None]] = {"tcp": _tcp, "udp": _udp}
