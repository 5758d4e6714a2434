# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Facts of hosts for tests, in the shape of docs/design.md (Facts of a host), and what a host does with ops.

Written from the documented shapes of facts and ops alone: it shares nothing with the readers nor with the doers.
"""
from __future__ import annotations

import copy
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, host_plan

NODE = {"name": "node-1", "control_plane": False, "provider_id": "", "boot_id": "b-1"}


def irq(number: int, queue: int | None, affinity: list[int], device: str = "eth0") -> dict[str, Any]:
    name = f"{device}-TxRx-{queue}" if queue is not None else f"{device}-mgmt"
    return {"irq": number, "name": name, "queue": queue, "serves": "both", "affinity": affinity, "effective": affinity}


def nic(name: str = "eth0", queues: int = 4, cpus: int = 4, **changes: Any) -> dict[str, Any]:
    everywhere = list(range(cpus))
    found = {
        "name": name, "kind": "physical", "driver": "mlx5_core", "numa_node": 0, "local_cpus": everywhere, "mtu": 1500,
        "mtu_max": 9978, "state": "up", "addresses": ["192.0.2.1/24"], "lowers": [], "uppers": [], "real": [name],
        "queues": {"rx": queues, "tx": queues, "channels": {"combined": {"current": queues, "max": queues}}},
        "irqs": [irq(100, None, everywhere, name), *[irq(101 + queue, queue, everywhere, name) for queue in range(queues)]],
        "xps": {str(queue): [] for queue in range(queues)}, "rps": {}, "rp_filter": 0,
    }
    return {**found, **changes}


def facts(**changes: Any) -> dict[str, Any]:
    """A server with four CPUs on one NUMA node, one NIC of four queues, tuned, irqbalance, GRUB and PREEMPT_DYNAMIC."""
    found: dict[str, Any] = {
        "schema": 1, "boot_id": "b-1", "hostname": "node-1",
        "os": {"id": "ubuntu", "version_id": "22.04", "name": "Ubuntu 22.04", "immutable": False},
        "kernel": {"release": "6.2.0-26-generic", "version": "#26 SMP PREEMPT_DYNAMIC", "config": {}, "command_line": ["quiet"],
                   "lockdown": "none"},
        "preemption": {"build": "voluntary", "dynamic": True, "command_line": None, "live": "voluntary",
                       "available": ["none", "voluntary", "full"], "switch": "/sys/kernel/debug/sched/preempt"},
        "cpus": {"count": 4, "online": [0, 1, 2, 3], "isolated": [], "nohz_full": [], "cpuset_isolated": [],
                 "numa": {"0": [0, 1, 2, 3]}, "siblings": [[0], [1], [2], [3]], "smt": False},
        "cpufreq": {"policies": [
            {"policy": f"policy{cpu}", "cpus": [cpu], "driver": "intel_pstate", "governor": "powersave",
             "governors": ["performance", "powersave"], "epp": "balance_performance",
             "epps": ["default", "performance", "balance_performance", "power"]} for cpu in range(4)]},
        "tuned": {"installed": True, "version": "2.20.0", "running": True, "enabled": True, "active_profile": "balanced",
                  "profile_mode": "auto", "profiles": ["balanced", "network-latency", "network-throughput"], "recommended": None,
                  "verify": "ok", "options": {"daemon": "1"}},
        "irqbalance": {"installed": True, "active": True, "enabled": True, "config": None, "arguments": [], "banned_irqs": []},
        "devices": [nic()], "sysctl": {}, "files": dict.fromkeys(FILES), "cloud": None, "virtualization": None, "container": None,
        "boot_loader": {"kind": "grub2", "next_command_line": ["quiet"]}, "unread": [],
    }
    return {**found, **changes}


# The files that host_info reads back whole.
FILES = (
    "/etc/fastpath-cilium/irq-affinity", "/etc/systemd/system/fastpath-irq-affinity.service",
    "/etc/systemd/system/fastpath-cpu-performance.service", "/etc/udev/rules.d/99-fastpath-irq-affinity.rules",
    "/etc/sysctl.d/99-zzz-fastpath-cilium.conf", "/etc/tuned/fastpath-network-latency/tuned.conf",
    "/etc/tuned/fastpath-network-throughput/tuned.conf", "/etc/tuned/profiles/fastpath-network-latency/tuned.conf",
    "/etc/tuned/profiles/fastpath-network-throughput/tuned.conf")


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a dotted path; numbers are places in lists."""
    result = copy.deepcopy(document)
    here: Any = result
    *way, last = [int(key) if key.isdigit() and not isinstance(key, int) else key for key in path.split(".")]
    for key in way:
        here = here[key] if isinstance(here, list) else here[str(key)]
    here[last if isinstance(here, list) else str(last)] = value
    return result


def judged(tuning: str, document: Any, options: Any = True, others: dict[str, Any] | None = None, **host: Any) -> dict[str, Any]:
    """The verdict of one tuning on one host."""
    chosen = policy.parse({tuning: options, **(others or {})}, catalogue=catalog.everything())
    one = Host("node-1", document, host.pop("node", NODE), policy=chosen, **host)
    verdicts = {verdict["tuning"]: verdict for verdict in host_judge.judge([one], chosen)}
    return verdicts[tuning]["hosts"]["node-1"]


def planned(tuning: str, document: Any, options: Any = True, others: dict[str, Any] | None = None, **host: Any) -> dict[str, Any]:
    """The plan of one tuning (and others) on one host."""
    chosen = policy.parse({tuning: options, **(others or {})}, catalogue=catalog.everything())
    one = Host("node-1", document, host.pop("node", NODE), policy=chosen, **host)
    return host_plan.plan([one], host_judge.judge([one], chosen), chosen)


def apply(document: dict[str, Any], ops: list[dict[str, Any]]) -> dict[str, Any]:
    """The host after these ops, as far as its facts show it."""
    result = copy.deepcopy(document)
    for op in ops:
        DOERS[op["kind"]](result, op)
    return result


def _file(host: dict[str, Any], op: dict[str, Any]) -> None:
    host["files"][op["path"]] = op["content"]


def _value(host: dict[str, Any], op: dict[str, Any]) -> None:
    path, value = op["path"].split("/"), op["value"]
    if op["path"] == host["preemption"]["switch"]:
        host["preemption"]["live"] = value
    elif "cpufreq" in path:
        policy_of = next(one for one in host["cpufreq"]["policies"] if one["policy"] == path[-2])
        policy_of["governor" if path[-1] == "scaling_governor" else "epp"] = value
    elif path[-1] == "xps_cpus":
        device = next(one for one in host["devices"] if one["name"] == path[4])
        bits = int(value.replace(",", ""), 16)
        device["xps"][path[6].removeprefix("tx-")] = [cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1]
    else:
        raise AssertionError(f"no such value: {op}")


def _irq(host: dict[str, Any], op: dict[str, Any]) -> None:
    found = [one for device in host["devices"] for one in device["irqs"] if one["irq"] == op["irq"]]
    assert found and found[0]["name"] == op["name"]
    found[0]["affinity"] = op["cpus"]


def _unit(host: dict[str, Any], op: dict[str, Any]) -> None:
    known = {"irqbalance.service": ("irqbalance", "active"), "tuned.service": ("tuned", "running")}
    if op["name"] in known:
        part, running = known[op["name"]]
        host[part][running] = op.get("active", host[part][running])
        host[part]["enabled"] = op["enabled"] == "enabled"
    else:
        assert f"/etc/systemd/system/{op['name']}" in host["files"]


def _tuned(host: dict[str, Any], op: dict[str, Any]) -> None:
    assert host["tuned"]["running"], "tuned takes a profile only while it runs"
    assert any(f"/{op['profile']}/tuned.conf" in path and content for path, content in host["files"].items())
    host["tuned"]["active_profile"] = op["profile"]


def _argument(host: dict[str, Any], op: dict[str, Any]) -> None:
    host["boot_loader"]["next_command_line"].append(f"{op['name']}={op['value']}")


DOERS = {"file": _file, "value": _value, "irq_affinity": _irq, "unit": _unit, "tuned_profile": _tuned, "kernel_argument": _argument}
