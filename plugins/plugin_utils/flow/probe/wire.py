# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The mode on the wire, by the client address that a remote backend saw: SNAT hides it, DSR keeps it. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.pairs import Pair, Probe

SNAT, DSR, HYBRID, MIXED, UNKNOWN = "snat", "dsr", "hybrid", "mixed", "unknown"


def outside(probe: Probe) -> dict[tuple[str, str, str], str]:
    """(client, family, protocol) -> its address as local backends see it: another one than its own where something outside
    translates addresses. Only where all of them agree, and it is no node's."""
    nodes = frozenset().union(*probe.addresses.values())
    found: dict[tuple[str, str, str], set[str]] = {}
    for pair in probe.pairs:
        if pair.reached and not pair.remote and pair.seen:
            found.setdefault((pair.client, pair.family, pair.protocol), set()).add(pair.seen)
    return {key: next(iter(seen)) for key, seen in found.items() if len(seen) == 1 and not seen & nodes}


def of_pair(pair: Pair, probe: Probe, reference: dict[tuple[str, str, str], str]) -> str:
    """Mode in which the entry forwarded this request; unknown where it cannot be told."""
    seen = pair.seen if pair.reached else pair.heard
    if not pair.remote or not isinstance(seen, str):
        return UNKNOWN
    if seen in probe.addresses.get(pair.entry, ()):
        # A client on the node itself proves nothing.
        return UNKNOWN if seen == pair.own else SNAT
    return DSR if seen in (pair.own, reference.get((pair.client, pair.family, pair.protocol))) else UNKNOWN


def of_nodes(probe: Probe) -> dict[str, str]:
    """Every node that was asked as an entry -> its mode."""
    reference = outside(probe)
    found: dict[str, list[tuple[str, str]]] = {}
    for pair in probe.pairs:
        if pair.asked and pair.remote:
            found.setdefault(pair.entry, []).append((pair.protocol, of_pair(pair, probe, reference)))
    return {node: _one(modes) for node, modes in found.items()}


def _one(modes: Iterable[tuple[str, str]]) -> str:
    by_protocol = {protocol: merged(mode for one, mode in modes if one == protocol) for protocol, _mode in modes}
    if by_protocol.get("tcp") == DSR and by_protocol.get("udp") == SNAT:
        return HYBRID
    return merged(by_protocol.values())


def merged(modes: Iterable[str]) -> str:
    """One mode where all that is known agrees; mixed where it does not; unknown where nothing is known."""
    known = set(modes) - {UNKNOWN}
    return next(iter(known)) if len(known) == 1 else MIXED if known else UNKNOWN


def whole(nodes: dict[str, str]) -> str:
    """The cluster's mode: certain only where every node's is known, but mixed as soon as two differ."""
    found = merged(nodes.values())
    return UNKNOWN if found != MIXED and UNKNOWN in nodes.values() else found


def differing(nodes: dict[str, str], wanted: str) -> Iterator[str]:
    """Nodes that are known to forward otherwise than wanted."""
    for node, mode in nodes.items():
        if mode not in (wanted, UNKNOWN):
            yield node
