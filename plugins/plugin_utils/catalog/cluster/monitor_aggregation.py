# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Monitor aggregation: the data path tells of an established connection less often.

Why: every event costs the CPU that handles the packet, and the agent's to read it. At level medium there is one for a new
connection, for new TCP flags, and again after each interval; a longer interval takes away most of what busy nodes tell.
Cilium's tuning guide takes 10 s (under a Helm path that no chart reads: it is bpf.monitorInterval).
Cost: agents restart. Hubble and `cilium-dbg monitor` show long connections less often; none is missed. Level maximum is
taken too, though the data path makes no difference between it and medium today.
Undo: the former level and interval.
Refuse when: levels none and low, which tell more and not less. A longer interval than asked for is left as it is (up to
five minutes, in the usual spellings), and so is level max, another word for maximum.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#increase-aggregation-interval
"""
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    OneOf, Option, Phase, Risk, Stage, Tuning, Want)

LEVEL_PATH, LEVEL_KEY = "bpf.monitorAggregation", "monitor-aggregation"
INTERVAL_PATH, INTERVAL_KEY = "bpf.monitorInterval", "monitor-aggregation-interval"
INTERVALS = ("5s", "10s", "30s", "60s")
# Longer ones that are left as they are, shortest first.
KNOWN = ("5s", "10s", "15s", "20s", "30s", "45s", "60s", "1m", "1m0s", "90s", "1m30s", "120s", "2m", "2m0s", "300s", "5m",
         "5m0s")
MORE = "it tells of more packets than the default does, and so costs more"


def _level(level: str, accepted: tuple[str, ...]) -> Want:
    return Want({LEVEL_PATH: OneOf(accepted)}, {LEVEL_KEY: OneOf(accepted)}, when={"level": (level,)})


def _at_least(interval: str) -> Want:
    longer = OneOf(KNOWN[KNOWN.index(interval):])
    return Want({INTERVAL_PATH: longer}, {INTERVAL_KEY: longer}, when={"interval": (interval,)})


TUNING = Tuning(
    id="monitor_aggregation",
    title="Fewer monitor events",
    phase=Phase.OBSERVABILITY,
    risk=Risk.AGENT_RESTART,
    reason="Agents load data path programs that tell of established connections less often; connections stay.",
    undo="Put bpf.monitorAggregation and bpf.monitorInterval back and restart the agents.",
    options=(
        Option("level", ("medium", "maximum"), "medium", refused={"none": MORE, "low": MORE}),
        Option("interval", INTERVALS, "10s"),
    ),
    absent={LEVEL_PATH: "medium", INTERVAL_PATH: "5s", LEVEL_KEY: "none", INTERVAL_KEY: "5s"},
    # What the chart takes where nobody asks for more.
    off={LEVEL_KEY: "medium", INTERVAL_KEY: "5s"},
    stages=(Stage(
        "fewer",
        wants=(_level("medium", ("medium", "maximum", "max")), _level("maximum", ("maximum", "max")),
               *map(_at_least, INTERVALS)),
        live=(),
    ),),
    profiles={"recommended": {}, "latency": {}, "throughput": {}, "max": {}},
)
