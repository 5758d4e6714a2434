# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process that owns a test bed: the segment and every QEMU. When it ends, however it ends, they end.

It listens on a socket for one JSON object a connection and answers with one:
{"do": "start", "name", "command": [str], "queues": int} -> {"pid"}; {"do": "kill", "name"} -> {};
{"do": "list"} -> {"running": {name: pid}}; {"do": "mtu", "mtu": int} -> {}; {"do": "end"} -> {}. What failed: {"error"}.
"""
from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Optional

from front import keeping

from .qemu import TAP_FDS
from .segment import Segment


class Keeper:
    """One test bed's machines and segment. `folder` is the current folder."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.machines: dict[str, subprocess.Popen] = {}
        self.ended = False

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        actions = {"start": self.start, "kill": self.kill, "list": self.list, "mtu": self.mtu, "end": self.end}
        try:
            return actions[request.pop("do")](**request)
        except (OSError, KeyError, TypeError, ValueError) as error:
            return {"error": str(error)}

    def start(self, name: str, command: list[str], queues: int) -> dict[str, Any]:
        if name in self.running():
            raise ValueError(f"{name} runs already")
        opened = self.segment.plug(name, queues)
        try:
            words = [word.replace(TAP_FDS, ":".join(map(str, opened))) for word in command]
            with open(f"{name}.log", "ab") as log:
                process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=opened,
                                           preexec_fn=keeping.die_with_parent)
        finally:
            for handle in opened:
                os.close(handle)
        self.machines[name] = process
        return {"pid": process.pid}

    def kill(self, name: str) -> dict[str, Any]:
        """As if the plug were pulled."""
        if name in self.machines:
            self.machines[name].kill()
            self.machines.pop(name).wait()
        return {}

    def running(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.machines.items() if process.poll() is None}

    def list(self) -> dict[str, Any]:
        return {"running": self.running()}

    def mtu(self, mtu: int) -> dict[str, Any]:
        self.segment.set_mtu(mtu, sorted(self.running()))
        return {}

    def end(self) -> dict[str, Any]:
        self.ended = True
        for name in list(self.machines):
            self.kill(name)
        return {}


def keep(folder: Path, watch_pid: Optional[int], lifetime: float, mtu: int) -> int:
    """Runs until told to end, until process `watch_pid` is gone or for `lifetime` seconds."""
    os.chdir(folder)
    with open("keeper.lock", "a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        watched = os.pidfd_open(watch_pid) if watch_pid else None
        signal.signal(signal.SIGTERM, keeping.stop)
        keeper = Keeper(Segment(mtu))
        listener = keeping.listen()
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "namespace": keeper.segment.path}))
        lock.flush()
        try:
            keeping.serve(keeper, listener, watched, time.monotonic() + lifetime)
        finally:
            keeper.end()
    return 0
