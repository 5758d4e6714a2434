# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a connection meter's figures mean: whether new connections were lost, and which. Pure.

gauge: {passed: true|false|null (too little was measured to tell), reason: sentence, seconds, tried: int, lost: int, broken: int
        (established), open: int, nodes: {node: {tried, lost, gap, broken, silence}}}, gaps and silences in
seconds, the longest of all clients.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read

MOST_LEFT_OUT = 0.1  # of the connections that were to be opened


def gauge(documents: Iterable[Any], allowed: int = 0) -> dict[str, Any]:
    """The gauge of the clients' documents, as connection_meter returns them; `allowed`: new connections that may be lost."""
    found = [document for document in map(read.mapping, documents) if document and read.mapping(document.get("nodes"))]
    nodes: dict[str, dict[str, Any]] = {}
    for document in found:
        for node, figures in document["nodes"].items():
            _add(nodes.setdefault(str(node), {"tried": 0, "lost": 0, "gap": 0.0, "broken": 0, "silence": 0.0}), figures)
    totals = {key: sum(figures[key] for figures in nodes.values()) for key in ("tried", "lost", "broken")}
    left_out = sum(_count(document, key) for document in found for key in ("skipped", "own"))
    early = [document for document in found if read.text(document.get("ended")) not in (None, "stopped")]
    passed: bool | None = totals["lost"] <= allowed
    if passed and (not totals["tried"] or early or left_out > MOST_LEFT_OUT * (totals["tried"] + left_out)):
        passed = None
    return {"passed": passed, "reason": _reason(passed, totals, nodes, left_out, early), **totals, "nodes": nodes,
            "seconds": max((_float(document.get("seconds")) for document in found), default=0.0),
            "open": sum(_count(document, "open") for document in found)}


def _add(into: dict[str, Any], figures: Any) -> None:
    new, old = (read.mapping((read.mapping(figures) or {}).get(kind)) or {} for kind in ("new", "established"))
    tried, answered = _count(new, "tried"), _count(new, "ok")
    into["tried"] += tried
    into["lost"] += max(0, tried - answered)
    into["gap"] = max(into["gap"], _float(new.get("longest_gap")))
    into["broken"] += sum(_count(old, what) for what in ("hung", "reset", "closed", "wrong", "failed"))
    into["silence"] = max(into["silence"], _float(old.get("longest_gap")))


def _count(document: Mapping[str, Any], key: str) -> int:
    return max(0, read.number(document.get(key)) or 0)


def _float(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def _reason(passed: bool | None, totals: Mapping[str, int], nodes: Mapping[str, Any], left_out: int, early: list) -> str:
    lossy = [node for node, figures in nodes.items() if figures["lost"]]
    broken = f" {totals['broken']} established ones were broken." if totals["broken"] else ""
    if lossy:
        gap = max(nodes[node]["gap"] for node in lossy)
        return (f"{totals['lost']} of {totals['tried']} new connections were lost (through {read.name_nodes(lossy)}; "
                "longest gap "
                f"{gap:.1f} s).{broken}")
    if passed is None:
        why = "nothing was measured" if not totals["tried"] else "the meter ended early" if early else (
            f"the client was too slow for its rate ({left_out} connections were left out)")
        return f"Whether new connections were lost is not known: {why}.{broken}"
    return f"None of {totals['tried']} new connections was lost.{broken}"
