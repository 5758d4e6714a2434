# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Distributed LRU: conntrack and NAT maps keep one list of free entries for each CPU instead of one for all.

Why: with one list for all, CPUs wait for each other's lock at high rates of new connections.
Cost: agents restart with new, empty conntrack and NAT maps, so connections through NAT or a Service end. Each CPU has its
share of entries only: one that is busier than others throws entries out while others have room, so maps should be larger.
Undo: bpf.distributedLRU.enabled as it was, at the same cost.
Refuse when: no dynamic ratio is set (bpf-map-dynamic-size-ratio above 0; the chart's 0.0025 will do): agents from 1.17.4 on
exit without.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

RATIO = "bpf-map-dynamic-size-ratio"
DOCUMENTED = 0.08


def _ratio(view: View) -> float | None:
    try:
        return float(view.config_value(RATIO, {}) or "")
    except ValueError:
        return None


def _shown(view: View) -> str:
    """Every chart writes the key, so where it is missing nobody here knows what the agents take."""
    value = view.config_value(RATIO, {})
    return f"no {RATIO}" if value is None else f"{RATIO} '{value}'"


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What agents exit on."""
    ratio = _ratio(view)
    if view.config is not None and not (ratio and 0 < ratio <= 1):
        yield Finding(
            State.BLOCKED,
            f"It needs a dynamic map size ratio above 0, and cilium-config has {_shown(view)}; agents exit on that.",
            "Set bpf.mapDynamicSizeRatio, for example with map_sizes: {ratio: 0.08}, then run again.")


def notes(view: View, options: Options) -> Iterator[str]:
    """Shares of a small map are smaller still."""
    ratio = _ratio(view)
    if ratio is not None and ratio < DOCUMENTED:
        yield (f"Every CPU has its own share of entries, and the ratio is {ratio:g} of a node's memory; Cilium's tuning "
               "guide takes 0.08 with the distributed LRU (map_sizes: {ratio: 0.08}), which costs that much memory at once.")


TUNING = Tuning(
    id="distributed_lru",
    title="LRU lists for each CPU",
    phase=Phase.MAPS,
    risk=Risk.CONNECTIONS_LOST,
    reason="Conntrack and NAT maps are created anew and empty: connections through NAT or a Service end, agent by agent.",
    undo="Put bpf.distributedLRU.enabled back and restart the agents; maps are created anew and connections end again.",
    since="1.17",
    absent={"bpf.distributedLRU.enabled": False, "bpf-distributed-lru": "false"},
    off={"bpf-distributed-lru": "false"},
    # The stage of every tuning that creates these maps anew has one name, so that they share a step.
    stages=(Stage("maps", wants=(Want({"bpf.distributedLRU.enabled": True}, {"bpf-distributed-lru": "true"}),), live=()),),
    # Without the larger maps that profile max brings, shares would be too small to be faster.
    profiles={"max": {}},
)
