# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The connection meter: holds long connections and opens new ones at a fixed rate, and counts what is lost, by entry node.

A program by itself that needs nothing but a Python: `python3 -I meter.py <folder>`. In the folder are

    config.json   {targets: [{node, backend, address, port, hostname}], rate: new connections a second over all targets,
                   held: long connections over all, beat: seconds between two requests on each of them, timeout: seconds,
                   duration: seconds at most, ttl: seconds without a sign of life, watch: null | {pid, born}}
    alive         its time is the last sign of life of who started it
    stop          is there when it shall end
    result.json   what was counted so far, written anew every second (see Meter.document)
"""
from __future__ import annotations

import errno
import json
import os
import re
import resource
import selectors
import signal
import socket
import sys
import time
from typing import Any, Dict, List, Optional, Set

ANSWER = re.compile(rb"HTTP/1\.[01] 200[ \r]")
LENGTH = re.compile(rb"\r\nContent-Length:[ \t]*(\d{1,4})[ \t]*\r\n", re.IGNORECASE)
MOST_ANSWER, MOST_EVENTS = 4096, 200
NEW, HELD = "new", "established"
LOST = ("refused", "timeout", "reset", "unreachable", "wrong", "failed")
BROKEN = ("hung", "reset", "closed", "wrong", "failed")
BY_ERROR = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "reset", errno.EPIPE: "reset", errno.ENETUNREACH: "unreachable",
            errno.EHOSTUNREACH: "unreachable", errno.ETIMEDOUT: "timeout"}
OWN = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM)  # this machine's limits, no loss


class Tally:
    """Counts of one node and kind of connection. The longest gap lies between two answers, in seconds, with a loss in it."""

    def __init__(self, names: Any, now: float) -> None:
        self.counts: Dict[str, int] = dict.fromkeys(names, 0)
        self.answers, self.gap, self.worst = 0, 0.0, 0.0
        self.last, self.lossy = now, False

    def answered(self, now: float, took: float) -> None:
        self.answers += 1
        self.worst = max(self.worst, took)
        if self.lossy:
            self.gap = max(self.gap, now - self.last)
        self.last, self.lossy = now, False

    def lost(self, what: str) -> None:
        self.counts[what] += 1
        self.lossy = True

    def longest_gap(self, now: float) -> float:
        """With one that lasts still."""
        return max(self.gap, now - self.last if self.lossy else 0.0)


class Link:
    """One connection: connecting, then asking and idle in turn."""

    def __init__(self, target: Dict[str, Any], kind: str, now: float, timeout: float) -> None:
        self.target, self.kind = target, kind
        self.began, self.deadline, self.asked = now, now + timeout, now
        self.heard: Optional[float] = None  # time of the last answer, also of the connection that it replaces
        self.answers = 0
        self.connected, self.waiting, self.received = False, False, b""
        self.socket = socket.socket(socket.AF_INET6 if ":" in target["address"] else socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)

    def connect(self) -> int:
        """The error number; 0 or EINPROGRESS where it goes on."""
        return self.socket.connect_ex((self.target["address"], self.target["port"]))

    def ask(self, now: float, timeout: float) -> None:
        self.socket.sendall("GET /hostname HTTP/1.1\r\nHost: meter\r\nConnection: {0}\r\n\r\n".format(
            "close" if self.kind == NEW else "keep-alive").encode("ascii"))
        self.connected, self.waiting, self.received = True, True, b""
        self.asked, self.deadline = now, now + timeout

    def whole(self) -> Optional[str]:
        """"ok" or "wrong" once the answer is whole; None before."""
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return "wrong" if len(self.received) > MOST_ANSWER else None
        length = LENGTH.search(head + b"\r\n")
        if not ANSWER.match(head) or length is None:
            return "wrong"
        if len(body) < int(length.group(1)):
            return None
        return "ok" if body.decode("ascii", "replace").strip() == self.target["hostname"] else "wrong"


class Meter:
    """All connections of one client."""

    def __init__(self, config: Dict[str, Any], folder: str) -> None:
        self.config, self.folder = config, folder
        self.poll = selectors.DefaultSelector()
        self.links: Set[Link] = set()
        self.began, self.wall = time.monotonic(), time.time()
        self.due, self.turn = self.began, 0
        self.skipped = self.own = 0
        self.reopen: List[Any] = []  # (when, target, since when it is silent)
        self.events: List[Dict[str, Any]] = []
        self.why: Optional[str] = None
        nodes = {target["node"] for target in config["targets"]}
        self.tallies = {node: {NEW: Tally(LOST, self.began), HELD: Tally(BROKEN, self.began)} for node in sorted(nodes)}
        self.silence: Dict[str, float] = dict.fromkeys(nodes, 0.0)

    def run(self) -> str:
        """Until there is a reason to end, which it returns."""
        for number in range(self.config["held"]):
            self.reopen.append((self.began + 0.005 * number, self.targets[number % len(self.targets)], None))
        saved = 0.0
        while self.why is None:
            now = time.monotonic()
            self.open_due(now)
            self.expire(now)
            if now - saved >= 1.0:
                saved = now
                self.why = self.reason_to_end(now)
                self.save()
            for key, _events in self.poll.select(max(0.0, min(self.due - time.monotonic(), 0.02))):
                self.serve(key.data)
        self.save()
        for link in list(self.links):
            self.drop(link)
        return self.why

    @property
    def targets(self) -> List[Dict[str, Any]]:
        return self.config["targets"]

    def open_due(self, now: float) -> None:
        """New connections at their rate; where this process was not on time, those that are due since are left out."""
        step = 1.0 / self.config["rate"]
        late = int((now - self.due) / step) if now > self.due else 0
        if late > self.config["rate"] * 0.25:
            self.skipped += late
            self.due += late * step
        while self.due <= now:
            self.due += step
            self.open(self.targets[self.turn % len(self.targets)], NEW, now)
            self.turn += 1
        ready = [entry for entry in self.reopen if entry[0] <= now]
        self.reopen = [entry for entry in self.reopen if entry[0] > now]
        for _when, target, silent in ready:
            self.open(target, HELD, now, silent)

    def open(self, target: Dict[str, Any], kind: str, now: float, silent: Optional[float] = None) -> None:
        try:
            link = Link(target, kind, now, self.config["timeout"])
        except OSError as error:
            self.fail_to_open(target, kind, now, error.errno or 0)
            return
        link.heard = silent
        code = link.connect()
        if code in (0, errno.EINPROGRESS):
            self.links.add(link)
            self.poll.register(link.socket, selectors.EVENT_WRITE, link)
            return
        link.socket.close()
        self.fail_to_open(target, kind, now, code, silent)

    def fail_to_open(self, target: Dict[str, Any], kind: str, now: float, code: int, silent: Optional[float] = None) -> None:
        if code in OWN:
            self.own += 1
        elif kind == NEW:
            self.lose(target, kind, BY_ERROR.get(code, "failed"))
        if kind == HELD:
            self.reopen.append((now + self.config["beat"], target, silent))

    def expire(self, now: float) -> None:
        """What is over its time, and what is to be asked again."""
        for link in list(self.links):
            if link.waiting or not link.connected:
                if now >= link.deadline:
                    self.end(link, "timeout" if link.kind == NEW else "hung")
            elif now - link.asked >= self.config["beat"]:
                self.attempt(link, lambda link=link: link.ask(now, self.config["timeout"]))

    def serve(self, link: Link) -> None:
        if link in self.links:
            self.attempt(link, lambda: (self.read if link.connected else self.begin)(link))

    def attempt(self, link: Link, action: Any) -> None:
        try:
            action()
        except BlockingIOError:
            pass
        except OSError as error:
            word = BY_ERROR.get(error.errno or 0, "failed")
            self.end(link, word if link.kind == NEW or word in BROKEN else "failed")

    def begin(self, link: Link) -> None:
        code = link.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "")
        self.poll.modify(link.socket, selectors.EVENT_READ, link)
        link.ask(time.monotonic(), self.config["timeout"])

    def read(self, link: Link) -> None:
        piece = link.socket.recv(MOST_ANSWER)
        link.received += piece
        found = link.whole()
        if not link.waiting or not piece and found is None:
            self.end(link, "reset" if link.kind == NEW else "closed")
        elif found == "wrong":
            self.end(link, "wrong")
        elif found == "ok":
            self.answered(link, time.monotonic())

    def answered(self, link: Link, now: float) -> None:
        tally = self.tallies[link.target["node"]][link.kind]
        if link.kind == NEW:
            tally.answered(now, now - link.began)
            self.drop(link)
            return
        tally.answered(now, now - link.asked)
        if link.heard is not None:
            self.silence[link.target["node"]] = max(self.silence[link.target["node"]], self.beyond(now - link.heard))
        link.waiting, link.heard = False, now
        link.answers += 1

    def beyond(self, silent: float) -> float:
        """Silence that is more than the pause between two requests; 0 where it is not."""
        return silent if silent > self.config["beat"] + max(0.5, self.config["beat"]) else 0.0

    def end(self, link: Link, what: str) -> None:
        """A connection is lost. One that is held is opened again, so that it shows when service is back."""
        now = time.monotonic()
        self.drop(link)
        if link.kind == NEW:
            self.lose(link.target, NEW, what)
            return
        # What never answered on this connection was no established one.
        if link.answers:
            self.lose(link.target, HELD, what)
        self.reopen.append((now + min(1.0, self.config["beat"]), link.target, link.heard))

    def lose(self, target: Dict[str, Any], kind: str, what: str) -> None:
        self.tallies[target["node"]][kind].lost(what)
        if len(self.events) < MOST_EVENTS:
            self.events.append({"at": round(time.monotonic() - self.began, 3), "node": target["node"],
                                "backend": target["backend"], "kind": kind, "what": what})

    def drop(self, link: Link) -> None:
        self.links.discard(link)
        self.poll.unregister(link.socket)
        link.socket.close()

    def reason_to_end(self, now: float) -> Optional[str]:
        try:
            silent = time.time() - os.stat(os.path.join(self.folder, "alive")).st_mtime
        except OSError:
            return "its folder is gone"
        if os.path.exists(os.path.join(self.folder, "stop")):
            return "stopped"
        if now - self.began >= self.config["duration"]:
            return "its time was over"
        if silent > self.config["ttl"]:
            return "nobody asked for it any more"
        watch = self.config.get("watch")
        return "who started it is gone" if watch and born(watch["pid"]) != watch["born"] else None

    def document(self) -> Dict[str, Any]:
        """{schema, pid, began: seconds since 1970, seconds, rate, held, open (long connections that are there), skipped (not
        opened, because this machine was late), own (not opened by this machine's own limits), ended: null|why, events: the
        first 200 losses [{at: seconds since it began, node, backend, kind, what}], nodes: {node: {"new": {tried, ok,
        <what>: count, longest_gap, worst}, "established": {answers, <what>: count, longest_gap, worst}}}}, gaps and worst
        answers in seconds."""
        now = time.monotonic()
        held = [link for link in self.links if link.kind == HELD]
        silent = [(link.target, link.heard) for link in held if link.waiting or not link.connected]
        silent += [(target, heard) for _when, target, heard in self.reopen]
        nodes = {}
        for node, tallies in self.tallies.items():
            new, old = tallies[NEW], tallies[HELD]
            lasting = [self.beyond(now - heard) for target, heard in silent if target["node"] == node and heard is not None]
            nodes[node] = {
                NEW: dict(new.counts, ok=new.answers, tried=new.answers + sum(new.counts.values()),
                          longest_gap=round(new.longest_gap(now), 3), worst=round(new.worst, 3)),
                HELD: dict(old.counts, answers=old.answers, worst=round(old.worst, 3),
                           longest_gap=round(max([self.silence[node]] + lasting), 3))}
        return {"schema": 1, "pid": os.getpid(), "began": round(self.wall, 3), "seconds": round(now - self.began, 3),
                "rate": self.config["rate"], "held": self.config["held"], "open": sum(link.answers > 0 for link in held),
                "skipped": self.skipped, "own": self.own, "ended": self.why, "events": self.events, "nodes": nodes}

    def save(self) -> None:
        """A reader sees the old or the new one, whole. Without its folder there is nobody to tell."""
        path = os.path.join(self.folder, "result.json")
        try:
            with open(path + ".new", "w", encoding="utf-8") as file:
                json.dump(self.document(), file)
            os.rename(path + ".new", path)
        except OSError:
            self.why = self.why or "its folder is gone"


def born(pid: int) -> Optional[str]:
    """When a process was started, in ticks since boot; None where it is gone, or only its exit code is left."""
    try:
        with open("/proc/{0}/stat".format(pid), encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def main(folder: str) -> int:
    """The exit code; says "ready" once it counts."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    meter = Meter(config, folder)

    def stop(_number: int, _frame: Any) -> None:
        meter.why = "stopped by a signal"
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    meter.save()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    meter.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
