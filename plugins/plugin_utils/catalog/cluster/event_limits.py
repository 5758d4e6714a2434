# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Limits of datapath events: how many events a second and a burst the programs hand to an agent, and which kinds at all.

Why: under a flood (a scan, a denial of service, a policy that drops) events cost more CPU than the packets; a limit bounds
that, and trace events that nobody reads cost nothing when they are off.
Cost: agents restart. Beyond the limit events are lost, so Hubble's counts are too low then; without trace events Hubble
shows drops and policy verdicts only.
Undo: the values of bpf.events as they were, and restarted agents.
Refuse when: a limit is asked for before 1.17.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#hubble
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Number, Opt, Option, Options, Phase, Risk, Stage, State, Text, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View, within

TRACE, LIMITS_SINCE = "bpf-events-trace-enabled", "1.17"
RATE, BURST = "bpf-events-default-rate-limit", "bpf-events-default-burst-limit"
# From a million on every chart writes 1e+06, which agents cannot read.
MOST = 999999


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """Limits that chart or agents do not know, or half of them."""
    limits = [options["rate"], options["burst"]]
    old = tuple(agent.node for agent in view.agents if agent.version and not within(agent.version, LIMITS_SINCE))
    if any(limits) and (old or view.chart and not within(view.chart, LIMITS_SINCE)):
        who = f"the agents on {name_nodes(old)} are older" if old else f"the release's chart is {view.chart}"
        yield Finding(State.BLOCKED, f"Limits of events are known from {LIMITS_SINCE} on, and {who}.",
                      f"Leave rate and burst out, or upgrade Cilium to {LIMITS_SINCE} or later.", old)
    if any(limits) and None in limits:
        yield Finding(State.BLOCKED, "A limit of events has two halves, rate and burst, and one of them is missing.",
                      "Give both, such as {rate: 10000, burst: 50000}.")


TUNING = Tuning(
    id="event_limits",
    title="Limits of datapath events",
    phase=Phase.OBSERVABILITY,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart and get no more events than that.",
    undo="Put the values of bpf.events back and restart the agents.",
    options=(Option("trace", ("on", "off"), "on"), Number("rate", 100, MOST), Number("burst", 100, MOST)),
    absent={"bpf.events.trace.enabled": True, TRACE: "true"},
    since="1.16",
    profiles={"throughput": {"rate": 10000, "burst": 50000}, "max": {"rate": 10000, "burst": 50000}},
    stages=(
        Stage("limited", wants=(
            Want({"bpf.events.trace.enabled": True}, {TRACE: "true"}, when={"trace": ("on",)}),
            Want({"bpf.events.trace.enabled": False}, {TRACE: "false"}, when={"trace": ("off",)}),
            Want({"bpf.events.default.rateLimit": Opt("rate"), "bpf.events.default.burstLimit": Opt("burst")},
                 {RATE: Text("rate"), BURST: Text("burst")}, since=LIMITS_SINCE)), live=()),
    ),
)
