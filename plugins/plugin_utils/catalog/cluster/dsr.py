# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Direct server return: replies to a NodePort, LoadBalancer or external IP leave from the node of the backend.

Why: in SNAT mode every reply travels back through the node that took the request: one more hop, twice the traffic and
the NAT table of that node. With DSR it goes straight to the client, and pods see the client's own address.
Cost: agents restart. While SNAT and DSR nodes are mixed, new connections through a DSR node to a backend on a SNAT node
fail (up to Cilium 1.17; from 1.18.0 on agents are taught to receive first). Established connections through a changing
node to backends on other nodes hang until they time out. TCP Fast Open does not go well with DSR.
Undo: mode snat in the same order, at the same cost; from 1.18.0 on new connections survive while lbModeAnnotation stays.
Refuse when: kube-proxy replacement is not full; a VXLAN tunnel; a tunnel without geneve dispatch (1.11 and 1.12 fall back
to SNAT silently, later agents exit); dispatch geneve before 1.14, or from 1.15 on without tunnel protocol geneve;
dispatch ipip; IPsec up to 1.15; NAT46/64 from 1.18 on; dispatch geneve with BIG TCP from 1.19 on; the mode annotation on
1.17; rp_filter 1 on a device besides that of direct routing, where the node's host is in the inventory.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#direct-server-return-dsr
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _devices as devices
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import listing, name_nodes, text
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Has, Live, Need, Opt, Option, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import Agent, View, within

DSR_MODES = ("dsr", "hybrid")
ANNOTATION = "service.cilium.io/forwarding-mode"
# First version whose agents understand DSR packets while they still send SNAT, with opt and geneve dispatch alike.
RECEIVES_WITHOUT_SENDING = "1.18.0"
ABSENT = {
    "loadBalancer.mode": "snat", "bpf-lb-mode": "snat",
    "loadBalancer.dsrDispatch": "opt", "bpf-lb-dsr-dispatch": "opt",
    "bpf.lbModeAnnotation": False, "bpf-lb-mode-annotation": "false",
    "tunnelProtocol": "vxlan", "tunnel-protocol": "vxlan",
}
CLOUDS = {"aws": "AWS", "azure": "Azure", "gce": "Google Cloud", "openstack": "OpenStack", "oci": "Oracle Cloud"}


def is_dsr(options: Options) -> bool:
    """Whether the policy asks for DSR in some form."""
    return options["mode"] in DSR_MODES


def sends(agent: Agent) -> bool:
    """Whether a running agent sends DSR packets."""
    return agent.live("nodeport_mode") in DSR_MODES


def annotated(agent: Agent) -> bool:
    """Whether a running agent takes the mode from a Service's annotation, and so understands DSR packets."""
    shown = agent.live("annotations")
    return isinstance(shown, list) and ANNOTATION in shown


def can_receive(view: View, agent: Agent, dispatch: str) -> bool:
    """Whether a running agent that is annotated reads this dispatch."""
    running = agent.live("dsr_dispatch")
    if running is None and agent.config_current:
        running = view.config_value("bpf-lb-dsr-dispatch", ABSENT)
    return annotated(agent) and running == dispatch


def _new_enough(view: View) -> bool:
    return within(view.chart, RECEIVES_WITHOUT_SENDING) and view.all_agents(RECEIVES_WITHOUT_SENDING)


def _all_receive(view: View, options: Options) -> bool:
    return all(can_receive(view, agent, options["dispatch"]) for agent in view.agents)


def in_two_steps(view: View, options: Options) -> bool:
    """Whether agents can be taught to receive before the first one sends."""
    if options["mode"] != "dsr" or not _new_enough(view):
        return False
    return _all_receive(view, options) or not any(map(sends, view.agents))


def must_learn(view: View, options: Options) -> bool:
    """Whether some agent has yet to be taught to receive."""
    return in_two_steps(view, options) and not _all_receive(view, options)


def at_once(view: View, options: Options) -> bool:
    """Whether agents begin to receive and to send in one restart."""
    return is_dsr(options) and not in_two_steps(view, options)


def back(view: View, options: Options) -> bool:
    """Whether SNAT is wanted."""
    return options["mode"] == "snat"


def must_keep(view: View, options: Options) -> bool:
    """Whether agents on their way back to SNAT should go on understanding DSR until none sends it."""
    return (
        back(view, options) and _new_enough(view) and view.config_value("bpf-lb-mode", ABSENT) == "dsr"
        and all(agent.live("nodeport_mode") == "dsr" for agent in view.agents) and not all(map(annotated, view.agents))
        and not any(_annotation_refused(view))
    )


def configured_tunnel(view: View, version: str | None) -> str | None:
    """The tunnel protocol an agent of this version takes from cilium-config, None for native routing."""
    if within(version, None, "1.13"):
        tunnel = view.config_value("tunnel", {"tunnel": "vxlan"})
        return None if tunnel == "disabled" else tunnel
    if view.config_value("routing-mode", {"routing-mode": "tunnel"}) == "native":
        return None
    return view.config_value("tunnel-protocol", ABSENT)


def tunnels(view: View) -> dict[str, list[str]]:
    """Nodes by tunnel protocol, of agents that run a tunnel or would after a restart."""
    found: dict[str, list[str]] = {}
    for agent in view.read_agents:
        configured = configured_tunnel(view, agent.version)
        running = text(agent.live("tunnel_protocol")) or configured if agent.live("routing_mode") == "tunnel" else None
        for protocol in sorted({protocol for protocol in (running, configured) if protocol}):
            found.setdefault(protocol, []).append(agent.node)
    return found


def _tunnel(view: View, options: Options) -> Iterator[Finding]:
    for protocol, nodes in tunnels(view).items():
        if protocol == "geneve" and options["dispatch"] == "geneve":
            continue
        old = " Agents before 1.13 would fall back to SNAT silently." if view.agents_within(None, "1.12") else ""
        yield Finding(
            State.BLOCKED,
            f"Pods' packets travel in a {protocol} tunnel ({name_nodes(nodes)}), and DSR with dispatch "
            f"{options['dispatch']} does not work there.{old}",
            "Change to native routing: add native_routing to fastpath_tunings"
            + (", or set the options of dsr to {dispatch: geneve}." if protocol == "geneve" else ", or, with agents from "
               "1.14 on, change to a geneve tunnel with the options of dsr set to {dispatch: geneve}."),
            tuple(nodes), cured_by="native_routing",
        )


def _dispatch(view: View, options: Options) -> Iterator[Finding]:
    nodes = view.agents_within(None, "1.13")
    if options["dispatch"] == "geneve" and nodes:
        yield Finding(
            State.BLOCKED,
            f"Dispatch geneve is known to agents from 1.14 on, and {name_nodes(nodes)} run an older one.",
            "Use dispatch opt with native routing, or upgrade Cilium to 1.14 or later.",
            nodes,
        )


def _geneve_protocol(view: View, options: Options) -> Iterator[Finding]:
    nodes = view.agents_within("1.15")
    will_be_set = is_dsr(options) and within(view.chart, "1.15")
    if options["dispatch"] == "geneve" and nodes and view.config_value("tunnel-protocol", ABSENT) != "geneve" \
            and not will_be_set:
        yield Finding(
            State.BLOCKED,
            f"Agents from 1.15 on ({name_nodes(nodes)}) exit on dispatch geneve unless the tunnel protocol is geneve.",
            f"Set the Helm value tunnelProtocol to geneve (the chart is {view.chart}), then run again.",
            nodes,
        )


def _annotation_on_1_17(view: View, options: Options) -> Iterator[Finding]:
    nodes = view.agents_within("1.17", "1.17")
    if nodes and view.config_value("bpf-lb-mode-annotation", ABSENT) == "true" and options["dispatch"] != "ipip":
        yield Finding(
            State.BLOCKED,
            f"1.17 agents ({name_nodes(nodes)}) exit on bpf-lb-mode-annotation 'true' with dispatch {options['dispatch']}.",
            "Set bpf.lbModeAnnotation to false, or upgrade Cilium to 1.18.0 or later.",
            nodes,
        )


def _annotated_snat(view: View) -> Iterator[Finding]:
    """With the annotation on, agents check dispatch and tunnel as if they sent DSR themselves."""
    if view.config_value("bpf-lb-mode-annotation", ABSENT) == "true" and view.agents_within("1.17"):
        yield from _annotation_refused(view)


def _annotation_refused(view: View) -> Iterator[Finding]:
    """What agents would exit on with the annotation on, as cilium-config stands."""
    options = {"mode": "snat", "dispatch": view.config_value("bpf-lb-dsr-dispatch", ABSENT) or ""}
    for check in (_annotation_on_1_17, _geneve_protocol, _tunnel):
        yield from check(view, options)


def _ipip(view: View, options: Options) -> Iterator[Finding]:
    configured = view.config_value("bpf-lb-mode", ABSENT) in DSR_MODES
    running = tuple(agent.node for agent in view.read_agents if sends(agent) and agent.live("dsr_dispatch") == "ipip")
    if running or configured and view.config_value("bpf-lb-dsr-dispatch", ABSENT) == "ipip":
        yield Finding(
            State.BLOCKED,
            "DSR runs with dispatch ipip here, whose backends unwrap IPIP by themselves; with another dispatch they would "
            "be out of reach.",
            "Leave dsr out of fastpath_tunings, or take this cluster back to loadBalancer.mode snat first.",
            running,
        )


def _incompatible(view: View, options: Options) -> Iterator[Finding]:
    for key, since, until, what, way_out in (
        ("enable-ipsec", None, "1.15", "IPsec and BPF NodePort exclude each other up to 1.15",
         "Upgrade Cilium to 1.16 or later, or do without IPsec (encryption.enabled)."),
        ("enable-nat46x64-gateway", "1.18", None, "NAT46/NAT64 requires SNAT mode for services from 1.18 on",
         "Set nat46x64Gateway.enabled to false, or leave dsr out of fastpath_tunings."),
    ):
        nodes = view.agents_within(since, until)
        if nodes and view.config_value(key, {}) == "true":
            yield Finding(State.BLOCKED, f"{what}, and cilium-config has {key} 'true'.", way_out, nodes)


def _big_tcp(view: View, options: Options) -> Iterator[Finding]:
    """From 1.19 on dispatch geneve counts as a tunnel for BIG TCP, whatever the mode of the Services."""
    nodes = view.agents_within("1.19")
    keys = [key for key in ("enable-ipv4-big-tcp", "enable-ipv6-big-tcp") if view.config_value(key, {}) == "true"]
    if nodes and keys and options["dispatch"] == "geneve" and view.config_value("enable-tunnel-big-tcp", {}) != "true":
        yield Finding(
            State.BLOCKED,
            f"Agents from 1.19 on ({name_nodes(nodes)}) exit on dispatch geneve together with BIG TCP ({', '.join(keys)}).",
            "Use dispatch opt, or turn BIG TCP off (enableIPv4BIGTCP, enableIPv6BIGTCP), then run again.",
            nodes,
        )


def _reverse_path(view: View, options: Options) -> Iterator[Finding]:
    """Requests that come in by another device than that of direct routing, as the node's host says."""
    dropped = {agent.node: names for agent in view.agents if (names := devices.strict_reverse_path(view, agent))}
    for first in list(dropped)[:1]:
        yield Finding(
            State.BLOCKED, f"On {name_nodes(dropped)} the kernel drops requests that come in by {', '.join(dropped[first])} "
            "(rp_filter 1), since with DSR their way back is another one.",
            "Set net.ipv4.conf.<device>.rp_filter and net.ipv4.conf.all.rp_filter to 2 there (sysctl, and a file in "
            "/etc/sysctl.d), or name the device of direct routing alone in the Helm value devices.", tuple(dropped))


def _no_load_balancing(view: View) -> Iterator[Finding]:
    off = view.running("kube_proxy_replacement", "false", "disabled")
    if off and len(off) == len(view.agents):
        yield Finding(State.NOT_APPLICABLE, "Kube-proxy replacement is off on every agent, so Cilium does no SNAT here.")


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What the chart does not check and the agents exit on, or worse, take and do something else."""
    if not is_dsr(options):
        yield from _no_load_balancing(view)
        yield from _annotated_snat(view)
        return
    for check in (_dispatch, _tunnel, _geneve_protocol, _ipip, _annotation_on_1_17, _incompatible, _big_tcp, _reverse_path):
        yield from check(view, options)


def notes(view: View, options: Options) -> Iterator[str]:
    """What no fact here can tell, and the network around the nodes decides."""
    if not is_dsr(options):
        return
    prefixes = {str(node.get("provider_id") or "").partition("://")[0] for node in view.nodes or ()}
    for name in sorted(CLOUDS[prefix] for prefix in prefixes & CLOUDS.keys()):
        yield (f"The nodes are instances of {name}: its source and destination check must be off for every node, since "
               "replies leave with the address of the Service.")
        if options["dispatch"] == "opt":
            yield f"The fabric of {name} may drop packets with IP options; dispatch geneve does without."
    several = [agent.node for agent in view.read_agents
               if len(listing(agent.live("devices")) or ()) > 1 and devices.strict_reverse_path(view, agent) is None]
    if several:
        yield (f"Several devices take requests on {name_nodes(several)}: with net.ipv4.conf.*.rp_filter 1 only the one of "
               "the default route works; use 2.")


MODE = Want(
    {"loadBalancer.mode": Opt("mode"), "loadBalancer.dsrDispatch": Opt("dispatch")},
    {"bpf-lb-mode": Opt("mode"), "bpf-lb-dsr-dispatch": Opt("dispatch")},
)
# From 1.15 on agents ask for it under native routing too, where it changes nothing else.
GENEVE = Want({"tunnelProtocol": "geneve"}, {"tunnel-protocol": "geneve"}, since="1.15", when={"dispatch": ("geneve",)})
# Agents exit on hybrid together with the annotation.
NO_ANNOTATION = Want(
    {"bpf.lbModeAnnotation": False}, {"bpf-lb-mode-annotation": "false"}, since="1.17", when={"mode": ("hybrid",)})
ANNOTATE = Want({"bpf.lbModeAnnotation": True}, {"bpf-lb-mode-annotation": "true"}, since="1.17")
STILL_SNAT = Want(
    {"loadBalancer.mode": "snat", "loadBalancer.dsrDispatch": Opt("dispatch")},
    {"bpf-lb-mode": "snat", "bpf-lb-dsr-dispatch": Opt("dispatch")},
)
SNAT = Want({"loadBalancer.mode": "snat"}, {"bpf-lb-mode": "snat"})

RUNS_MODE = Live("nodeport_mode", Opt("mode"), config=("bpf-lb-mode",))
RUNS_DISPATCH = Live(
    "dsr_dispatch", Opt("dispatch"), since="1.15", config=("bpf-lb-dsr-dispatch",), certain_until="1.13")
SHOWS_ANNOTATION = Live("annotations", Has(ANNOTATION), config=("bpf-lb-mode-annotation",))

HANG = "Established connections through a changing node to backends on other nodes hang until they time out."

TUNING = Tuning(
    id="dsr",
    title="Direct server return",
    phase=Phase.LOAD_BALANCER,
    risk=Risk.CONNECTIONS_LOST,
    reason=f"Until the last agent has restarted, new connections through a changed node to a backend on an unchanged one "
           f"fail. {HANG}",
    undo="Put loadBalancer.mode and the values with it back and restart the agents; connections are lost in the same way.",
    needs=(
        Need("kube_proxy_replacement", when={"mode": DSR_MODES}),
        Need("native_routing", when={"mode": DSR_MODES, "dispatch": ("opt",)}),
    ),
    options=(
        Option("mode", ("dsr", "hybrid", "snat"), "dsr"),
        Option("dispatch", ("opt", "geneve"), "opt", refused={
            "ipip": "IPIP leaves the Service's address inside, so a backend must unwrap it by itself, which pods do not"}),
    ),
    absent=ABSENT,
    profiles={"latency": {}, "throughput": {}, "max": {}},
    stages=(
        Stage("receive", wants=(STILL_SNAT, GENEVE, ANNOTATE),
              live=(Live("nodeport_mode", "snat", config=("bpf-lb-mode",)), SHOWS_ANNOTATION),
              when=must_learn, risk=Risk.AGENT_RESTART,
              reason="Teaches every agent to understand DSR packets while all still send SNAT; connections stay.",
              undo="Put the former values back and restart the agents; connections stay, as none has sent DSR."),
        Stage("send", wants=(MODE, GENEVE), live=(RUNS_MODE, RUNS_DISPATCH), when=in_two_steps,
              reason=f"New connections keep working, as every agent already understands DSR. {HANG}",
              undo="Put loadBalancer.mode snat back with lbModeAnnotation kept on and restart the agents; new connections "
                   "keep working, established ones are reset."),
        Stage("switch", wants=(MODE, GENEVE, NO_ANNOTATION), live=(RUNS_MODE, RUNS_DISPATCH), when=at_once),
        Stage("keep", wants=(ANNOTATE,),
              live=(Live("nodeport_mode", "dsr", config=("bpf-lb-mode",)), SHOWS_ANNOTATION),
              when=must_keep, risk=Risk.AGENT_RESTART,
              reason="Lets every agent go on understanding DSR packets after it stops sending them; connections stay.",
              undo="Set bpf.lbModeAnnotation back and restart the agents; connections stay."),
        Stage("stop", wants=(SNAT,), live=(Live("nodeport_mode", "snat", config=("bpf-lb-mode",)),), when=back,
              reason="Established connections to backends on other nodes are reset. Until the last agent has restarted, new "
                     "connections through a node that still sends DSR to a backend on one that no longer understands it "
                     "fail; where the mode annotation is on, all still understand it.",
              undo="Put loadBalancer.mode back and restart the agents; established connections to other nodes hang."),
    ),
)
