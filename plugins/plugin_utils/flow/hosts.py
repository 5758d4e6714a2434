# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which host of the inventory is which node of the cluster: by boot ID, as names and addresses differ. Pure."""
from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read

BOOT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def match(nodes: Any, hosts: Any) -> dict[str, Any]:
    """Pairs the nodes of a cluster's facts with `hosts`, a mapping of inventory name to the host's facts.

    Returns {hosts: {node: host}, without_node: {host: sentence}, without_host: {node: sentence}}, each in natural order.
    What cannot be told from another stands with its sentence in the latter two, never in the first. Never raises.
    """
    by_node, by_host = _Side(_named(nodes)), _Side(read.mapping(hosts) or {})
    pairs = {node: host for node, boot in by_node.boots.items() if by_node.only(boot) and (host := by_host.only(boot))}
    taken = set(pairs.values())
    return {
        "hosts": _ordered(pairs),
        "without_node": _ordered({host: _why_host(host, by_node, by_host) for host in by_host.boots.keys() - taken}),
        "without_host": _ordered({node: _why_node(node, by_node, by_host) for node in by_node.boots.keys() - pairs.keys()}),
    }


class _Side:
    """The nodes, or the hosts."""

    def __init__(self, records: Mapping[Any, Any]) -> None:
        self.boots = {one_line(name, 253): _boot_id(record) for name, record in records.items()}

    @cached_property
    def holders(self) -> dict[str, list[str]]:
        """{boot ID: names}."""
        found: dict[str, list[str]] = {}
        for name, boot in self.boots.items():
            if boot:
                found.setdefault(boot, []).append(name)
        return found

    def only(self, boot: str | None) -> str | None:
        """The one that has this boot ID; None where nobody has, or more than one."""
        held = self.holders.get(boot or "", [])
        return held[0] if len(held) == 1 else None

    def others(self, boot: str, name: str | None = None) -> str:
        """The names of those that have it, without this one."""
        return read.name_nodes(held for held in self.holders.get(boot, []) if held != name)


def _named(nodes: Any) -> dict[str, Any]:
    records = filter(None, map(read.mapping, read.listing(nodes) or []))
    return {record["name"]: record for record in records if read.text(record.get("name"))}


def _boot_id(record: Any) -> str | None:
    """None where there is none. The kernel writes it in small letters, and so does the kubelet."""
    boot = (read.text((read.mapping(record) or {}).get("boot_id")) or "").lower()
    return boot if BOOT_ID.match(boot) else None


def _why_host(host: str, nodes: _Side, hosts: _Side) -> str:
    boot = hosts.boots[host]
    if boot is None:
        return "Its boot ID could not be read, so its node is not known: see unread in its facts."
    same = hosts.others(boot, host)
    if same:
        return (f"It has the same boot ID as {same}: one machine by two names, or a running clone. Leave all but one out of "
                "the inventory, or restart the clone.")
    twice = nodes.others(boot)
    if twice:
        return f"Its boot ID is that of more than one node ({twice}): restart those that are clones."
    return ("No node of this cluster has its boot ID: it is of another cluster, is no node, or was restarted after the "
            "nodes were read. Leave it out, or run again.")


def _why_node(node: str, nodes: _Side, hosts: _Side) -> str:
    boot = nodes.boots[node]
    if boot is None:
        return "The cluster does not say its boot ID (a virtual node, or no kubelet reported yet), so no host is its."
    same = nodes.others(boot, node)
    if same:
        return f"It has the same boot ID as {same}: restart those that are clones of one machine."
    twice = hosts.others(boot)
    if twice:
        return f"More than one host has its boot ID ({twice}), so it is not known which one is meant."
    return "No host of the inventory has its boot ID: add it to the inventory, or run again if it was restarted meanwhile."


def _ordered(found: Mapping[str, str]) -> dict[str, str]:
    return {name: found[name] for name in sorted(found, key=read.natural)}
