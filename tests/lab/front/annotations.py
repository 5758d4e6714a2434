# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Annotations that steer the simulated nodes."""
from __future__ import annotations

import re
import time
from typing import Any, NamedTuple, Optional

from .api import Api
from .errors import LabError

SETTLE_SECONDS = 10
POLL_SECONDS = 0.02

# What the simulator understands, by annotation.
KNOWN = {
    "lab/kernel": r"\S+",
    "lab/kubelet": r"\S+",
    "lab/devices": r"[^\s,=]+=[^\s,=]+(,[^\s,=]+=[^\s,=]+)*",
    "lab/health": r"ok|warning|failure",
    "lab/ready": r"true|false",
    "lab/agent": r"crash:.+|never-ready|flap|start-delay:\d+(\.\d+)?",
    "lab/segment": r"\S+",
    "lab/fabric-routes": r"true|false",
    "lab/root": r"/.+",
    "lab/exec": r"hang|garbage|flood|exit:\d{1,3}:.*|throttle|hostile|unreachable",
}


class Annotation(NamedTuple):
    """`value` None takes the annotation away."""

    node: str
    key: str
    value: Optional[str]


def parse(text: str) -> Annotation:
    """Reads NODE:KEY=VALUE; an empty value takes the annotation away."""
    found = re.fullmatch(r"([^:=]+):([^:=]+)=(.*)", text, re.DOTALL)
    if not found:
        raise LabError(f"--annotate {text!r}: write NODE:KEY=VALUE, for example node-2:lab/kernel=5.4.0-150-generic.")
    node, key, value = found.groups()
    if key not in KNOWN:
        raise LabError(f"--annotate {text!r}: no annotation {key}; the nodes know {', '.join(KNOWN)}.")
    if value and not re.fullmatch(KNOWN[key], value, re.DOTALL):
        raise LabError(f"--annotate {text!r}: {key} cannot be {value!r}; see tests/lab/README.md for its values.")
    return Annotation(node, key, value or None)


def apply(api: Api, wanted: list[Annotation], closed_port: int) -> int:
    """Annotates the nodes and waits until their status follows; returns how many annotations differed."""
    changed = 0
    for annotation in wanted:
        node = api.get(f"/api/v1/nodes/{annotation.node}")
        if node["metadata"].get("annotations", {}).get(annotation.key) != annotation.value:
            changed += 1
            api.patch(f"/api/v1/nodes/{annotation.node}",
                      {"metadata": {"annotations": {annotation.key: annotation.value}}})
    for name in {annotation.node for annotation in wanted}:
        _settle(api, name, closed_port)
    return changed


def _settle(api: Api, name: str, closed_port: int) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not _follows(api.get(f"/api/v1/nodes/{name}"), closed_port):
        if time.monotonic() > deadline:
            raise LabError(f"The status of {name} does not follow its annotations: see nodes.log of the lab.")
        time.sleep(POLL_SECONDS)


def _follows(node: dict[str, Any], closed_port: int) -> bool:
    notes, status = node["metadata"].get("annotations", {}), node["status"]
    ready = next(c["status"] for c in status["conditions"] if c["type"] == "Ready")
    unreachable = status["daemonEndpoints"]["kubeletEndpoint"]["Port"] == closed_port
    return ((ready == "False") == (notes.get("lab/ready") == "false")
            and unreachable == (notes.get("lab/exec") == "unreachable")
            and notes.get("lab/kubelet") in (None, status["nodeInfo"]["kubeletVersion"])
            and notes.get("lab/kernel") in (None, status["nodeInfo"]["kernelVersion"]))
