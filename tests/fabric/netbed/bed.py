# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One fabric: its state folder, its keeper, its control plane.

`.fabric/<name>/`: `fabric.json` is what `up` was asked for; `keeper.lock` is held by the keeper and its janitor and says their
process ids; `cluster/` is the control plane's (a lab's folder: kubeconfig, cluster.json, logs); `nodes/<node>/` is a node's.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Callable, Optional

from front import keeping
from front.locks import exclusive, is_locked
from front.state import LabState

from . import keeper, places, sockets
from .errors import FabricError

KEEPER_SECONDS = 60
POLL_SECONDS = 0.05
KEPT_AFTER_DOWN = {"front.lock", "keeper.lock"}


class ControlPlane(LabState):
    """The control plane's folder, as the lab's front end wants it."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.folder = folder
        self.kubeconfig, self.logs = folder / "kubeconfig", folder / "logs"


class Bed:
    """Fabric `name`, up or not."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", name):
            raise FabricError(f"{name!r} is no name for a fabric: use at most 40 lower-case letters, digits and dashes.")
        self.name = name
        self.folder = places.state(name)
        self.control = ControlPlane(name, self.folder / "cluster")

    @property
    def top(self) -> str:
        """What its control groups and its wire are called; fabrics of two checkouts may have the same name."""
        return f"fabric-{self.name}-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]}"

    def front_lock(self, on_wait: Callable[[], None]) -> AbstractContextManager[None]:
        """One command at a time changes this fabric."""
        return exclusive(self.folder / "front.lock", on_wait)

    def node_folder(self, name: str) -> Path:
        return self.folder / "nodes" / name

    def kept(self) -> bool:
        """Whether the keeper or its janitor is there: only when neither is, nothing is left."""
        return is_locked(self.folder / "keeper.lock")

    def owners(self) -> dict[str, Any]:
        """{"pid", "janitor"}; empty where there is no keeper, or none that is ready."""
        text = keeping.text_of(self.folder / "keeper.lock")
        return json.loads(text) if self.kept() and text.endswith("}") else {}

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        if not self.kept():
            raise FabricError(f"There is no fabric {self.name}: bring it up with `fabric up --name {self.name}`.")
        return sockets.ask(self.folder, do, **request)

    def start_keeper(self, count: int, watch_pid: Optional[int], lifetime: float) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chmod(self.folder, 0o700)
        self.clear()
        (self.folder / "keeper.lock").write_text("", encoding="utf-8")
        command = [sys.executable, str(places.PROGRAM), "keep", "--name", self.name, "--nodes", str(count),
                   "--lifetime", str(lifetime)] + (["--watch-pid", str(watch_pid)] if watch_pid else [])
        with open(self.folder / "keeper.log", "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + KEEPER_SECONDS
        while not self.owners():
            if process.poll() is not None or time.monotonic() > deadline:
                process.terminate()
                said = " ".join(keeping.text_of(self.folder / "keeper.log").split()) or "it gave no reason"
                raise FabricError(f"The fabric's keeper did not start: {said}")
            time.sleep(POLL_SECONDS)

    def stop_keeper(self) -> None:
        """Returns once nothing of the fabric is left."""
        for number, who in ((signal.SIGTERM, "pid"), (signal.SIGKILL, "pid"), (signal.SIGKILL, "janitor")):
            pid = self.owners().get(who)
            if pid:
                keeping.send_signal(pid, number)
            deadline = time.monotonic() + KEEPER_SECONDS
            while pid and self.kept() and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
        keeper.clear(self.top)

    def save(self, record: dict[str, Any]) -> None:
        path = self.folder / "fabric.json"
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        os.chmod(path, 0o600)  # values given with --set may be secret

    def record(self) -> dict[str, Any]:
        text = keeping.text_of(self.folder / "fabric.json")
        return json.loads(text) if text and self.kept() else {}

    def clear(self, logs: bool = True) -> None:
        """Leaves, if told so, the logs alone: they are what a failed test wants to see."""
        for node in (self.folder / "nodes").glob("*"):
            shutil.rmtree(node / "disk", ignore_errors=not (node / "disk").exists())  # large, and full of what is no file
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.name in KEPT_AFTER_DOWN or (path.suffix == ".log" and not logs):
                continue
            if not path.is_dir():
                path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()
