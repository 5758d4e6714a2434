# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong in a fabric: the router's faults as rules of nftables, and a node that filters by reverse path.

The way to the control plane is never touched.
"""
from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Iterable, Optional

from . import host
from .plan import CONTROL, Node
from .spaces import Space

OPTIONS, SOURCE, LARGE, LOST, RP_FILTER = "options", "source", "large", "lost", "rp-filter"
KINDS = {
    OPTIONS: "packets with IPv4 options or IPv6 destination options are lost",
    SOURCE: "a node sends only from its own and its pods' addresses, as where a cloud checks source and destination",
    LARGE: "packets larger than --bytes are lost without a word",
    LOST: "packets are lost: choose which with --proto, --from, --to, --family",
    RP_FILTER: "a node (--to) drops what comes in over another network card than it would answer by (rp_filter 1)",
}
TABLE = "fabric"
STRICT = ("all", "eth0", "eth1")


@dataclass(frozen=True)
class Fault:
    """One of KINDS; the rest narrows it. `sender` and `receiver` are nodes: where the router gets a packet from and passes it."""

    kind: str
    proto: Optional[str] = None
    family: Optional[int] = None
    sender: Optional[str] = None
    receiver: Optional[str] = None
    size: int = 1400

    @classmethod
    def from_dict(cls, fields: dict[str, Any], nodes: Iterable[Node]) -> Fault:
        """ValueError where there is no such fault."""
        fault, known = cls(**fields), {node.name for node in nodes}
        if fault.kind not in KINDS:
            raise ValueError(f"there is no fault {fault.kind}: choose one of {', '.join(KINDS)}")
        unknown = {fault.sender, fault.receiver} - known - {None}
        if unknown:
            raise ValueError(f"there is no node {', '.join(sorted(map(str, unknown)))}")
        if fault.kind == RP_FILTER and not fault.receiver:
            raise ValueError(f"{RP_FILTER} needs a node: give --to")
        return fault

    def asdict(self) -> dict[str, Any]:
        return asdict(self)


def ruleset(faults: list[Fault], nodes: list[Node]) -> str:
    """For nft -f: puts exactly these faults in the place of those before."""
    lines = [f'{rule} counter drop comment "{index}"' for index, fault in enumerate(faults) for rule in rules(fault, nodes)]
    body = "\n    ".join(lines)
    return (f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n  chain forward {{\n"
            f"    type filter hook forward priority 0; policy accept;\n"
            f'    iifname "{CONTROL}" accept\n    oifname "{CONTROL}" accept\n    {body}\n  }}\n}}\n')


def rules(fault: Fault, nodes: list[Node]) -> list[str]:
    """What is dropped for this fault, a rule for each way to say it."""
    where = _where(fault, nodes)
    return [" ".join(filter(None, [where, what])) for what in _what(fault, nodes)]


def _where(fault: Fault, nodes: list[Node]) -> str:
    by_name = {node.name: node for node in nodes}
    parts = []
    if fault.sender:
        parts.append(f"iifname {_devices(by_name[fault.sender])}")
    if fault.receiver:
        parts.append(f"oifname {_devices(by_name[fault.receiver])}")
    if fault.family:
        parts.append(f"meta nfproto ipv{fault.family}")
    if fault.proto:
        parts.append(f"meta l4proto {fault.proto}")
    return " ".join(parts)


def _devices(node: Node) -> str:
    return f'{{ "{node.inner}", "{node.outer}" }}'


def _what(fault: Fault, nodes: list[Node]) -> list[str]:
    if fault.kind == OPTIONS:
        return ["ip hdrlength > 5", "exthdr dst exists"]
    if fault.kind == SOURCE:
        return [rule for node in nodes if fault.sender in (None, node.name) for rule in _foreign_sources(node)]
    if fault.kind == LARGE:
        return [f"meta length > {fault.size}"]
    return [""] if fault.kind == LOST else []


def _foreign_sources(node: Node) -> list[str]:
    own4, own6 = node.own
    return [f"iifname {_devices(node)} ip saddr != {{ {', '.join(own4)} }}",
            f"iifname {_devices(node)} ip6 saddr != {{ {', '.join(own6)} }}"]


class Faults:
    """The faults that are on now."""

    def __init__(self, router: Space, nodes: list[Node], spaces: dict[str, Space]) -> None:
        self.router, self.nodes, self.spaces = router, nodes, spaces
        self.present: list[Fault] = []

    def set(self, faults: list[Fault]) -> None:
        """Exactly these and no others."""
        self.router.run([host.program("nft"), "-f", "-"], input=ruleset(faults, self.nodes))
        strict = {fault.receiver for fault in faults if fault.kind == RP_FILTER}
        for node in self.nodes:
            value = int(node.name in strict)
            self.spaces[node.name].sysctl({f"ipv4/conf/{name}/rp_filter": value for name in STRICT})
        self.present = list(faults)

    def report(self) -> list[dict[str, Any]]:
        """Each fault with `dropped`, the packets it has cost; None for the node's own filter, which does not count."""
        dropped = [0] * len(self.present)
        if self.present:
            listed = json.loads(self.router.run([host.program("nft"), "-j", "list", "table", "inet", TABLE]))
            for index, packets in _counted(listed):
                dropped[index] += packets
        return [{**fault.asdict(), "dropped": None if fault.kind == RP_FILTER else dropped[index]}
                for index, fault in enumerate(self.present)]


def _counted(listed: dict[str, Any]) -> Iterable[tuple[int, int]]:
    for entry in listed["nftables"]:
        rule = entry.get("rule", {})
        for expression in rule.get("expr", []):
            if "counter" in expression and rule.get("comment", "").isdigit():
                yield int(rule["comment"]), expression["counter"]["packets"]
