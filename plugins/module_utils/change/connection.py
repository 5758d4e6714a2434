# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which ssh connection this process was started over: its sshd process tells them apart, also below sudo."""
from __future__ import annotations

import os
from typing import Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node


def identity(node: Node, pid: Optional[int] = None) -> Optional[str]:
    """`<pid>:<start time>` of the nearest sshd above; None where there is none (a local connection, a container)."""
    pid = os.getppid() if pid is None else pid
    for _depth in range(64):
        if pid < 2:
            return None
        name, parent, started = process(node, pid)
        if name.startswith("ansible"):
            return None  # a local connection of a controller that somebody has logged in to
        if name.startswith("sshd"):
            return "{0}:{1}".format(pid, started)
        pid = parent
    return None


def process(node: Node, pid: int) -> Tuple[str, int, str]:
    """Name, parent and start time of a process; ("", 0, "") where it is gone or not shown."""
    try:
        text = node.read_text("/proc/{0}/stat".format(pid))
    except ChangeError:
        return "", 0, ""
    # The name stands in parentheses and may hold any character, also ")".
    name, _end, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return (name, int(fields[1]), fields[19]) if len(fields) > 19 else ("", 0, "")
