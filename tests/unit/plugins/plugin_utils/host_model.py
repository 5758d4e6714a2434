# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosts for the nodes of recorded clusters: facts of docs/design.md (Facts of a host), as small as a judge needs them."""
from __future__ import annotations

import copy
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import inventory

OFFLOADS = {"rx-lro": False, "rx-gro-hw": False}
CHANNELS = {"combined": {"current": 4, "max": 8}}


def nic(name: str = "eth0", driver: str | None = "mlx5_core", mtu: int | None = 1500, kind: str = "physical", **more: Any
        ) -> dict[str, Any]:
    """A device of its own; a bond or VLAN with `real`."""
    return {"name": name, "kind": kind, "driver": driver, "mtu": mtu, "real": [name], "offloads": dict(OFFLOADS),
            "offloads_fixed": [], "rp_filter": 0, "xdp": {"attached": None, "programs": []},
            "queues": {"rx": 4, "tx": 4, "channels": copy.deepcopy(CHANNELS)}, **more}


def host(*devices: dict[str, Any], sysctl: dict[str, str] | None = None, release: str = "6.8.0-40-generic", **more: Any
         ) -> dict[str, Any]:
    """A host's facts without a boot ID."""
    return {"schema": 1, "devices": list(devices) or [nic()], "kernel": {"release": release},
            "cpus": {"count": 4, "possible": [0, 1, 2, 3]},
            "sysctl": {"net.ipv4.conf.all.rp_filter": "0", **(sysctl or {})}, **more}


def with_hosts(facts: dict[str, Any], hosts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The cluster with these hosts by the name of their node."""
    known = copy.deepcopy(facts)
    for number, node in enumerate(known["nodes"]):
        node["boot_id"] = f"{number:08x}-0000-4000-8000-000000000000"
    boots = {node["name"]: node["boot_id"] for node in known["nodes"]}
    answers = {f"rack-{node}": {"facts": {**found, "boot_id": boots[node]}} for node, found in hosts.items()}
    return inventory.with_hosts(known, answers)


def everywhere(facts: dict[str, Any], found: dict[str, Any] | None = None, **others: dict[str, Any]) -> dict[str, Any]:
    """The same host for every node, another one for some: node_2=host(...)."""
    hosts = {node["name"]: found or host() for node in facts["nodes"]}
    return with_hosts(facts, {**hosts, **{name.replace("_", "-"): other for name, other in others.items()}})
