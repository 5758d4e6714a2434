# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Monitor aggregation: the datapath reports a connection's first packets and flag changes, not every packet.

Why: each trace event costs CPU in the datapath and in Hubble; level maximum and a longer interval send the fewest.
Cost: agents restart. Flows have fewer events: byte counts and packet-by-packet traces are coarser.
Undo: bpf.monitorAggregation, bpf.monitorInterval and bpf.monitorFlags as they were, and restarted agents.
Refuse when: nothing. The path bpf.events.monitorInterval, which Cilium's tuning guide names, is read by no chart.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#hubble
"""
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Opt, Option, Phase, Risk, Stage, Tuning, Want)

LEVEL, INTERVAL = "monitor-aggregation", "monitor-aggregation-interval"

TUNING = Tuning(
    id="monitor_aggregation",
    title="Monitor aggregation",
    phase=Phase.OBSERVABILITY,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart and send fewer trace events.",
    undo="Put the monitor values back and restart the agents.",
    options=(
        Option("level", ("none", "low", "medium", "maximum"), "maximum"),
        Option("interval", ("5s", "10s", "30s", "60s"), "5s"),
    ),
    absent={"bpf.monitorAggregation": "medium", "bpf.monitorInterval": "5s", LEVEL: "none", INTERVAL: "5s"},
    profiles={"recommended": {"level": "medium"}, "latency": {}, "throughput": {"interval": "10s"}, "max": {"interval": "10s"}},
    stages=(
        Stage("aggregated", wants=(
            Want({"bpf.monitorAggregation": Opt("level"), "bpf.monitorInterval": Opt("interval")},
                 {LEVEL: Opt("level"), INTERVAL: Opt("interval")}),), live=()),
    ),
)
