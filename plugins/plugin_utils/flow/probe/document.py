# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The document of a probe, put together from what was deployed and what clients and backends' logs said. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read


def document(workload: Any, answers: Iterable[Any], heard: Any = None) -> dict[str, Any]:
    """The probe as pairs.py has it. `answers`: results of nodeport_ask with the client's name as `item`; several of a client
    are one. `heard`: what nodeport_probe says of the logs."""
    deployed, clients = read.mapping(workload) or {}, {}
    for answer in filter(None, map(read.mapping, answers)):
        name = read.text(answer.get("item")) or "localhost"
        client = clients.setdefault(name, {"client": name, "error": None, "pairs": []})
        if answer.get("failed") or answer.get("unreachable") or read.listing(answer.get("pairs")) is None:
            client["error"] = read.text(answer.get("msg")) or "It gave no answer."
        else:
            client["pairs"] += answer["pairs"]
    listening = _listening(read.mapping(heard) or {}, [pair for client in clients.values() for pair in client["pairs"]])
    for client in clients.values():
        client["pairs"] = [_with_log(pair, listening) for pair in map(read.mapping, client["pairs"]) if pair]
    parts = {key: read.listing(deployed.get(key)) or [] for key in ("backends", "nodes")}
    return {"schema": 1, **parts, "clients": list(clients.values())}


def _listening(heard: Mapping[str, Any], pairs: Iterable[Any]) -> dict[str, set[str]]:
    """Node -> those that its backend heard, of logs in which only clients with their own addresses stand: where addresses
    are changed on the way, who is missing in a log may stand there by another address."""
    known = {_self(pair) for pair in filter(None, map(read.mapping, pairs))}
    logs = {node: set(map(str, names)) for node, names in heard.items() if read.listing(names) is not None}
    return {node: names for node, names in logs.items() if names <= known}


def _self(pair: Mapping[str, Any]) -> str:
    return f"{pair.get('own')} {pair.get('port')}"


def _with_log(pair: Mapping[str, Any], listening: Mapping[str, set[str]]) -> dict[str, Any]:
    """A datagram that was not answered, with whether its backend heard it."""
    names = listening.get(str(pair.get("backend")))
    if names is None or pair.get("protocol") != "udp" or pair.get("state") != "timeout" or not pair.get("own"):
        return dict(pair)
    return {**pair, "heard": pair["own"] if _self(pair) in names else False}
