# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What clients of a probe are to ask: a ring, in which every node is tested as an entry and as a backend. Pure.

target: {entry, backend, address, family, protocol, port: int, hostname, rooms: [null | int]}: a small request (null), and
full ones that leave so many bytes below the client's MTU.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.pairs import PROTOCOLS, parse

# What DSR adds: an IPv4 option, an IPv6 destination option, a Geneve header.
ROOMS = {"ipv4": (None, 0, 8, 50), "ipv6": (None, 0, 24, 70)}
MOST_FURTHER = 16


def targets(workload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every ready backend through the node before it in the ring, and through its own."""
    backends = ready(workload)
    names = list(backends)
    ring = [(names[number - 1], name) for number, name in enumerate(names)] if len(names) > 1 else []
    return list(_asked(workload, backends, [*ring, *((name, name) for name in names)]))


def further(workload: Mapping[str, Any], document: Any) -> list[dict[str, Any]]:
    """Other ways to and from the nodes of failed remote pairs: they tell an entry, a backend and the way between apart."""
    probe, backends = parse(document), ready(workload)
    names = list(backends)
    lost = sorted({(pair.entry, pair.backend) for pair in probe.pairs if pair.remote and pair.asked and not pair.reached})
    known = {(pair.entry, pair.backend) for pair in probe.pairs}
    if len(names) < 3 or len(lost) > MOST_FURTHER:
        return []
    found: dict[tuple[str, str], None] = {}
    for entry, backend in lost:
        others = [name for name in names if name not in (entry, backend)]
        found.update({(entry, others[0]): None, (others[-1], backend): None})
    return list(_asked(workload, backends, [pair for pair in found if pair not in known]))


def ready(workload: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Backends that can answer, by node, in the nodes' natural order."""
    found = {str(one["node"]): one for one in map(read.mapping, read.listing(workload.get("backends")) or [])
             if one and read.text(one.get("node")) and one.get("ready") is True}
    return {node: found[node] for node in sorted(found, key=read.natural)}


def _asked(workload: Mapping[str, Any], backends: Mapping[str, Mapping[str, Any]], pairs: Iterable[Sequence[str]]
           ) -> Iterator[dict[str, Any]]:
    entries = {str(one.get("node")): read.mapping(one.get("entries")) or {}
               for one in map(read.mapping, read.listing(workload.get("nodes")) or []) if one}
    for entry, backend in pairs:
        ports = read.mapping(backends[backend].get("ports")) or {}
        families = read.listing(backends[backend].get("families")) or []
        for family, address in entries.get(entry, {}).items():
            for protocol in PROTOCOLS if family in ROOMS and family in families else ():
                if read.number(ports.get(protocol)):
                    yield {"entry": entry, "backend": backend, "address": address, "family": family,
                           "protocol": protocol, "port": ports[protocol], "hostname": backends[backend].get("hostname"),
                           "rooms": list(ROOMS[family])}
