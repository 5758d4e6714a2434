# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irqbalance: whether it moves interrupts, and which of them and which CPUs it leaves alone."""
from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.fastpath.cilium.plugins.module_utils.host.cpulist import parse_list, parse_mask
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread, settings, whole
from ansible_collections.fastpath.cilium.plugins.module_utils.host.units import Unit

PROGRAMS = ["/usr/sbin/irqbalance", "/usr/bin/irqbalance"]
CONFIGS = ["/etc/default/irqbalance", "/etc/sysconfig/irqbalance", "/etc/irqbalance.env"]
KEYS = ("installed", "active", "enabled", "config", "arguments", "banned_irqs", "banned_cpus")


def read(root: Root, unread: Unread, unit: Unit) -> Dict[str, Any]:
    """The document's `irqbalance`."""
    if root.first(PROGRAMS) is None:
        return dict(dict.fromkeys(KEYS), installed=False)
    config = root.first(CONFIGS)
    held = unread.attempt("irqbalance/config", lambda: settings(root.text(config) if config else None))
    found = {"installed": True, "active": unit.active, "enabled": unit.enabled, "config": config}
    if held is None:
        return dict(found, arguments=None, banned_irqs=None, banned_cpus=None)
    arguments = " ".join(held.get(key, "") for key in ("IRQBALANCE_ARGS", "OPTIONS")).split()
    found["arguments"] = arguments
    found["banned_irqs"] = unread.attempt("irqbalance/banned_irqs", banned_irqs, arguments)
    found["banned_cpus"] = unread.attempt("irqbalance/banned_cpus", banned_cpus, held)
    return found


def banned_irqs(arguments: List[str]) -> List[int]:
    """The numbers given by --banirq=N, --banirq N, -i N or -iN. Pure."""
    found = []
    for position, word in enumerate(arguments):
        following = arguments[position + 1] if position + 1 < len(arguments) else ""
        if word in ("-i", "--banirq"):
            found.append(whole(following, "The interrupt after {0}".format(word)))
        elif word.startswith("--banirq=") or (word.startswith("-i") and word[2:].isdigit()):
            found.append(whole(word.rpartition("=")[2] if "=" in word else word[2:], "An interrupt of irqbalance"))
    return sorted(set(found))


def banned_cpus(held: Dict[str, str]) -> List[int]:
    """By list (since 1.8.0) or by mask. Pure."""
    if held.get("IRQBALANCE_BANNED_CPULIST"):
        return parse_list(held["IRQBALANCE_BANNED_CPULIST"])
    mask = held.get("IRQBALANCE_BANNED_CPUS")
    return parse_mask(mask) if mask else []
