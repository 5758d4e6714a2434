# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Path MTU discovery: agents answer a client whose packets do not fit with the ICMP message that says so.

Why: with DSR a request grows by an option or a header on its way to the backend's node. Without the message a client
that sends packets of full size waits for answers that never come; with it, it sends smaller ones at once.
Cost: agents restart. It makes nothing slower, and matters where DSR runs.
Undo: pmtuDiscovery.enabled as it was.
Refuse when: nothing but versions before 1.13, which do not know it.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#direct-server-return-dsr
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Options, Phase, Risk, Stage, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View


def notes(view: View, options: Options) -> Iterator[str]:
    """Where it matters."""
    if view.running("nodeport_mode", "dsr", "hybrid"):
        yield "DSR runs here: ICMP must pass from the nodes to the clients, or the message does not arrive."
    else:
        yield "It matters with DSR, which no agent runs at present."


TUNING = Tuning(
    id="pmtu_discovery",
    title="Path MTU discovery",
    phase=Phase.LOAD_BALANCER,
    risk=Risk.AGENT_RESTART,
    reason="Agents load data path programs that tell clients of packets that do not fit; connections stay.",
    undo="Put pmtuDiscovery.enabled back and restart the agents.",
    since="1.13",
    absent={"pmtuDiscovery.enabled": False, "enable-pmtu-discovery": "false"},
    off={"enable-pmtu-discovery": "false"},
    stages=(Stage("on", wants=(Want({"pmtuDiscovery.enabled": True}, {"enable-pmtu-discovery": "true"}),), live=()),),
    profiles={"recommended": {}, "latency": {}, "throughput": {}, "max": {}},
)
