# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The facts of one host, read with care: what is missing or garbled is None, empty, or UNREAD, and never a default."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import UNREAD
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

REAL = ("physical", "vf")


class Host:
    """One host of the inventory. `node`: the node's record in the cluster's facts, None where it is not (known to be) one.

    `view`: the cluster's facts; `policy`: what is wanted of cluster and hosts, for what the one has to know of the other.
    """

    def __init__(self, name: str, facts: Any, node: Mapping | None = None, view: View | None = None,
                 policy: Mapping[str, Any] | None = None, problem: str | None = None) -> None:
        found = read.mapping(facts) or {}
        self.name, self.node, self.problem = name, node, problem
        self.facts: Mapping = found if found.get("schema") == 1 else {}
        self.view = view or View(None)
        self.policy = policy or {}

    def part(self, name: str) -> Mapping:
        """A part of the facts that is a mapping; empty where there is none."""
        return read.mapping(self.facts.get(name)) or {}

    def fact(self, path: str) -> Any:
        """The fact at a dotted path. UNREAD where it could not be read; None where the host has no such thing."""
        value: Any = self.facts
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return UNREAD if value is None and self.why_unread(path) else value

    def sysctl(self, name: str) -> Any:
        """A sysctl's text. UNREAD where it could not be read; None where this kernel has no such name."""
        found = self.part("sysctl")
        if name in found and isinstance(found[name], str):
            return found[name]
        return UNREAD if name not in found or self.why_unread(f"sysctl/{name}") else None

    def why_unread(self, place: str) -> str | None:
        """The recorded reason why a place of the facts, or what it is a part of, could not be read; None where it was."""
        path = place.replace(".", "/") if "/" not in place else place
        for entry in map(read.mapping, read.listing(self.facts.get("unread")) or []):
            what = str((entry or {}).get("what", ""))
            if what and (path == what or path.startswith(what + "/") or what.startswith(path + "/")):
                return one_line((entry or {}).get("reason") or "it could not be read", 200).rstrip(".")
        return None

    @cached_property
    def devices(self) -> dict[str, Mapping]:
        """Every device by its name."""
        records = [read.mapping(record) or {} for record in read.listing(self.facts.get("devices")) or []]
        return {record["name"]: record for record in records if read.text(record.get("name"))}

    @cached_property
    def nics(self) -> tuple[Mapping, ...] | None:
        """The real devices that carry the cluster's traffic: below those that the node's agent uses, else below those that have
        an address and are up. None where the devices could not be read."""
        if read.listing(self.facts.get("devices")) is None:
            return None
        tops = self._used_by_agent() or [
            name for name, device in self.devices.items()
            if device.get("state") == "up" and read.listing(device.get("addresses")) and device.get("kind") != "loopback"]
        names = dict.fromkeys(name for top in tops for name in self._below(top))
        return tuple(self.devices[name] for name in names if self.devices[name].get("kind") in REAL)

    def _below(self, name: str) -> Iterator[str]:
        real = read.listing((self.devices.get(name) or {}).get("real")) or [name]
        yield from (below for below in real if isinstance(below, str) and below in self.devices)

    def _used_by_agent(self) -> list[str]:
        if self.node is None:
            return []
        agents = [agent for agent in self.view.agents if agent.node == self.node.get("name")]
        shown = read.listing(agents[0].live("devices")) if agents else None
        return [name for name in shown or [] if isinstance(name, str) and name in self.devices]

    @cached_property
    def online_cpus(self) -> list[int]:
        """The CPUs that run; empty where they are not known."""
        return numbers(self.part("cpus").get("online"))

    @property
    def virtual(self) -> bool:
        """Whether it is known to be a virtual machine."""
        return bool(read.text(self.facts.get("virtualization")))


def numbers(value: Any) -> list[int]:
    """The whole numbers of a list, in order; empty for anything else."""
    return [number for number in read.listing(value) or [] if read.number(number) is not None]
