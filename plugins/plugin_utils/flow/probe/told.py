# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The probes of a run, for its result and its report. Pure."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.layout import clean, paragraph

KEYS = ("passed", "wanted", "mode", "reason", "asked", "failed")


def summary(name: str, document: Any) -> dict[str, Any]:
    """{name, passed, wanted, mode, reason, asked, failed, causes: [{cause, sentence, way_out, nodes, pairs}]} of a probe's document."""
    verdict = read.mapping((read.mapping(document) or {}).get("verdict")) or {}
    return {"name": name, **{key: verdict.get(key) for key in KEYS}, "causes": read.listing(verdict.get("causes")) or []}


def lines(probes: Any, width: int) -> list[str]:
    """What each probe has shown, and the way out of what failed."""
    found = []
    for probe in filter(None, map(read.mapping, read.listing(probes) or [])):
        word = {True: "passed", False: "failed"}.get(read.truth(probe.get("passed")), "not proven")  # type: ignore[arg-type]
        found += paragraph("Probe", f"{clean(probe.get('name'))}: {word}. {clean(probe.get('reason'))}", width, 0)
        found += _ways_out(read.listing(probe.get("causes")) or [], width)
    return found


def _ways_out(causes: Iterable[Any], width: int) -> list[str]:
    """Once for each; the sentences of what failed stand in the reason."""
    ways = dict.fromkeys(clean((read.mapping(one) or {}).get("way_out")) for one in causes)
    return [line for way in ways if way for line in paragraph("Way out", way, width)]
