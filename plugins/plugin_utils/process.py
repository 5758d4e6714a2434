# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the process that began a run still lives, as far as this machine can tell."""
from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

START_TIME = 19  # field of /proc/<pid>/stat, counted behind the name in parentheses


def current() -> dict[str, Any]:
    """{host, space, pid, born} of the run's own process, the one that starts a worker for every task."""
    pid = os.getppid()
    return {"host": socket.gethostname(), "space": _space(), "pid": pid, "born": _born(pid)}


def goes_on(process: Any) -> bool | None:
    """Whether that very process lives; None where it cannot be told from here, as on another machine."""
    if not isinstance(process, Mapping) or not isinstance(process.get("pid"), int) or process.get("born") is None:
        return None
    if process.get("host") != socket.gethostname() or process.get("space") != _space():
        return None
    return _born(process["pid"]) == process["born"]


def _space() -> str | None:
    """The process ids' name space: containers have their own."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _born(pid: int) -> str | None:
    """When a process was started, in ticks of this boot: ids are used again, these are not. None where it is gone."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    # A zombie does nothing any more.
    return None if fields[0] in "ZX" else f"{boot}/{fields[START_TIME]}"
