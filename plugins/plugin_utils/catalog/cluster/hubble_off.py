# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hubble off: agents no longer turn what the data path tells into flows. Not recommended: to see what the network does is
worth more than what this saves. Try monitor_aggregation and event_limits first.

Why: Cilium's tuning guide puts the cost of Hubble at 1 to 15 per cent, by traffic and aggregation.
Cost: no flows, no Hubble metrics, no Relay and no UI: the next fault is looked for blind. No profile brings it in, since a
cluster that nobody can look into is not the faster one for long.
Undo: hubble.enabled, hubble.relay.enabled and hubble.ui.enabled as they were; flows of the time between are lost.
Refuse when: nothing rules it out. Relay and UI are switched off with it, or the chart would fail. Charts up to 1.16 leave
enable-hubble out then, later ones write false; the pod template of the agents changes as well.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#hubble
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    OneOf, Options, Phase, Risk, Stage, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

PATHS = ("hubble.enabled", "hubble.relay.enabled", "hubble.ui.enabled")
OFF = dict.fromkeys(PATHS, False)
# A key that is not there means off to agents of every version.
MISSING = OneOf((None, "false"))


def notes(view: View, options: Options) -> Iterator[str]:
    """What is given up."""
    yield ("Not recommended: flows, Hubble metrics, Relay and UI are gone with it; monitor_aggregation and event_limits "
           "save much of the same CPU.")


TUNING = Tuning(
    id="hubble_off",
    title="Hubble off (not recommended)",
    phase=Phase.OBSERVABILITY,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart without Hubble, and Helm removes Relay and UI; connections stay.",
    undo="Put hubble.enabled, hubble.relay.enabled and hubble.ui.enabled back and restart the agents.",
    absent={"hubble.enabled": True, "hubble.relay.enabled": False, "hubble.ui.enabled": False},
    stages=(Stage(
        "off",
        wants=(Want(OFF, {"enable-hubble": MISSING}, until="1.16"), Want(OFF, {"enable-hubble": "false"}, since="1.17")),
        live=(),
    ),),
)
