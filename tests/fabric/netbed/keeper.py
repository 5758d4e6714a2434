# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The processes that own a fabric: its namespaces, its control plane and its nodes. When they end, all of it ends.

The keeper listens on a socket for one JSON object a connection and answers with one, {"error"} where something failed:
{"do": "control", "command": [str]}, {"do": "on"|"off", "name"}, {"do": "link", "name", "up": bool},
{"do": "faults", "faults": [dict]}, {"do": "look"} -> {"slot", "nodes": {name: pid|None}, "links": {name: bool}, "faults",
"spaces": {name: path}}, {"do": "end"}. The janitor, its parent, clears up what the kernel does not when the keeper is killed.
"""
from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Optional

from front import keeping

from . import cgroups, host
from .faults import Fault, Faults
from .places import NODE_PROGRAM
from .plan import CONTROL
from .wiring import Wiring, cut_from_machine


class Keeper:
    """One fabric; its folder is the current folder. `top` names what it has on this machine."""

    def __init__(self, count: int, top: str) -> None:
        self.wiring = Wiring(count, top)
        self.faults = Faults(self.wiring.router, self.wiring.nodes, self.wiring.spaces)
        self.top = top
        self.running: dict[str, subprocess.Popen] = {}
        self.links = {node.name: True for node in self.wiring.nodes}
        self.ended = False

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        actions = {"control": self.control, "on": self.on, "off": self.off, "link": self.link, "faults": self.set_faults,
                   "look": self.look, "end": self.end}
        try:
            return actions[request.pop("do")](**request) or {}
        except (OSError, KeyError, TypeError, ValueError) as error:
            return {"error": str(error)}

    def control(self, command: list[str]) -> None:
        """Starts the control plane in its namespace; it says itself when it is ready."""
        with self.wiring.space(CONTROL).inside():
            self.running[CONTROL] = _start(command, "control.log")

    def on(self, name: str) -> None:
        if self._alive(name):
            raise ValueError(f"{name} is on already")
        groups = cgroups.create(self.top, name)
        folder = Path("nodes", name)
        (folder / "ready").unlink(missing_ok=True)
        command = [host.program("unshare"), "--cgroup", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=SIGKILL",
                   "--mount-proc", sys.executable, str(NODE_PROGRAM), str(folder.resolve() / "node.json")]
        with self.wiring.space(name).inside():
            self.running[name] = _start(command, str(folder / "node.log"), groups)

    def off(self, name: str) -> None:
        """As if the plug were pulled: what connections it had tracked is lost too."""
        if name in self.running:
            process = self.running.pop(name)
            process.kill()
            process.wait()
        if name != CONTROL:
            self._forget(name)

    def _forget(self, name: str) -> None:
        """What a power-off takes from a node's kernel, which here outlives it in its network namespace."""
        cgroups.remove(f"{self.top}/{name}")
        space = self.wiring.space(name)
        space.run([host.program("nft"), "flush", "ruleset"])
        space.run([host.program("conntrack"), "--flush"])
        with space.inside():
            _try("ip", "link", "del", "cni0")
            for device in ("eth0", "eth1"):
                _try("tc", "qdisc", "del", "dev", device, "clsact")

    def link(self, name: str, up: bool) -> None:
        self.wiring.link(name, up)
        self.links[name] = up

    def set_faults(self, faults: list[dict[str, Any]]) -> None:
        self.faults.set([Fault.from_dict(fields, self.wiring.nodes) for fields in faults])

    def look(self) -> dict[str, Any]:
        return {"slot": self.wiring.slot, "links": self.links, "faults": self.faults.report(),
                "nodes": {node.name: self._alive(node.name) for node in self.wiring.nodes},
                "spaces": {name: space.path for name, space in self.wiring.spaces.items()}}

    def _alive(self, name: str) -> Optional[int]:
        process = self.running.get(name)
        return process.pid if process and process.poll() is None else None

    def end(self) -> None:
        self.ended = True
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait()
        self.running.clear()


def _start(command: list[str], log_path: str, groups: Optional[list[Path]] = None) -> subprocess.Popen:
    def prepare() -> None:
        keeping.die_with_parent()
        cgroups.move_here(groups or [])

    with open(log_path, "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=prepare,
                                start_new_session=True)


def keep(folder: Path, count: int, top: str, watch_pid: Optional[int], lifetime: float) -> int:
    """Runs until told to end, until process `watch_pid` is gone or for `lifetime` seconds."""
    os.chdir(folder)
    with open("keeper.lock", "a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        watched = os.pidfd_open(watch_pid) if watch_pid else None
        signal.signal(signal.SIGTERM, keeping.stop)
        child = os.fork()
        if not child:
            _be_keeper(lock, count, top, watched, lifetime)
        return _be_janitor(child, top)


def _be_janitor(keeper: int, top: str) -> int:
    """Clears up after a keeper, however it ended; its own SIGTERM ends the keeper."""
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(keeper, signal.SIGTERM))
    status = os.waitpid(keeper, 0)[1]
    clear(top)
    return os.waitstatus_to_exitcode(status)


def clear(top: str) -> None:
    """What is left of a fabric whose processes have ended: the wire to this machine, and control groups."""
    cut_from_machine(top)
    cgroups.remove(top)


def _be_keeper(lock: Any, count: int, top: str, watched: Optional[int], lifetime: float) -> None:
    code = 1
    try:
        keeping.die_with_parent(signal.SIGTERM)
        clear(top)
        keeper = Keeper(count, top)
        listener = keeping.listen()
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "janitor": os.getppid()}))
        lock.flush()
        try:
            keeping.serve(keeper, listener, watched, time.monotonic() + lifetime)
        finally:
            keeper.end()
            clear(top)
        code = 0
    except (OSError, ValueError) as error:
        print(error, flush=True)
    finally:
        os._exit(code)


def _try(name: str, *words: str) -> None:
    """Removes what may not be there."""
    subprocess.run([host.program(name), *words], check=False, capture_output=True)
