# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts and ends the lab's control plane."""
from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Optional

from .errors import LabError
from .progress import Progress
from .state import LabState

START_SECONDS = 180  # a cold file cache on a busy machine; 4 s usually
STOP_SECONDS = 60
POLL_SECONDS = 0.05


def start(state: LabState, program: Path, nodes: int, watch_pid: Optional[int], progress: Progress) -> None:
    """Returns once the API answers and every node is registered."""
    state.logs.mkdir(parents=True, exist_ok=True)
    os.chmod(state.folder, 0o700)
    command = [str(program), "up", "--dir", str(state.folder), "--nodes", str(nodes)]
    if watch_pid:
        command += ["--watch-pid", str(watch_pid)]
    (state.folder / "cluster.json").unlink(missing_ok=True)
    with progress.step(f"Starting etcd, the control plane and {nodes} nodes"):
        with open(state.logs / "supervisor.log", "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        try:
            _wait_started(state, process)
        except BaseException:
            process.terminate()  # it ends its components itself
            process.wait(STOP_SECONDS)
            raise


def _wait_started(state: LabState, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while state.cluster() is None:
        if process.poll() is not None:
            log = (state.logs / "supervisor.log").read_text(encoding="utf-8", errors="replace").strip()
            raise LabError(f"The control plane did not start: {log or f'exit code {process.returncode}'}")
        if time.monotonic() > deadline:
            raise LabError(f"The control plane was not ready after {START_SECONDS} s: see the logs in {state.logs}.")
        time.sleep(POLL_SECONDS)


def stop(state: LabState, progress: Progress) -> None:
    """Returns once nothing of the lab runs any more."""
    pid = state.supervisor()
    with progress.step(f"Stopping lab {state.name}"):
        _signal(pid, signal.SIGTERM)
        if not _wait_stopped(state, STOP_SECONDS):
            _signal(pid, signal.SIGKILL)  # its components die with it
            _wait_stopped(state, STOP_SECONDS)


def _signal(pid: Optional[int], number: int) -> None:
    if pid is None:
        return
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _wait_stopped(state: LabState, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while state.running() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return not state.running()
