# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Path MTU discovery: a packet that does not fit is answered with an ICMP message that says so.

Why: with DSR the Service's address takes room in a packet (8 bytes with IPv4 options, 24 with IPv6, 50 and more with
Geneve); full-size packets that no longer fit are then dropped silently, and connections hang. With this the client learns.
Cost: agents restart.
Undo: pmtuDiscovery.enabled as it was, and restarted agents.
Refuse when: nothing.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#direct-server-return-dsr-with-ipv4-option-ipv6-extension-header
"""
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Phase, Risk, Stage, Tuning, Want

VALUE, KEY = "pmtuDiscovery.enabled", "enable-pmtu-discovery"

TUNING = Tuning(
    id="pmtu_discovery",
    title="Path MTU discovery for DSR",
    phase=Phase.LOAD_BALANCER,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart and answer packets that do not fit.",
    undo="Put pmtuDiscovery.enabled back and restart the agents.",
    absent={VALUE: False, KEY: "false"},
    since="1.13",
    profiles={"recommended": {}, "latency": {}, "throughput": {}, "max": {}},
    stages=(Stage("answered", wants=(Want({VALUE: True}, {KEY: "true"}),), live=()),),
)
