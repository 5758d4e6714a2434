# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""MTU of the pod network: as large as the nodes' devices allow, found by the agents themselves.

Why: with jumbo frames a pod sends six times as much in a packet; agents take the MTU of the nodes' devices by themselves,
less what a tunnel or encryption takes, unless a fixed one is set.
Cost: agents restart. Running pods keep their MTU until they are created anew.
Undo: the former value and restarted agents; pods created meanwhile keep theirs until they are created anew.
Refuse when: never applied with a fixed number, since one that is larger than a device's MTU loses packets and that of the
devices is not known here: a fixed MTU is taken away, so that detection decides; raise the devices' MTU first.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#mtu
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    OneOf, Options, Phase, Risk, Stage, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

KEY = "mtu"


def notes(view: View, options: Options) -> Iterator[str]:
    """What decides then."""
    yield "Agents take the smallest MTU of the nodes' devices: jumbo frames begin there, and at every switch between them."


TUNING = Tuning(
    id="pod_mtu",
    title="MTU of the pod network by detection",
    phase=Phase.PODS,
    risk=Risk.PODS_RECREATED,
    reason="Agents restart and give new pods the MTU that the nodes' devices have; running pods keep theirs.",
    undo="Put the fixed MTU back and restart the agents; pods created meanwhile keep theirs until they are created anew.",
    absent={"MTU": 0, "extraConfig.mtu": None, KEY: None},
    pods=True,
    profiles={"throughput": {}, "max": {}},
    stages=(
        # Charts before 1.13 have no value for it; there it can only have come through extraConfig.
        Stage("detected", wants=(Want({"extraConfig.mtu": None}, {KEY: None}, until="1.12"),
                                 Want({"MTU": 0}, {KEY: OneOf((None, "0"))}, since="1.13")), live=()),
    ),
)
