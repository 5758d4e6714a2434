# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""CPUs: which there are, which are set apart, and which share a core or a NUMA node."""
from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.cpulist import parse_list
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

CPUS, NODES = "/sys/devices/system/cpu", "/sys/devices/system/node"
NODE = re.compile(r"node([0-9]{1,4})\Z")
MODEL = re.compile(r"^(?:model name|Processor|cpu model|machine)\s*:\s*(.+)$", re.MULTILINE)


def read(root: Root, unread: Unread) -> Dict[str, Any]:
    """The document's `cpus`."""
    found: Dict[str, Any] = {"count": None}
    for key in ("online", "offline", "possible", "isolated", "nohz_full"):
        found[key] = unread.attempt("cpus/" + key, cpus, root, CPUS + "/" + key)
    found["count"] = len(found["online"]) if found["online"] is not None else None
    # What a cpuset partition set apart while running (Linux 6.7 and later).
    found["cpuset_isolated"] = unread.attempt("cpus/cpuset_isolated", cpus, root, "/sys/fs/cgroup/cpuset.cpus.isolated")
    found["numa"] = unread.attempt("cpus/numa", numa, root)
    found["siblings"] = unread.attempt("cpus/siblings", siblings, root, found["online"])
    found["smt"] = unread.attempt("cpus/smt", _active, root)
    found["smt_control"] = unread.attempt("cpus/smt_control", root.word, CPUS + "/smt/control")
    found["model"] = unread.attempt("cpus/model", model, root)
    return found


def cpus(root: Root, name: str) -> Optional[List[int]]:
    """A file with a list of CPUs; None where it is not there."""
    content = root.text(name)
    if content is None:
        return None
    try:
        return parse_list(content)
    except ValueError:
        raise HostError("garbled", "{0} is no list of CPUs: {1}.".format(name, one_line(content, 60))) from None


def numa(root: Root) -> Optional[Dict[str, List[int]]]:
    """{"0": [cpus]}; None on a kernel without NUMA."""
    found = {}
    for name in root.names(NODES):
        match = NODE.match(name)
        held = cpus(root, "{0}/{1}/cpulist".format(NODES, name)) if match else None
        if match and held is not None:
            found[match.group(1)] = held
    return found or None


def siblings(root: Root, online: Optional[List[int]]) -> List[List[int]]:
    """The CPUs of each core, one list for each core."""
    found: Dict[int, List[int]] = {}
    for cpu in online or []:
        threads = cpus(root, "{0}/cpu{1}/topology/thread_siblings_list".format(CPUS, cpu)) or [cpu]
        found.setdefault(threads[0], threads)
    return list(found.values())


def _active(root: Root) -> Optional[bool]:
    found = root.number(CPUS + "/smt/active")
    return None if found is None else bool(found)


def model(root: Root) -> Optional[str]:
    """The processor's name, where the kernel shows one."""
    match = MODEL.search((root.text("/proc/cpuinfo") or "")[:65536])
    return one_line(match.group(1), 120) if match else None
