# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""CPUs at full clock: the frequency governor performance, and the energy preference performance where there is one.

Why: a CPU that was clocked down handles the first packets of a burst slowly; latency becomes shorter and even.
Cost: power and heat, also while nothing is to be done.
Undo: the former governor and preference of each policy; the unit of ours goes away.
Refuse when: no frequency driver shows policies (most virtual machines: the hypervisor's host decides there).
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import UNREAD, HostPhase, HostTuning, Setting
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, Options, Risk, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.node._places import fixed, own_file, unit

WANTED = "performance"
FOLDER = "/sys/devices/system/cpu/cpufreq"
NAME = "fastpath-cpu-performance.service"
UNIT = f"/etc/systemd/system/{NAME}"
# tuned starts late and may set another governor: this comes after it.
TEXT = """# Written by fastpath.cilium; goes away when its run is taken back.
[Unit]
Description=CPU governor performance
After=systemd-modules-load.service systemd-udev-settle.service tuned.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for file in /sys/devices/system/cpu/cpufreq/policy*/scaling_governor; do echo performance >"$file"; done'

[Install]
WantedBy=multi-user.target
"""


def policies(host: Host) -> list[Mapping] | None:
    """The frequency policies; None where they could not be read."""
    found = read.listing(host.part("cpufreq").get("policies"))
    return None if found is None else [policy for policy in map(read.mapping, found) if policy and read.text(policy.get("policy"))]


def refusals(host: Host, options: Options) -> Iterator[Finding]:
    """Hosts without a clock of their own to set."""
    yield from fixed(host)
    found = policies(host)
    if found is None:
        why = host.why_unread("cpufreq")
        yield Finding(State.UNKNOWN, f"The frequency policies of the CPUs are not known{f' ({why})' if why else ''}.",
                      "See why they cannot be read there, and run again.")
    elif not found:
        yield Finding(
            State.NOT_APPLICABLE, "No frequency driver shows policies of its CPUs"
            f"{', which are virtual: the machine below decides' if host.virtual else ''}.",
            "Set the performance profile of the machine below, or of its firmware.")
    else:
        yield from _no_governor(found)


def _no_governor(found: list[Mapping]) -> Iterator[Finding]:
    without = [policy["policy"] for policy in found
               if policy.get("governor") != WANTED and WANTED not in (read.listing(policy.get("governors")) or [])]
    if without:
        yield Finding(State.BLOCKED, f"{', '.join(without[:5])} does not offer the governor performance.",
                      "Load the kernel module cpufreq_performance, or build the kernel with it.")


def settings(host: Host, options: Options) -> Iterator[Setting]:
    """Each policy's governor and preference now, and who sets them after a boot."""
    for policy in policies(host) or ():
        yield from _policy(policy)
    if _tuned_sets_it(host):
        return
    # The file is of no use without the link that enables it.
    yield own_file(host, UNIT, TEXT, "the unit that sets the governor at boot", unit(NAME, True), at_boot=True)


def _policy(policy: Mapping) -> Iterator[Setting]:
    name = policy["policy"]
    governor = read.text(policy.get("governor"))
    yield Setting(f"the governor of {name}", governor or UNREAD, WANTED, (_value(name, "scaling_governor"),), fact="cpufreq")
    # Under the governor performance intel_pstate keeps this by itself and takes no other word.
    if WANTED in (read.listing(policy.get("epps")) or []):
        yield Setting(f"the energy preference of {name}", read.text(policy.get("epp")) or UNREAD, WANTED,
                      (_value(name, "energy_performance_preference"),), fact="cpufreq")


def _value(policy: str, file: str) -> dict[str, Any]:
    return {"kind": "value", "path": f"{FOLDER}/{policy}/{file}", "value": WANTED}


def _tuned_sets_it(host: Host) -> bool:
    """The profiles of tuned_profile include what sets the governor, at each start of tuned."""
    return "tuned_profile" in host.policy and host.part("tuned").get("installed") is True


def notes(host: Host, options: Options) -> Iterator[str]:
    """Who else may have a say."""
    tuned = host.part("tuned")
    profile = read.text(tuned.get("active_profile"))
    if tuned.get("running") is True and profile and not _tuned_sets_it(host):
        yield f"tuned runs with the profile {profile}: if that sets a governor, it does so whenever it is applied again."


TUNING = HostTuning(
    id="cpu_performance",
    title="CPUs at full clock",
    phase=HostPhase.CPU,
    risk=Risk.NONE,
    reason="CPUs are clocked up at once; nothing is interrupted.",
    undo="The former governor and preference of each policy come back, and the unit goes away.",
    profiles={"latency": {}, "throughput": {}, "max": {}},
)
