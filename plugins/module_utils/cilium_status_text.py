# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Facts out of the text that `cilium-dbg status --verbose` prints, whole or cut down to single lines.

A line is known by its whole label, so "Device Mode:" is no "Mode:" and "Cilium health daemon:" no "Cilium:".
"""

from __future__ import annotations

import re

from itertools import islice
from typing import Callable, Dict, Iterator, List, Mapping

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_status_words as words

_Facts = Dict[str, object]
_Reader = Callable[[str], _Facts]


def _word(name: str, known: Mapping[str, str]) -> _Reader:
    return lambda value: {name: words.leading(value, known)}


def _read_health(value: str) -> _Facts:
    """`Ok   1.13.4 (v1.13.4-4061cdfc)`."""
    match = re.match(r"(Ok|Warning|Failure)(?=\s|$)", value)
    if match is None:
        return {}
    return {"health": words.HEALTH[match.group(1)], "version": words.version(value[match.end():])}


def _read_replacement(value: str) -> _Facts:
    """`True   [eth0 10.0.0.1 fe80::1 (Direct Routing), eth1 10.0.1.1]`."""
    facts: _Facts = {"kube_proxy_replacement": words.leading(value, words.REPLACEMENT)}
    start = value.find("[")
    end = value.find("]", start)
    if -1 < start < end:
        facts.update(_read_devices(value[start + 1:end]) if value[start + 1:end].strip() else {"devices": []})
    return facts


def _read_devices(value: str) -> _Facts:
    """`eth0 10.0.0.1 fe80::1 (Direct Routing), eth1 10.0.1.1`; one odd entry and the list is unknown."""
    if value.count(",") > _MOST_NAMES:
        return {}
    entries = [entry.split(None, 1) or [""] for entry in value.split(",")]
    names = [words.device(entry[0]) for entry in entries]
    if not all(names) or not _FEATURES_OF_1_8.isdisjoint(names):
        return {}
    direct = [entry[0] for entry in entries if "(Direct Routing)" in entry[-1]]
    return {"devices": names, "direct_routing_device": direct[0] if len(direct) == 1 else None}


# No node has that many devices: such a list is not an agent's, and would be a heavy one to carry around.
_MOST_NAMES = 1000
# Up to 1.8 the bracket listed features instead of devices.
_FEATURES_OF_1_8 = frozenset(("NodePort", "HostPort", "ExternalIPs", "SessionAffinity"))


def _read_bandwidth_manager(value: str) -> _Facts:
    match = re.match(r"EDT with BPF(?:\s+\[(BBR|CUBIC)\])?(?=\s|$)", value)
    if match is None:
        return {"bandwidth_manager": "disabled" if words.leading(value, words.SWITCH) == "disabled" else None}
    return {"bandwidth_manager": "enabled", "congestion_control": words.whole(match.group(1), words.CONGESTION_CONTROL)}


def _read_routing(value: str) -> _Facts:
    """`Network: Tunnel [vxlan]   Host: BPF`, one half alone where the line was cut."""
    network = re.search(r"(?:^|\s)Network:\s*(\w+)(?:\s*\[(\w+)\])?", value)
    host = re.search(r"(?:^|\s)Host:\s*(\w+)", value)
    return {
        "routing_mode": words.whole(network.group(1), words.ROUTING_MODE) if network else None,
        "tunnel_protocol": words.whole(network.group(2), words.TUNNEL_PROTOCOL) if network else None,
        "host_routing": words.whole(host.group(1), words.HOST_ROUTING) if host else None,
    }


def _read_protocols(value: str) -> _Facts:
    """`TCP, UDP` (up to 1.12): the line is there only when the socket load balancer is on."""
    return {"socket_lb": "enabled" if re.match(r"(?:TCP|UDP)\b", value) else None}


_LINES: Mapping[str, _Reader] = {
    "KubeProxyReplacement": _read_replacement,
    "Cilium": _read_health,
    "IPv4 BIG TCP": _word("ipv4_big_tcp", words.SWITCH),
    "IPv6 BIG TCP": _word("ipv6_big_tcp", words.SWITCH),
    "BandwidthManager": _read_bandwidth_manager,
    "Host Routing": _word("host_routing", words.HOST_ROUTING),
    "Routing": _read_routing,
    "Attach Mode": _word("attach_mode", words.ATTACH_MODE),
    "Device Mode": _word("device_mode", words.DEVICE_MODE),
    "Masquerading": _word("masquerading", words.MASQUERADING),
}

# Words that mean something inside the details block only: everybody has a "Status:".
_BLOCK_LINES: Mapping[str, _Reader] = {
    "Status": _word("kube_proxy_replacement", words.REPLACEMENT),
    "Protocols": _read_protocols,
}
_DETAIL_LINES: Mapping[str, _Reader] = {
    "Socket LB": _word("socket_lb", words.SWITCH),
    "Socket LB Protocols": _read_protocols,
    "Devices": _read_devices,
    "Mode": _word("nodeport_mode", words.NODEPORT_MODE),
    "DSR Dispatch Mode": _word("dsr_dispatch", words.DSR_DISPATCH),
    "Backend Selection": _word("lb_algorithm", words.LB_ALGORITHM),
    "XDP Acceleration": _word("xdp_acceleration", words.XDP),
}
_DETAILS = "KubeProxyReplacement Details"
_ANNOTATIONS = "Annotations"
_AFTER_DETAILS = (
    "BPF Maps", "Encryption", "Cluster health", "Modules Health", "KVStore", "Kubernetes", "NodeMonitor",
    "Cilium health daemon", "Controller Status", "Proxy Status", "Hubble",
)
_LABELS = (*_LINES, *_BLOCK_LINES, *_DETAIL_LINES, _DETAILS, _ANNOTATIONS, *_AFTER_DETAILS)

# One search over the whole text: a Python loop over millions of short lines would take far longer.
_FIELD = re.compile(r"^[ \t]*(%s)[ \t]*:(.*)$" % "|".join(map(re.escape, _LABELS)), re.MULTILINE)


def read_text(text: str) -> List[_Facts]:
    """The facts of the status in a text with LF line ends: one entry, two and more for several agents, else none.

    A fact that stands there twice and differently is in the entry as None.
    """
    reading = _Reading()
    for field in _FIELD.finditer(text):
        reading.take(field.group(1), field.group(2).strip(), text, field.end())
    return reading.statuses()


class _Reading:
    """Facts by where they stand. The agent prints details in a block; when there is one, only the block counts."""

    def __init__(self) -> None:
        self._top: _Facts = {}
        self._block: _Facts = {}
        self._loose: _Facts = {}
        self._block_seen = self._in_block = False
        self._once: Dict[str, List[str]] = {}
        self._several = False

    def take(self, label: str, value: str, text: str, end: int) -> None:
        if label == _DETAILS:
            self._block_seen = self._in_block = True
        elif label in _LINES:
            self._in_block = False
            self._take_line(label, value, _said(_LINES[label](value)))
        elif label in _AFTER_DETAILS:
            self._in_block = False
        else:
            self._take_detail(label, value, text, end)

    def _take_line(self, label: str, value: str, found: _Facts) -> None:
        _merge(self._top, found)
        if found and label in ("KubeProxyReplacement", "Cilium"):
            # They name the node's addresses and the agent's health: two that differ come from two agents.
            line = value.split()
            self._several = self._several or self._once.setdefault(label, line) != line

    def _take_detail(self, label: str, value: str, text: str, end: int) -> None:
        target = self._block if self._in_block else self._loose
        if label == _ANNOTATIONS:
            _merge(target, _said(_read_annotations(value, text, end)))
        elif label in _DETAIL_LINES:
            _merge(target, _said(_DETAIL_LINES[label](value)))
        elif self._in_block:
            _merge(target, _said(_BLOCK_LINES[label](value)))

    def statuses(self) -> List[_Facts]:
        facts: _Facts = {}
        _merge(facts, self._top)
        _merge(facts, self._block if self._block_seen else self._loose)
        known = {name: None if fact is _CONTRADICTION else fact for name, fact in facts.items()}
        return [known] * (2 if self._several else 1) if known else []


_CONTRADICTION = object()


def _said(found: _Facts) -> _Facts:
    return {name: fact for name, fact in found.items() if fact is not None}


def _merge(facts: _Facts, found: _Facts) -> None:
    for name, fact in found.items():
        facts[name] = fact if facts.get(name, fact) == fact else _CONTRADICTION


def _read_annotations(value: str, text: str, end: int) -> _Facts:
    """`(n/a)`, or the `- service.cilium.io/type` lines that follow; a heading cut off from its list says nothing."""
    if value == "(n/a)":
        return {"annotations": []}
    names = list(islice(_items(text, end), _MOST_NAMES + 1)) if not value else []
    return {"annotations": names if 0 < len(names) <= _MOST_NAMES else None}


def _items(text: str, position: int) -> Iterator[str]:
    item = _ITEM.match(text, position)
    while item is not None and words.annotation(item.group(1)):
        yield item.group(1)
        item = _ITEM.match(text, item.end())


_ITEM = re.compile(r"\n[ \t]*-[ \t]+(\S+)[ \t]*$", re.MULTILINE)
