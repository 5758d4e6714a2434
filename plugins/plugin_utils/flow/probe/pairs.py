# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What clients of a probe said, read strictly: garbage is no answer, and no answer is unknown. Pure.

    probe: {schema: 1,
            backends: [{node, hostname: str|null, ready: bool, why: str|null}],
            nodes: [{node, addresses: [str]}]                       every address of every node, to know them by
            clients: [{client: name, error: sentence|null, pairs: [pair]}]}
    pair:  {entry: node, backend: node, protocol: "tcp"|"udp", family: "ipv4"|"ipv6",
            room: null (a small request) | int (a full one: so many bytes below the client's MTU),
            state: "reached"|"refused"|"timeout"|"reset"|"unreachable"|"wrong_answer"|"too_large"|"failed"|"not_asked",
            answered: hostname|null, seen: address|null (of the client, as the backend saw it), own: address|null (as the
            client's socket says), heard: address|null (as seen, where the answer was lost) | false (it heard nothing),
            connect_ms: float|null, attempts: int, said: sentence|null}
"""
from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read

STATES = ("reached", "refused", "timeout", "reset", "unreachable", "wrong_answer", "too_large", "failed", "not_asked")
PROTOCOLS, FAMILIES = ("tcp", "udp"), ("ipv4", "ipv6")


@dataclass(frozen=True)
class Pair:
    """One request: through the NodePort of `entry` to the one backend on `backend`."""

    entry: str
    backend: str
    protocol: str
    family: str
    room: int | None
    state: str
    answered: str | None = None
    seen: str | None = None
    own: str | None = None
    heard: str | bool | None = None
    connect_ms: float | None = None
    attempts: int = 1
    client: str = ""

    @property
    def remote(self) -> bool:
        """Whether the backend is on another node than the one that is asked."""
        return self.entry != self.backend

    @property
    def reached(self) -> bool:
        """Whether the right backend answered rightly."""
        return self.state == "reached"

    @property
    def asked(self) -> bool:
        """Whether it was asked at all."""
        return self.state != "not_asked"


@dataclass(frozen=True)
class Probe:
    """A whole probe. `waiting`: backends that are not ready, with the reason; `deaf`: clients that could not ask."""

    pairs: tuple[Pair, ...]
    backends: tuple[str, ...]
    waiting: dict[str, str]
    addresses: dict[str, frozenset[str]]
    deaf: dict[str, str]


def parse(document: Any) -> Probe:
    """The probe; what cannot be understood is left out, a pair whose state is none counts as not asked."""
    found = read.mapping(document) or {}
    backends = [one for one in map(read.mapping, read.listing(found.get("backends")) or [])
                if one and read.text(one.get("node"))]
    hostnames = {one["node"]: read.text(one.get("hostname")) for one in backends}
    clients = [one for one in map(read.mapping, read.listing(found.get("clients")) or []) if one]
    return Probe(
        tuple(pair for client in clients for pair in _pairs(client, hostnames)), tuple(hostnames),
        {one["node"]: read.text(one.get("why")) or "it is not known why" for one in backends
         if one.get("ready") is not True},
        _addresses(found), {str(one.get("client")): why for one in clients if (why := read.text(one.get("error")))})


def _addresses(found: Any) -> dict[str, frozenset[str]]:
    nodes = [one for one in map(read.mapping, read.listing(found.get("nodes")) or []) if one and read.text(one.get("node"))]
    return {one["node"]: frozenset(filter(None, map(address, read.listing(one.get("addresses")) or []))) for one in nodes}


def _pairs(client: Any, hostnames: dict[str, str | None]) -> Iterator[Pair]:
    for entry in map(read.mapping, read.listing(client.get("pairs")) or []):
        pair = _pair(entry or {}, str(client.get("client")))
        if pair is not None:
            yield _checked(pair, hostnames)


def _pair(entry: Any, client: str) -> Pair | None:
    names = {key: read.text(entry.get(key)) for key in ("entry", "backend")}
    if None in names.values() or entry.get("protocol") not in PROTOCOLS or entry.get("family") not in FAMILIES:
        return None
    state, took = entry.get("state"), entry.get("connect_ms")
    heard = entry.get("heard")
    return Pair(
        names["entry"] or "", names["backend"] or "", entry["protocol"], entry["family"], read.number(entry.get("room")),
        state if isinstance(state, str) and state in STATES else "not_asked", read.text(entry.get("answered")),
        address(entry.get("seen")), address(entry.get("own")), False if heard is False else address(heard),
        float(took) if isinstance(took, (int, float)) and not isinstance(took, bool) else None,
        read.number(entry.get("attempts")) or 1, client)


def _checked(pair: Pair, hostnames: dict[str, str | None]) -> Pair:
    """Reached is only who was answered by the backend that was asked for."""
    wanted = hostnames.get(pair.backend)
    wrong = pair.reached and pair.answered is not None and wanted is not None and pair.answered != wanted
    return Pair(**{**vars(pair), "state": "wrong_answer"}) if wrong else pair


def address(value: Any) -> str | None:
    """An address in its one spelling; IPv4 in IPv6 is IPv4."""
    try:
        found = ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found) if found else None
