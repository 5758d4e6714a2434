# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""XDP acceleration: load balancing of outside traffic in the network driver, before the kernel makes a packet of it.

Why: a node that takes requests for a backend elsewhere forwards several times as many packets a second, for a fraction of
the CPU; it is what DSR gains most from.
Cost: agents restart. Attaching the program makes many drivers set up their queues anew: the link drops packets for up to
some seconds, and pinned interrupts and queue counts have to be looked at again. Some drivers lower the largest MTU (ena
3498, bnxt about 3500) or want half of their queues free.
Undo: loadBalancer.acceleration disabled and restarted agents, with the same short interruption.
Refuse when: kube-proxy replacement is not full; a tunnel up to 1.12, or over an IPv6 underlay from 1.18 on; mode
best-effort before 1.15; mode native where not every device is known to have driver support, since agents exit then.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#loadbalancer-nodeport-xdp-acceleration
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Need, Opt, Option, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View, within

KEY, VALUE = "bpf-lb-acceleration", "loadBalancer.acceleration"
BEST_EFFORT = "1.15"
IN_TUNNEL = {"tunnel": "vxlan", "routing-mode": "tunnel"}


def _best_effort(view: View) -> Iterator[Finding]:
    old = tuple(agent.node for agent in view.agents if agent.version and not within(agent.version, BEST_EFFORT))
    if old or view.chart and not within(view.chart, BEST_EFFORT):
        who = f"the agents on {name_nodes(old)} are older" if old else f"the release's chart is {view.chart}"
        yield Finding(State.BLOCKED, f"Mode best-effort is known from {BEST_EFFORT} on, and {who}.",
                      f"Upgrade Cilium to {BEST_EFFORT} or later, or set the options of xdp to {{mode: native}} where every "
                      "device's driver has XDP.", old)


def _tunnelled(view: View, key: str, native: str) -> bool:
    return view.config_value(key, IN_TUNNEL) != native


def _tunnel(view: View) -> Iterator[Finding]:
    old = view.agents_within(None, "1.12")
    if old and _tunnelled(view, "tunnel", "disabled"):
        yield Finding(State.BLOCKED, f"Agents up to 1.12 ({name_nodes(old)}) exit on XDP together with a tunnel.",
                      "Change to native routing (tuning native_routing has the procedure), or upgrade Cilium.", old)
    new = view.agents_within("1.18")
    if new and _tunnelled(view, "routing-mode", "native") and view.config_value("underlay-protocol", {}) == "ipv6":
        yield Finding(State.BLOCKED, f"Agents from 1.18 on ({name_nodes(new)}) exit on XDP with a tunnel over IPv6.",
                      "Change to native routing, or to an underlay of IPv4 (underlayProtocol).", new)


def _drivers(view: View) -> Iterator[Finding]:
    """Which driver a device has is not among what is read of a cluster; an agent that runs it proves it for its own."""
    unproven = [agent.node for agent in view.agents if agent.live("xdp_acceleration") not in ("native",)]
    if unproven:
        yield Finding(
            State.UNKNOWN,
            f"Whether the drivers of the devices on {name_nodes(unproven)} have XDP is not known, and with mode native agents "
            "exit on a device without it.",
            "Set the options of xdp to {mode: best-effort} from 1.15 on, which leaves such devices out; for mode native try "
            "`ethtool -i` and the list of drivers in Cilium's documentation, and set loadBalancer.acceleration by hand.",
            tuple(unproven))


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What the agents exit on."""
    yield from _tunnel(view)
    if options["mode"] == "best-effort":
        yield from _best_effort(view)
    else:
        yield from _drivers(view)


def notes(view: View, options: Options) -> Iterator[str]:
    """What no fact here can tell, and what is not encrypted any more."""
    if options["mode"] == "best-effort":
        yield "Devices whose driver has no XDP are left out; the agents' logs name them."
    if view.agents_within(BEST_EFFORT) and view.config_value("encrypt-node", {}) == "true":
        yield "Traffic from outside to a backend on another node is not encrypted by WireGuard with XDP."


TUNING = Tuning(
    id="xdp",
    title="XDP acceleration",
    phase=Phase.LOAD_BALANCER,
    risk=Risk.NETWORK_BLIP,
    reason="Agents restart and attach XDP programs; many drivers set up their queues anew for that and drop packets meanwhile.",
    undo="Put loadBalancer.acceleration back and restart the agents; the link may drop packets for a moment again.",
    needs=(Need("kube_proxy_replacement"),),
    options=(Option("mode", ("best-effort", "native"), "best-effort", refused={
        "testing-only": "generic XDP is slower than none", "generic": "generic XDP is slower than none"}),),
    absent={VALUE: "disabled", KEY: "disabled"},
    profiles={"latency": {}, "throughput": {}, "max": {}},
    stages=(
        Stage("attached", wants=(Want({VALUE: Opt("mode")}, {KEY: Opt("mode")}),),
              live=(Live("xdp_acceleration", Opt("mode"), config=(KEY,)),)),
    ),
)
