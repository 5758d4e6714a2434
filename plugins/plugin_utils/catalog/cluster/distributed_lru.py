# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Distributed LRU: the least recently used entries of connection tracking and NAT maps are kept for each CPU.

Why: CPUs do not wait for each other over one list, which is what limits new connections a second on many cores.
Cost: agents restart and make the maps anew: what was tracked and translated is forgotten, so established connections through
Services and to the outside are lost or reset. The size is shared among the CPUs: with many of them the maps have to be larger.
Undo: bpf.distributedLRU.enabled as it was and restarted agents; connections are lost in the same way.
Refuse when: no share of memory for the maps is set (bpf.mapDynamicSizeRatio 0), on which agents exit.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#ebpf-map-backend-memory
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

KEY, VALUE = "bpf-distributed-lru", "bpf.distributedLRU.enabled"
RATIO_KEY = "bpf-map-dynamic-size-ratio"


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """Agents exit on it without a share of memory."""
    ratio = view.config_value(RATIO_KEY, {})
    if not _is_share(ratio):
        shown = "no" if ratio is None else f"'{ratio}' as"
        yield Finding(State.BLOCKED, f"cilium-config has {shown} {RATIO_KEY}, and agents exit on a distributed LRU without a share "
                      "of memory for the maps.", "Set the Helm value bpf.mapDynamicSizeRatio, 0.0025 is the chart's default.")


def _is_share(text: str | None) -> bool:
    try:
        return text is not None and 0 < float(text) <= 1
    except ValueError:
        return False


TUNING = Tuning(
    id="distributed_lru",
    title="LRU of the BPF maps for each CPU",
    phase=Phase.MAPS,
    risk=Risk.CONNECTIONS_LOST,
    reason="The connection tracking and NAT maps are made anew: connections tracked or translated there are lost, node by node.",
    undo="Put bpf.distributedLRU.enabled back and restart the agents; connections are lost in the same way.",
    absent={VALUE: False, KEY: "false"},
    since="1.17",
    profiles={"max": {}},
    stages=(Stage("shared", wants=(Want({VALUE: True}, {KEY: "true"}),), live=()),),
)
