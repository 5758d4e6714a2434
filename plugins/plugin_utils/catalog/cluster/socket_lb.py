# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Socket load balancing: a Service's address is translated when a program connects, once, not in every packet.

Why: no address translation per packet for connections from pods and hosts to Services.
Cost: agents restart; connections that are open stay as they are. A sidecar that redirects by the Service's address (Istio),
and pods with a kernel of their own (Kata, gVisor, KubeVirt), need socketLB.hostNamespaceOnly with it.
Undo: socketLB.enabled false (chart 1.11: hostServices.enabled false) and restarted agents; connections stay.
Refuse when: kube-proxy replacement is "disabled" up to 1.15, which turns it off whatever its own value says; full
replacement, which implies it, is configured and not running, or the other way round: a restart would change that too.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#socket-loadbalancer-bypass-in-pod-namespace
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _clash as clash
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import Agent, View

FULL = ("strict", "true")
REPLACEMENT = "kube-proxy-replacement"
OLD_KEY, KEY = "enable-host-reachable-services", "bpf-lb-sock"
RUNS = "socket_lb"


def implied(view: View, options: Options) -> bool:
    """Whether full kube-proxy replacement is configured, which brings it along."""
    return view.config_value(REPLACEMENT, {}) in FULL


def by_its_own_value(view: View, options: Options) -> bool:
    """Whether it is a setting of its own here."""
    return not implied(view, options)


def _between(view: View, agent: Agent) -> bool:
    running = agent.live("kube_proxy_replacement")
    return running is not None and (running in FULL) != implied(view, {})


def _disabled(view: View) -> Iterator[Finding]:
    """Up to 1.13 this is the default; "partial" and, from 1.14 on, "false" leave the parts to their own values."""
    for until, word in (("1.13", "partial"), ("1.15", "false")):
        nodes = view.agents_within(None, until)
        if nodes and view.config_value(REPLACEMENT, {REPLACEMENT: "disabled"} if until == "1.13" else {}) == "disabled":
            yield Finding(
                State.BLOCKED,
                f"cilium-config has {REPLACEMENT} 'disabled', with which the agents on {name_nodes(nodes)} turn socket load "
                "balancing off whatever its own value says.",
                f"Set kubeProxyReplacement to {word}, or replace kube-proxy in full (tuning kube_proxy_replacement has the "
                "procedure).", nodes)
            return


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What turns it off, and a restart that would change the replacement of kube-proxy."""
    yield from _disabled(view)
    between = tuple(agent.node for agent in view.read_agents if _between(view, agent))
    if between and len(view.running(RUNS, "enabled")) < len(view.agents):
        yield Finding(
            State.BLOCKED,
            f"The agent on {name_nodes(between)} does not run the kube-proxy replacement that cilium-config has; a restart "
            "would change that as well.",
            "Bring the kube-proxy replacement in line first (tuning kube_proxy_replacement has the procedure).", between)


def notes(view: View, options: Options) -> Iterator[str]:
    """Where it stops at the pods' door."""
    if clash.on(view, "bpf-lb-sock-hostns-only"):
        yield ("bpf-lb-sock-hostns-only is 'true': pods' connections are translated at their device, as a service mesh or "
               "virtual machines need it.")
    elif len(view.running(RUNS, "enabled")) < len(view.agents):
        yield ("With a service mesh that redirects by the Service's address (Istio), or pods with a kernel of their own "
               "(Kata, gVisor, KubeVirt), set socketLB.hostNamespaceOnly (chart 1.11: hostServices.hostNamespaceOnly) to "
               "true first.")


SHOWS = Live(RUNS, "enabled", config=(OLD_KEY, KEY))

TUNING = Tuning(
    id="socket_lb",
    title="Socket load balancing",
    phase=Phase.SERVICES,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart; new connections to Services are translated when they are opened, open ones stay as they are.",
    undo="Put socketLB.enabled (chart 1.11: hostServices.enabled) back and restart the agents; connections stay.",
    absent={"hostServices.enabled": False, OLD_KEY: "false", "socketLB.enabled": False, KEY: "false"},
    kernel="4.17",
    profiles={"latency": {}, "throughput": {}, "max": {}},
    left_off="where the kernel lacks what it takes",
    stages=(
        Stage("implied", wants=(), live=(SHOWS,), when=implied),
        Stage("own", wants=(Want({"hostServices.enabled": True}, {OLD_KEY: "true"}, until="1.11"),
                            Want({"socketLB.enabled": True}, {KEY: "true"}, since="1.12")),
              live=(SHOWS,), when=by_its_own_value),
    ),
)
