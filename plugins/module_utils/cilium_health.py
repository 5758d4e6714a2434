# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an agent's health daemon says of the ways to all nodes: `cilium-health status --probe -o json`.

Source of the format: Cilium's API model HealthStatusResponse (api/v1/health). A probe without a text in `status` went well.
"""
from __future__ import annotations

import json
from typing import Any, Dict, NamedTuple, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_agents import Talk, refused
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Garbled
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

COMMAND = ("cilium-health", "status", "--probe", "-o", "json")
# To a node's own address, and to the endpoint that stands for its pods: what only pods' routing decides.
HOST, ENDPOINT = ("host/icmp", "host/http"), ("endpoint/icmp", "endpoint/http")
KINDS = ENDPOINT + HOST
# Where the ways stand, by the first part of their kind; newer agents have the first place for endpoints, all have the last.
PLACES: Dict[str, Tuple[Tuple[str, ...], ...]] = {
    "host": (("host", "primary-address"),),
    "endpoint": (("health-endpoint", "primary-address"), ("endpoint",)),
}


class Health(NamedTuple):
    """`nodes`: node of the agent's own cluster -> {kind: "" or what went wrong}; a kind that was not probed is not there."""

    nodes: Dict[str, Dict[str, str]]


def parse_health(text: str) -> Health:
    """The ways to all nodes. Raises Garbled for what is no such document."""
    document = _document(text)
    cluster, _slash, me = _name(document.get("local")).rpartition("/")
    entries = document.get("nodes")
    if not me or not isinstance(entries, list):
        raise Garbled("It is not the status of a health daemon: {0}".format(one_line(text, 100) or "nothing"))
    named = [(_name(entry).rpartition("/"), entry) for entry in entries]
    # Nodes of other clusters of a mesh are named after theirs.
    return Health({name: _ways(entry) for (theirs, _slash, name), entry in named if name and theirs == cluster})


def _document(text: str) -> Dict[str, Any]:
    try:
        # Warnings of the command may stand before the document.
        found = json.loads(text[text.find("{"):])
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _name(entry: Any) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else ""


def _ways(entry: Dict[str, Any]) -> Dict[str, str]:
    found = {}
    for kind in KINDS:
        place, _slash, protocol = kind.partition("/")
        probed = next((path[protocol] for path in (_at(entry, keys) for keys in PLACES[place])
                       if isinstance(path.get(protocol), dict)), None)
        if probed is not None:
            found[kind] = one_line(probed.get("status") or "", 120)
    return found


def _at(entry: Any, keys: Tuple[str, ...]) -> Dict[str, Any]:
    for key in keys:
        entry = entry.get(key) if isinstance(entry, dict) else None
    return entry if isinstance(entry, dict) else {}


def ask_health(talk: Talk) -> Health:
    """One agent's word after a new round of probes. Raises KubeError."""
    result = talk.run_or_miss(*COMMAND)
    if result.exit_code != 0:
        raise refused(COMMAND[0], result)
    return parse_health(result.stdout)


def words(kind: str, node: str) -> str:
    """A way to a node in a sentence."""
    place, _slash, protocol = kind.partition("/")
    return "{0} {1} by {2}".format({"host": "node", "endpoint": "the pods of"}[place], node, protocol.upper())


def missing(health: Health, node: str, kind: str) -> Optional[str]:
    """Why a way is not proved; None where it is."""
    if node not in health.nodes:
        return "the agent does not know that node yet"
    return health.nodes[node].get(kind, "it was not probed") or None
