# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hubble off: no flows are recorded, and nothing tells afterwards who talked to whom. Recommended against.

Why: the programs send no event for each packet's trace, which saves a few per cent of CPU under high packet rates. Try
monitor_aggregation and event_limits first: they keep what one needs in an incident and save most of that.
Cost: agents restart, and their DaemonSet changes. No flow logs, no Hubble metrics, no relay, no UI: observability is worth
more than what this saves, so no profile holds it.
Undo: hubble.enabled, hubble.relay.enabled and hubble.ui.enabled as they were, and restarted agents.
Refuse when: nothing; charts refuse the relay or the UI without Hubble, so these are turned off with it.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#hubble
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Options, Phase, Risk, Stage, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

KEY = "enable-hubble"
OFF = {"hubble.enabled": False, "hubble.relay.enabled": False, "hubble.ui.enabled": False}


def notes(view: View, options: Options) -> Iterator[str]:
    """Why one should think twice."""
    yield "Recommended against: in an incident the flows are missed sooner than the CPU; see monitor_aggregation and event_limits."


TUNING = Tuning(
    id="hubble_off",
    title="Hubble off (recommended against)",
    phase=Phase.OBSERVABILITY,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart and record no flows any more; relay and UI are removed.",
    undo="Put the hubble values back and restart the agents; flows of the time between are lost.",
    # Without the key an agent records nothing; without the values a chart turns Hubble on, and relay and UI not.
    absent={"hubble.enabled": True, "hubble.relay.enabled": False, "hubble.ui.enabled": False},
    stages=(
        Stage("off", wants=(Want(OFF, {KEY: None}, until="1.16"), Want(OFF, {KEY: "false"}, since="1.17")), live=()),
    ),
)
