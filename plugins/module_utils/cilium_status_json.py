# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Facts out of `cilium-dbg status -o json` (StatusResponse of the agent's API).

The agent leaves out what is false or empty. So a missing `enabled` means disabled where the object that would hold it
is there, and nothing at all where that object is missing: that version does not know it.
"""

from __future__ import annotations

import json
import re

from typing import Dict, Iterator, List, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_status_words as words

# Other JSON has keys like "masquerading" too; only these words say that an agent speaks.
_ANCHORS = ("health", "kube_proxy_replacement", "host_routing", "routing_mode")
_OBJECT_START = re.compile(r"^[ \t]*\{", re.MULTILINE)
_MOST_DOCUMENTS = 1000
_MOST_BROKEN = 8


def read_json(text: str) -> List[Dict[str, object]]:
    """The facts of every agent status that stands in the text as JSON, warnings around it left out.

    Only facts that the status tells are keys. Text without one gives an empty list, however broken its JSON is.
    """
    return [facts for facts in map(_facts, _documents(text)) if any(name in facts for name in _ANCHORS)]


def _documents(text: str) -> Iterator[dict]:
    """The JSON objects that begin at the start of a line. The number of tries is bounded, so the time is linear."""
    position = broken = 0
    for _attempt in range(_MOST_DOCUMENTS):
        start = _OBJECT_START.search(text, position)
        if start is None or broken == _MOST_BROKEN:
            return
        try:
            document, position = _DECODER.raw_decode(text, start.end() - 1)
        except ValueError:
            broken, position = broken + 1, start.end()
        except RecursionError:
            return
        else:
            yield document


def _object(pairs: List[Tuple[str, object]]) -> dict:
    """A JSON object; a key that is given twice with different values tells nothing."""
    result: dict = {}
    for key, value in pairs:
        result[key] = value if result.get(key, value) == value else _CONTRADICTION
    return result


def _number(_digits: str) -> None:
    """No fact is a number, and converting one with a million digits takes minutes."""


_CONTRADICTION = object()
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_number)


def _facts(status: dict) -> Dict[str, object]:
    facts: Dict[str, object] = {
        "ipv4_big_tcp": _switch(_at(status, "ipv4-big-tcp")),
        "ipv6_big_tcp": _switch(_at(status, "ipv6-big-tcp")),
        "masquerading": _masquerading(_at(status, "masquerading")),
        "attach_mode": words.whole(status.get("attach-mode"), words.ATTACH_MODE),
        "device_mode": words.whole(status.get("datapath-mode"), words.DEVICE_MODE),
    }
    facts.update(_health(_at(status, "cilium")))
    facts.update(_replacement(_at(status, "kube-proxy-replacement")))
    facts.update(_routing(_at(status, "routing"), _at(status, "host-routing")))
    facts.update(_bandwidth_manager(_at(status, "bandwidth-manager")))
    return {name: fact for name, fact in facts.items() if fact is not None}


def _at(parent: Optional[dict], key: str) -> Optional[dict]:
    child = parent.get(key) if parent is not None else None
    return child if isinstance(child, dict) else None


def _switch(feature: Optional[dict]) -> Optional[str]:
    enabled = feature.get("enabled", False) if feature is not None else None
    return {True: "enabled", False: "disabled"}[enabled] if isinstance(enabled, bool) else None


def _health(cilium: Optional[dict]) -> Dict[str, object]:
    if cilium is None or not isinstance(cilium.get("state"), str):
        return {}
    return {"health": words.HEALTH.get(cilium["state"]), "version": words.version(cilium.get("msg"))}


def _replacement(replacement: Optional[dict]) -> Dict[str, object]:
    if replacement is None:
        return {}
    features = _at(replacement, "features")
    facts: Dict[str, object] = {
        "kube_proxy_replacement": words.whole(replacement.get("mode"), words.REPLACEMENT),
        "devices": _devices(replacement),
        "direct_routing_device": words.device(replacement.get("directRoutingDevice")),
        "socket_lb": _socket_lb(features),
        "annotations": _annotations(features),
    }
    facts.update(_nodeport(_at(features, "nodePort")))
    return facts


def _devices(replacement: dict) -> Optional[List[str]]:
    """The names in order. `null` is Go's empty list and says no more than a text without a list does: None."""
    if "deviceList" in replacement:
        entries = replacement["deviceList"]
        names = [item.get("name") if isinstance(item, dict) else None for item in _list(entries)]
    else:
        entries = replacement.get("devices")
        names = [item.split()[0] if isinstance(item, str) and item.strip() else None for item in _list(entries)]
    known = isinstance(entries, list) and all(words.device(name) for name in names)
    return names if known else None


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _socket_lb(features: Optional[dict]) -> Optional[str]:
    """`socketLB` since 1.12; before, the same was called host reachable services."""
    if _at(features, "socketLB") is not None:
        return _switch(_at(features, "socketLB"))
    return _switch(_at(features, "hostReachableServices"))


def _annotations(features: Optional[dict]) -> Optional[List[str]]:
    """The key is written since 1.17 and never left out: `null` there is an empty list."""
    if features is None or "annotations" not in features:
        return None
    names = [] if features["annotations"] is None else features["annotations"]
    return names if isinstance(names, list) and all(words.annotation(name) for name in names) else None


def _nodeport(nodeport: Optional[dict]) -> Dict[str, object]:
    """The dispatch is written whatever the mode is: it says how DSR would be sent, not that it is."""
    if nodeport is None or _switch(nodeport) != "enabled":
        return {}
    return {
        "nodeport_mode": words.whole(nodeport.get("mode"), words.NODEPORT_MODE),
        "dsr_dispatch": words.whole(nodeport.get("dsrMode"), words.DSR_DISPATCH),
        "lb_algorithm": words.whole(nodeport.get("algorithm"), words.LB_ALGORITHM),
        "xdp_acceleration": words.whole(nodeport.get("acceleration"), words.XDP),
    }


def _masquerading(masquerading: Optional[dict]) -> Optional[str]:
    state = _switch(masquerading)
    if masquerading is None or state is None:
        return None
    protocols = _at(masquerading, "enabledProtocols")
    # Before the protocols were told apart (up to 1.9) `enabled` stood alone.
    families = [state == "enabled"] if protocols is None else [protocols.get(key, False) for key in ("ipv4", "ipv6")]
    if not any(families):
        return "disabled"
    return words.whole(masquerading.get("mode"), words.MASQUERADING) if state == "enabled" else None


def _routing(routing: Optional[dict], host_routing: Optional[dict]) -> Dict[str, object]:
    """`routing` since 1.16, `host-routing` up to 1.15. Native routing has a protocol too where DSR goes by Geneve."""
    if routing is None:
        mode = host_routing.get("mode") if host_routing is not None else None
        return {"host_routing": words.whole(mode, words.HOST_ROUTING)}
    return {
        "routing_mode": words.whole(routing.get("inter-host-routing-mode"), words.ROUTING_MODE),
        "host_routing": words.whole(routing.get("intra-host-routing-mode"), words.HOST_ROUTING),
        "tunnel_protocol": words.whole(routing.get("tunnel-protocol"), words.TUNNEL_PROTOCOL),
    }


def _bandwidth_manager(manager: Optional[dict]) -> Dict[str, object]:
    state = _switch(manager)
    if manager is None or state != "enabled":
        return {"bandwidth_manager": state}
    congestion_control = words.whole(manager.get("congestionControl"), words.CONGESTION_CONTROL)
    return {"bandwidth_manager": state, "congestion_control": congestion_control}
