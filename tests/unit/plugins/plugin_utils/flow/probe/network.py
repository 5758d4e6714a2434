# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A network between a client and nodes, by what is known of SNAT, DSR and fabrics; it answers what a probe asks.

Written from how packets travel, not from how causes are told: a fault is a rule on one packet, and nothing here knows names
of causes.
"""
from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

CLIENT = {"ipv4": "203.0.113.9", "ipv6": "2001:db8:c::9"}
EXTRA = {("opt", "ipv4"): 8, ("opt", "ipv6"): 24, ("geneve", "ipv4"): 50, ("geneve", "ipv6"): 70}
ROOMS = {"ipv4": (None, 0, 8, 50), "ipv6": (None, 0, 24, 70)}


class Packet(NamedTuple):
    """One packet as it leaves a hop. `leg`: in (client to entry), over (entry to backend), home (reply to the client), back
    (reply to the entry). `source`: whose address it bears; `sender`: who sends it."""

    leg: str
    entry: str
    backend: str
    protocol: str
    family: str
    size: int
    option: bool
    geneve: bool
    source: str
    sender: str
    syn: bool


Fault = Callable[[Packet], Optional[str]]


def no_fault(_packet: Packet) -> None:
    return None


class Network:
    """`modes`: node -> snat, dsr or hybrid; `deaf`: nodes that do not understand DSR packets."""

    def __init__(self, nodes: int = 3, mode: str = "snat", dispatch: str = "opt", families: tuple = ("ipv4", "ipv6"),
                 mtu: int = 1500, fault: Fault = no_fault, client: Optional[dict[str, str]] = None) -> None:
        self.nodes = [f"node-{number}" for number in range(1, nodes + 1)]
        self.modes, self.deaf = dict.fromkeys(self.nodes, mode), set()
        self.dispatch, self.families, self.mtu, self.fault = dispatch, families, mtu, fault
        self.seen_client, self.room_between, self.waiting, self.logs = client or CLIENT, EXTRA, {}, False
        self.takes_less: dict[str, int] = {}

    def address(self, node: str, family: str) -> str:
        number = node.rpartition("-")[2]
        return f"192.0.2.{number}" if family == "ipv4" else f"2001:db8::{number}"

    def document(self, pairs: Optional[list] = None) -> dict[str, Any]:
        ring = list(zip([self.nodes[-1], *self.nodes], self.nodes)) if len(self.nodes) > 1 else []
        wanted = pairs if pairs is not None else [*ring, *((node, node) for node in self.nodes)]
        wanted = [(entry, backend) for entry, backend in wanted if backend not in self.waiting]
        asked = [answer for entry, backend in wanted for family in self.families for protocol in ("tcp", "udp")
                 for answer in self.ask(entry, backend, family, protocol)]
        return {
            "schema": 1, "clients": [{"client": "bastion", "error": None, "pairs": asked}],
            "nodes": [{"node": node, "addresses": [self.address(node, family) for family in self.families]}
                      for node in self.nodes],
            "backends": [{"node": node, "hostname": f"pod-{node}", "ready": node not in self.waiting,
                          "why": self.waiting.get(node)} for node in self.nodes]}

    def ask(self, entry: str, backend: str, family: str, protocol: str) -> list[dict[str, Any]]:
        small = self.one(entry, backend, family, protocol, None)
        if small["state"] != "reached":
            return [small, *({**small, "room": room, "state": "not_asked"} for room in ROOMS[family][1:])]
        return [small, *(self.one(entry, backend, family, protocol, room) for room in ROOMS[family][1:])]

    def one(self, entry: str, backend: str, family: str, protocol: str, room: Optional[int]) -> dict[str, Any]:
        mode = self.modes[entry]
        direct = mode == "dsr" or (mode == "hybrid" and protocol == "tcp")
        trace = {"entry": entry, "backend": backend, "protocol": protocol, "family": family, "room": room,
                 "own": CLIENT[family], "answered": None, "seen": None, "connect_ms": None, "attempts": 1, "heard": None}
        size = 100 if room is None else self.mtu - room
        state = self.travel(trace, entry, backend, family, protocol, size, direct)
        if state != "reached":
            return {**trace, "seen": None, "state": state}
        return {**trace, "state": state, "answered": f"pod-{backend}", "connect_ms": 0.4}

    def travel(self, trace: dict, entry: str, backend: str, family: str, protocol: str, size: int, direct: bool) -> str:
        base = {"entry": entry, "backend": backend, "protocol": protocol, "family": family, "size": size, "option": False,
                "geneve": False, "syn": True}
        here = entry == backend
        direct = direct and not here
        opt = direct and self.dispatch == "opt"
        geneve = direct and self.dispatch == "geneve"
        # A SYN's option needs no room; a datagram's does, and so does Geneve's header.
        grows = EXTRA[self.dispatch, family] if direct and (geneve or protocol == "udp") else 0
        seen = self.seen_client[family] if direct or here else self.address(entry, family)
        legs = [Packet(leg="in", source="client", sender="client", **base)]
        if not here:
            legs.append(Packet(leg="over", source="client" if direct else entry, sender=entry,
                               **{**base, "option": opt, "geneve": geneve, "size": size + grows}))
        replies = [("home", entry if direct else backend, backend)]
        if not (direct or here):
            replies = [("back", backend, backend), ("home", entry, entry)]
        for packet in legs:
            lost = self.fault(packet)
            if lost or packet.size > self.takes_less.get(packet.leg, 100_000):
                trace["heard"] = False if self.logs and protocol == "udp" else None
                return lost or "timeout"
        if self.logs and protocol == "udp":
            trace["heard"] = seen
        if direct and backend in self.deaf:
            return "timeout"  # the reply leaves with the pod's address, which the client does not know
        for leg, source, sender in replies:
            lost = self.fault(Packet(leg=leg, source=source, sender=sender, **base))
            if lost:
                return lost
        trace["seen"] = seen
        return "reached"
