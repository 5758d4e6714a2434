# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Clock scaling: driver, governor and energy preference of each policy, and the boost above the nominal clock."""
from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.cpu import CPUS
from ansible_collections.fastpath.cilium.plugins.module_utils.host.cpulist import parse_list
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread

FOLDER = CPUS + "/cpufreq"
POLICY = re.compile(r"policy[0-9]{1,5}\Z")


def read(root: Root, unread: Unread) -> Dict[str, Any]:
    """The document's `cpufreq`; no policies where the kernel does not scale clocks (most virtual machines)."""
    names = [name for name in unread.attempt("cpufreq", root.names, FOLDER) or [] if POLICY.match(name)]
    names.sort(key=lambda name: int(name[6:]))
    policies = [unread.attempt("cpufreq/" + name, policy, root, name) for name in names]
    return {"policies": [found for found in policies if found], "boost": unread.attempt("cpufreq/boost", boost, root)}


def policy(root: Root, name: str) -> Dict[str, Any]:
    """One policy: CPUs that share a clock."""
    def word(key: str) -> Optional[str]:
        return root.word("{0}/{1}/{2}".format(FOLDER, name, key))

    def number(key: str) -> Optional[int]:
        return root.number("{0}/{1}/{2}".format(FOLDER, name, key))

    return {
        "policy": name,
        # These files have spaces between the numbers, not commas.
        "cpus": parse_list((word("affected_cpus") or "").replace(" ", ",")),
        "driver": word("scaling_driver"), "governor": word("scaling_governor"),
        "governors": _words(word("scaling_available_governors")) or [],
        "epp": word("energy_performance_preference"), "epps": _words(word("energy_performance_available_preferences")),
        "min_khz": number("scaling_min_freq"), "max_khz": number("scaling_max_freq"),
        "hardware_max_khz": number("cpuinfo_max_freq"),
    }


def _words(text: Optional[str]) -> Optional[List[str]]:
    return text.split() if text else None


def boost(root: Root) -> Optional[bool]:
    """Whether clocks may go above the nominal one; None where no driver says."""
    off = root.number(CPUS + "/intel_pstate/no_turbo")
    if off is not None:
        return off == 0
    on = root.number(FOLDER + "/boost")
    return None if on is None else on != 0
