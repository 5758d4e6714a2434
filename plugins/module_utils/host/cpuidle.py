# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Idle states (C-states) and everything that keeps CPUs out of the deep ones."""
from __future__ import annotations

import re
import struct
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.cpu import CPUS
from ansible_collections.fastpath.cilium.plugins.module_utils.host.kernel import argument
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread

STATE = re.compile(r"state[0-9]{1,2}\Z")
ARGUMENTS = ("idle", "intel_idle.max_cstate", "processor.max_cstate", "cpuidle.off", "cpuidle.governor",
             "cpuidle_haltpoll.force", "nohlt", "amd_idle.max_cstate")
NO_LIMIT = 2000 * 1000 * 1000  # PM_QOS_CPU_LATENCY_DEFAULT_VALUE, in microseconds


def read(root: Root, unread: Unread, cpus: Optional[List[int]], words: Optional[List[str]]) -> Dict[str, Any]:
    """The document's `cpuidle`, for these CPUs and this command line."""
    return {
        "driver": unread.attempt("cpuidle/driver", root.word, CPUS + "/cpuidle/current_driver"),
        "governor": unread.attempt("cpuidle/governor", _governor, root),
        "states": unread.attempt("cpuidle/states", states, root, (cpus or [0])[0]),
        "disabled": unread.attempt("cpuidle/disabled", disabled, root, cpus or []),
        "limits": {
            "latency_us": unread.attempt("cpuidle/limits/latency_us", latency, root),
            "resume_latency_us": unread.attempt("cpuidle/limits/resume_latency_us", resume_latency, root, cpus or []),
            "command_line": {name: value for name in ARGUMENTS for value in [argument(words, name)] if value is not None},
        },
    }


def _governor(root: Root) -> Optional[str]:
    found = root.word(CPUS + "/cpuidle/current_governor")
    return root.word(CPUS + "/cpuidle/current_governor_ro") if found is None else found


def _folders(root: Root, cpu: int) -> List[str]:
    folder = "{0}/cpu{1}/cpuidle".format(CPUS, cpu)
    names = sorted((name for name in root.names(folder) if STATE.match(name)), key=lambda name: int(name[5:]))
    return [folder + "/" + name for name in names]


def states(root: Root, cpu: int) -> List[Dict[str, Any]]:
    """Idle states of one CPU, shallowest first; latency is what waking up from it takes."""
    found = []
    for folder in _folders(root, cpu):
        off = root.number(folder + "/disable")
        found.append({"name": root.word(folder + "/name"), "latency_us": root.number(folder + "/latency"),
                      "disabled": None if off is None else off != 0})
    return found


def disabled(root: Root, cpus: List[int]) -> Dict[str, List[int]]:
    """{state's name: [CPUs on which it is disabled]}."""
    found: Dict[str, List[int]] = {}
    for cpu in cpus:
        for folder in _folders(root, cpu):
            if root.number(folder + "/disable"):
                found.setdefault(root.word(folder + "/name") or folder.rpartition("/")[2], []).append(cpu)
    return found


def latency(root: Root) -> Optional[int]:
    """The longest time to wake up, in microseconds, that some program asked for; None where there is no limit."""
    content = root.raw("/dev/cpu_dma_latency", 4)
    if not content:
        return None
    found = struct.unpack("=i", content)[0]
    return None if found >= NO_LIMIT else found


def resume_latency(root: Root, cpus: List[int]) -> Dict[str, List[int]]:
    """{limit of single CPUs in microseconds, "n/a" for none at all: [CPUs]}; without those that have no limit ("0")."""
    found: Dict[str, List[int]] = {}
    for cpu in cpus:
        limit = root.word("{0}/cpu{1}/power/pm_qos_resume_latency_us".format(CPUS, cpu))
        if limit not in (None, "0"):
            found.setdefault(str(limit), []).append(cpu)
    return found
