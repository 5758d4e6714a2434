# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Control groups (version 1) for a fabric's nodes: one in every hierarchy, below one of the fabric's own."""
from __future__ import annotations

import os
import time
from pathlib import Path

from .host import CGROUPS, CONTROLLERS

REMOVAL_SECONDS = 10
POLL_SECONDS = 0.05


def hierarchies() -> list[Path]:
    return [CGROUPS / name for name in CONTROLLERS]


def create(top: str, node: str) -> list[Path]:
    """The node's groups, made where they are not there; what a power-off has left in them is removed."""
    groups = []
    for hierarchy in hierarchies():
        group = hierarchy / top / node
        if group.exists():
            remove_tree(group)
        group.mkdir(parents=True, exist_ok=True)
        if hierarchy.name == "cpuset":
            for inheriting in (hierarchy / top, group):
                _inherit(inheriting)
        groups.append(group)
    return groups


def _inherit(group: Path) -> None:
    """A new cpuset has no CPU, and takes no process, until it is told."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        (group / name).write_text((group.parent / name).read_text(encoding="ascii"), encoding="ascii")
    (group / "cgroup.clone_children").write_text("1", encoding="ascii")


def move_here(groups: list[Path]) -> None:
    """Takes the calling process into the groups."""
    for group in groups:
        (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")


def remove(top: str) -> None:
    """Everything of a fabric whose processes have been ended."""
    for hierarchy in hierarchies():
        if (hierarchy / top).exists():
            remove_tree(hierarchy / top)


def remove_tree(group: Path) -> None:
    """The kernel takes a moment for processes that have just been killed: OSError where that is too long."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while True:
        try:
            for folder, _folders, _files in os.walk(group, topdown=False):
                os.rmdir(folder)
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
