# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Event limits: a bound on how many events a node's data path tells, and none at all of passing packets if that is wanted.

Why: in a storm of new connections the events alone can keep the agent busy; a limit keeps that CPU for the traffic.
Cost: agents restart. Events above the limit are lost: Hubble's flows and metrics and `cilium-dbg monitor` then miss some.
With trace off they show drops and policy verdicts only. Cilium calls these limits experimental. So only profile max
brings them in, and none the loss of traces.
Undo: the former limits and events.
Refuse when: limits before 1.17 (switching traces off works from 1.16 on); one limit without the other, or a burst limit
below the rate limit.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#rate-limit-events
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Number, Opt, Option, Options, Phase, Risk, Stage, State, Text, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

# Charts of every version render numbers from a million on as 1e+06 here, which no agent reads.
LEAST, MOST = 100, 999999


def _asked(options: Options) -> list[str]:
    return [name for name in ("rate", "burst") if options[name] is not None]


def _pair(options: Options) -> Iterator[Finding]:
    asked = _asked(options)
    if len(asked) == 1:
        yield Finding(State.BLOCKED, f"Agents take both limits or none, and {asked[0]} is given alone.",
                      "Give rate and burst together, or set both to null.")
    elif asked and options["burst"] < options["rate"]:
        yield Finding(State.BLOCKED, f"The burst limit ({options['burst']}) is below the rate limit ({options['rate']}).",
                      "Give a burst that is at least the rate.")


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What agents exit on, and what changes nothing."""
    yield from _pair(options)
    if not _asked(options) and options["trace"] == "keep":
        yield Finding(State.NOT_APPLICABLE, "Neither limits nor an end of traces were asked for.",
                      "Give rate and burst, or {trace: 'off'}.")


def notes(view: View, options: Options) -> Iterator[str]:
    """What is given up."""
    if options["trace"] == "off":
        yield "Without traces Hubble shows drops and policy verdicts only: no flows of what passes, and no metrics of it."
    elif _asked(options):
        yield "Above the limit events are lost, so flows, metrics and exports of Hubble are incomplete then."


TUNING = Tuning(
    id="event_limits",
    title="Limits on monitor events",
    phase=Phase.OBSERVABILITY,
    risk=Risk.AGENT_RESTART,
    reason="Agents load data path programs that tell less; connections stay.",
    undo="Put the bpf.events values back and restart the agents.",
    since="1.16",
    options=(
        Option("trace", ("keep", "off"), "keep"),
        # The figures of Cilium's tuning guide.
        Number("rate", LEAST, MOST, default=10000, since="1.17"),
        Number("burst", LEAST, MOST, default=50000, since="1.17"),
    ),
    absent={"bpf.events.trace.enabled": True, "bpf-events-trace-enabled": "true"},
    off={"bpf-events-trace-enabled": "true", "bpf-events-default-rate-limit": "0", "bpf-events-default-burst-limit": "0"},
    stages=(Stage(
        "limits",
        wants=(
            Want({"bpf.events.trace.enabled": False}, {"bpf-events-trace-enabled": "false"}, when={"trace": ("off",)}),
            Want({"bpf.events.default.rateLimit": Opt("rate"), "bpf.events.default.burstLimit": Opt("burst")},
                 {"bpf-events-default-rate-limit": Text("rate"), "bpf-events-default-burst-limit": Text("burst")},
                 since="1.17"),
        ),
        live=(),
    ),),
    profiles={"max": {}},
)
