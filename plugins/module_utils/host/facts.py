# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The facts document of a host (docs/design.md, Facts of a host): every room is asked, none can fail the whole."""
from __future__ import annotations

import datetime
from typing import Any, Dict

from ansible_collections.fastpath.cilium.plugins.module_utils.host import (
    boot, cpu, cpufreq, cpuidle, devices, irqbalance, kernel, network, own_files, platform, preemption, sysctl, system, tuned,
    units)
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread

SCHEMA = 1


def read_host(root: Root, ask_tuned: bool = True) -> Dict[str, Any]:
    """The whole document. Raises nothing over what a host holds; `ask_tuned` lets tuned-adm recommend and verify."""
    unread = Unread()
    found: Dict[str, Any] = {"schema": SCHEMA, "read_at": _now()}
    found.update(system.read(root, unread))
    found["kernel"] = kernel.read(root, unread)
    found["preemption"] = preemption.read(root, unread, found["kernel"])
    found["cpus"] = cpu.read(root, unread)
    found["cpufreq"] = cpufreq.read(root, unread)
    found["cpuidle"] = cpuidle.read(root, unread, found["cpus"]["online"], found["kernel"]["command_line"])
    found.update(_services(root, unread, ask_tuned))
    found["devices"] = devices.read(root, unread)
    found["sysctl"] = sysctl.read(root, unread)
    found["files"] = own_files.read(root, unread)
    found.update(platform.read(root, unread))
    found["boot_loader"] = boot.read(root, unread, found["container"])
    found["unread"] = unread.entries
    return found


def _services(root: Root, unread: Unread, ask_tuned: bool) -> Dict[str, Any]:
    """What systemd starts: one question for all of them."""
    known = unread.attempt("units", units.read, root)
    return {"tuned": tuned.read(root, unread, units.of(known, "tuned"), ask_tuned),
            "irqbalance": irqbalance.read(root, unread, units.of(known, "irqbalance")),
            "network": network.read(root, unread, known)}


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
