# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Masquerading by eBPF: pods' packets to the outside get the node's address in Cilium's programs, not in iptables.

Why: no walk through netfilter and its connection tracking for every packet that leaves the cluster, and BPF host routing
works with it only.
Cost: agents restart. The state of the address translation moves from the kernel's connection tracking to Cilium's NAT map:
a connection from a pod to the outside that is open meanwhile goes on only where its port can be kept, which nothing
guarantees; the others are reset. Where nothing else stands in the way, agents turn BPF host routing on in the same restart.
Undo: the former value and restarted agents, with the same risk for connections from pods to the outside.
Refuse when: kube-proxy replacement is not full; IPv6 is masqueraded up to 1.13; remote node identities are off up to 1.15;
interfaces are named in egressMasqueradeInterfaces; masquerading uses the route's source; an agent that started with it
fell back to iptables. No meaning where masquerading is off.
Evidence: https://docs.cilium.io/en/stable/network/concepts/masquerading/
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _clash as clash
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Need, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

KEY = "enable-bpf-masquerade"
INTERFACES = "egress-masquerade-interfaces"


def masqueraded(view: View) -> list[str]:
    """The address families that cilium-config has masqueraded; one that is off itself never is."""
    return [family for family in ("ipv4", "ipv6")
            if clash.on(view, f"enable-{family}") and clash.on(view, f"enable-{family}-masquerade")]


def _off(view: View) -> Iterator[Finding]:
    if not masqueraded(view):
        yield Finding(
            State.NOT_APPLICABLE, "cilium-config turns masquerading off, so no packet's address is translated here.",
            "Leave ebpf_masquerade out of fastpath_tunings; what needs it goes without here.")


def _ipv6(view: View) -> Iterator[Finding]:
    nodes = view.agents_within(None, "1.13")
    if nodes and "ipv6" in masqueraded(view):
        yield Finding(
            State.BLOCKED,
            f"Agents up to 1.13 ({name_nodes(nodes)}) exit on BPF masquerading while IPv6 is masqueraded too, which it is "
            "unless enableIPv6Masquerade is false.",
            "Set enableIPv6Masquerade to false where pods' IPv6 addresses are routed, or upgrade Cilium to 1.14 or later.",
            nodes)


def _interfaces(view: View) -> Iterator[Finding]:
    named = view.config_value(INTERFACES, {})
    if named:
        yield Finding(
            State.BLOCKED,
            f"cilium-config has {INTERFACES} '{named}', which iptables alone obeys: agents up to 1.14 fall back to iptables "
            "silently, later ones exit.",
            "Remove egressMasqueradeInterfaces from the release's values; the value devices names the devices for BPF.",
            view.agents_within(None))


def _identities(view: View) -> Iterator[Finding]:
    nodes = view.agents_within(None, "1.15")
    if nodes and not clash.on(view, "enable-remote-node-identity"):
        yield Finding(
            State.BLOCKED,
            f"Remote node identities are off, and BPF masquerading needs them up to 1.15 ({name_nodes(nodes)}): agents "
            "up to 1.14 fall back to iptables silently, those of 1.15 exit.",
            "Set remoteNodeIdentity to true, then run again.", nodes)


def fallbacks(view: View) -> Iterator[Finding]:
    """What BPF masquerading cannot be had with; agents up to 1.14 then take the host's stack for routing as well, whether
    anything is masqueraded or not."""
    yield from _interfaces(view)
    yield from _identities(view)


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What the agents exit on, or fall back to iptables for and say so in their log only."""
    if not masqueraded(view):
        yield from _off(view)
        return
    yield from _ipv6(view)
    yield from fallbacks(view)
    yield from clash.excluded(
        view, "enable-masquerade-to-route-source", "BPF masquerading does not take the source address from the route",
        "Set enableMasqueradeRouteSource to false, or leave ebpf_masquerade out of fastpath_tunings.")


def notes(view: View, options: Options) -> Iterator[str]:
    """What changes for the traffic besides."""
    if len(view.running("masquerading", "bpf")) < len(view.agents):
        yield ("Long-lived connections from pods to the outside (databases, message brokers) should be able to reconnect "
               "before this is applied.")


TUNING = Tuning(
    id="ebpf_masquerade",
    title="Masquerading by eBPF",
    phase=Phase.MASQUERADING,
    risk=Risk.CONNECTIONS_LOST,
    reason="The state of the address translation moves from iptables to Cilium's map: established connections from pods to "
           "the outside whose port cannot be kept are reset, node by node.",
    undo="Put bpf.masquerade back and restart the agents; connections from pods to the outside are at risk in the same way.",
    needs=(Need("kube_proxy_replacement"),),
    left_off="where BPF NodePort is not to be had, and go on with iptables",
    absent={"bpf.masquerade": False, KEY: "false"},
    profiles={"latency": {}, "throughput": {}, "max": {}},
    stages=(
        Stage("bpf", wants=(Want({"bpf.masquerade": True}, {KEY: "true"}),),
              live=(Live("masquerading", "bpf", config=(KEY,)),)),
    ),
)
