# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One test bed: its state folder, its keeper, its machines.

`bed.json` there is what `up` was asked for; `keeper.lock` is held by the running keeper and says its process id and
the segment's namespace.
"""
from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Optional

from front import keeping
from front.locks import exclusive, is_locked

from . import host, places, qemu, sockets, ssh
from .errors import VmError
from .qemu import Machine

KEEPER_SECONDS = 30
POLL_SECONDS = 0.05
KEPT_AFTER_DOWN = {"front.lock", "keeper.lock"}
LOGS = (".log", ".console")


class Bed:
    """Test bed `name`, running or not."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?", name):
            raise VmError(f"{name!r} is no name for a test bed: "
                          "use at most 40 lower-case letters, digits, dashes and underscores.")
        self.name = name
        self.folder = places.state(name)
        self.ssh_config = self.folder / "ssh-config"

    def front_lock(self, on_wait: Callable[[], None]) -> AbstractContextManager[None]:
        """One command at a time changes this bed."""
        return exclusive(self.folder / "front.lock", on_wait)

    # The keeper

    def kept(self) -> bool:
        return is_locked(self.folder / "keeper.lock")

    def keeper(self) -> dict[str, Any]:
        """{"pid", "namespace"} of the running keeper; empty where there is none, or none that is ready."""
        text = keeping.text_of(self.folder / "keeper.lock")
        return json.loads(text) if self.kept() and text.endswith("}") else {}

    def start_keeper(self, watch_pid: Optional[int], lifetime: float, mtu: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder, 0o700)
        self.clear()
        (self.folder / "keeper.lock").write_text("", encoding="utf-8")
        command = [sys.executable, str(places.PROGRAM), "keep", "--name", self.name, "--lifetime", str(lifetime),
                   "--segment-mtu", str(mtu)] + (["--watch-pid", str(watch_pid)] if watch_pid else [])
        with open(self.folder / "keeper.log", "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + KEEPER_SECONDS
        while not self.keeper():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                said = keeping.text_of(self.folder / "keeper.log").strip().splitlines() or ["it gave no reason"]
                raise VmError(f"The test bed's keeper did not start: {said[-1]}")
            time.sleep(POLL_SECONDS)

    def stop_keeper(self) -> None:
        pid = self.keeper().get("pid")
        for number in (signal.SIGTERM, signal.SIGKILL):  # its machines die with it
            if not pid or not self.kept():
                return
            keeping.send_signal(pid, number)
            deadline = time.monotonic() + KEEPER_SECONDS
            while self.kept() and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)

    # What is in it

    def save(self, machines: list[Machine], image: Path) -> None:
        record = {"machines": [asdict(machine) for machine in machines], "image": str(image),
                  "ports": {machine.name: _free_port() for machine in machines}}
        (self.folder / "bed.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        self.ssh_config.write_text(ssh.config(self.name, machines, record["ports"], image), encoding="utf-8")

    def record(self) -> dict[str, Any]:
        text = keeping.text_of(self.folder / "bed.json")
        if not text or not self.kept():
            raise VmError(f"There is no test bed {self.name}: bring it up with `vm up --name {self.name}`.")
        return json.loads(text)

    def machines(self) -> list[Machine]:
        return [Machine(**fields) for fields in self.record()["machines"]]

    def chosen(self, name: Optional[str]) -> list[Machine]:
        """The machine of this name, all of them without one."""
        found = [machine for machine in self.machines() if name in (None, machine.name)]
        if not found:
            known = ", ".join(machine.name for machine in self.machines())
            raise VmError(f"Test bed {self.name} has no machine {name}: it has {known}.")
        return found

    # What is done to it

    def start(self, machine: Machine, frozen: bool) -> None:
        port = self.record()["ports"][machine.name]
        command = qemu.command(host.program("qemu-system-x86_64"), machine, f"{machine.name}.qcow2", port, frozen)
        sockets.ask_keeper(self.folder, do="start", name=machine.name, command=command, queues=machine.queues)

    def kill(self, machine: Machine) -> None:
        ssh.hang_up(self.ssh_config, machine.name)
        sockets.ask_keeper(self.folder, do="kill", name=machine.name)

    def running(self) -> dict[str, int]:
        """Process ids of the machines that are switched on."""
        return sockets.ask_keeper(self.folder, do="list")["running"] if self.kept() else {}

    def wait(self, machine: Machine, seconds: float) -> None:
        ssh.wait(self.ssh_config, machine.name, seconds, lambda: machine.name in self.running())

    def shell(self, machine: Machine, command: str, seconds: float = 300) -> str:
        return ssh.run(self.ssh_config, machine.name, command, seconds)

    def monitor(self, machine: Machine, line: str) -> str:
        return sockets.monitor(self.folder, machine.name, line)

    def clear(self, logs: bool = True) -> None:
        """Leaves, if told so, the logs alone: they are what a failed test wants to see."""
        for entry in self.folder.iterdir():
            if entry.name in KEPT_AFTER_DOWN or (not logs and entry.suffix in LOGS):
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
