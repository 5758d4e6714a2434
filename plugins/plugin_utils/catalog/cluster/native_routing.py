# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Native routing: pods' packets travel as they are, without a tunnel around them.

Why: a tunnel costs 50 bytes of every packet and the work of wrapping and unwrapping it; DSR with IP options, BIG TCP and
others work without a tunnel only.
Cost: the network between the nodes must know the way to every pod. Changing from tunnel to native on a running cluster
cuts pods on changed and unchanged nodes off from each other until the last agent has restarted.
Undo: the former routing mode and protocol, with the same interruption.
Refuse when: never applied by itself yet, since a safe change needs proof of the routes of every node first; judged only.
Evidence: https://docs.cilium.io/en/stable/network/concepts/routing/
"""
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Live, Phase, Risk, Stage, Tuning, Want

TUNING = Tuning(
    id="native_routing",
    title="Native routing, no tunnel",
    phase=Phase.ROUTING,
    risk=Risk.CONNECTIONS_LOST,
    reason="Pods on changed and unchanged nodes do not reach each other until the last agent has restarted.",
    undo="Put the former routing mode back and restart the agents; pods are cut off from each other meanwhile.",
    applies=False,
    way_out=(
        "In a maintenance window: (1) see to it that the network routes every node's pod CIDR to that node (BGP, static "
        "routes, or autoDirectNodeRoutes: true where all nodes share one layer 2 segment); (2) set tunnel: disabled up "
        "to chart 1.13, or routingMode: native from chart 1.14 on, and ipv4NativeRoutingCIDR to the pods' range; "
        "(3) restart all agents; (4) check traffic between pods of every pair of nodes; then run again."
    ),
    stages=(
        Stage(
            id="native",
            wants=(
                Want({}, {"tunnel": "disabled"}, until="1.13"),
                Want({}, {"routing-mode": "native"}, since="1.14"),
            ),
            live=(Live("routing_mode", "native", config=("tunnel", "routing-mode")),),
        ),
    ),
    absent={"tunnel": "vxlan", "routing-mode": "tunnel"},
)
