# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""XDP acceleration: requests for a backend on another node are turned around in the NIC's driver, before the kernel's stack.

Why: a node that only passes requests on does so with a fraction of the CPU; latency falls and its capacity grows. Traffic
to pods of the node itself takes the usual way.
Cost: loading an XDP program makes many drivers set up their queues anew: the link pauses for up to some seconds, agent by
agent. Drivers switch hardware LRO off, so plain TCP to pods may cost more CPU. MTUs are limited (ENA 3498, bnxt about
3500), and some drivers need spare queues (ENA and virtio use twice as many).
Undo: the former acceleration, with the same pause of the link.
Refuse when: best-effort before 1.15; a tunnel up to 1.12, or one over IPv6 from 1.18 on; an egress gateway up to 1.12. Mode
native where a driver, MTU or queue count of a device, or of a port below it, does not allow it, since the agent would not
come up there; it stays unknown for nodes whose hosts are not in the inventory, until their agents show it. Mode best-effort
skips such devices, and has no meaning where there are no others.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/#loadbalancer-nodeport-xdp-acceleration
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _devices as devices
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Need, Option, Options, Phase, Residue, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

PATH, KEY = "loadBalancer.acceleration", "bpf-lb-acceleration"
ABSENT = {PATH: "disabled", KEY: "disabled"}
SHOWN_REASONS = 4
ACCELERATED = ("native", "best-effort")
CLOUDS = {
    "aws": "On AWS, ENA takes XDP only with an MTU of at most 3498 and at most half of its queues in use (ethtool -L).",
    "azure": "On Azure, XDP works with accelerated networking only; hv_netvsc hands the program to the virtual function.",
    "gce": "On Google Cloud, only newer drivers take XDP: gVNIC (gve) with a recent kernel, virtio with spare queues.",
}


def _all_native(view: View) -> bool:
    return bool(view.agents) and len(view.running("xdp_acceleration", "native")) == len(view.agents)


def adapt(view: View, options: Options) -> Options:
    """Best effort in place of what every agent does natively already would be a step back."""
    proved = _all_native(view) and view.config_value(KEY, ABSENT) == "native"
    return {**options, "mode": "native"} if proved and options["mode"] == "best-effort" else options


def _tunnel(view: View) -> Iterator[Finding]:
    nodes = view.agents_within(None, "1.12")
    if nodes and view.config_value("tunnel", {"tunnel": "vxlan"}) != "disabled":
        yield Finding(
            State.BLOCKED, f"Agents up to 1.12 ({name_nodes(nodes)}) exit on XDP acceleration together with a tunnel.",
            "Go over to native routing, or upgrade Cilium to 1.13 or later.", nodes, cured_by="native_routing")


def _egress_gateway(view: View) -> Iterator[Finding]:
    nodes = view.agents_within(None, "1.12")
    if nodes and view.config_value("enable-ipv4-egress-gateway", {}) == "true":
        yield Finding(
            State.BLOCKED,
            f"Agents up to 1.12 ({name_nodes(nodes)}) exit on XDP acceleration together with the egress gateway.",
            "Set egressGateway.enabled to false, or upgrade Cilium to 1.13 or later.", nodes)


def _underlay(view: View) -> Iterator[Finding]:
    nodes = view.agents_within("1.18")
    family = view.config_value("underlay-protocol", {"underlay-protocol": "ipv4"})
    if not nodes or view.config_value("routing-mode", {"routing-mode": "tunnel"}) == "native":
        return
    if family == "ipv6":
        yield Finding(
            State.BLOCKED, f"Agents from 1.18 on ({name_nodes(nodes)}) exit on XDP acceleration with a tunnel over IPv6.",
            "Set underlayProtocol to ipv4, go over to native routing, or leave xdp out.", nodes, cured_by="native_routing")
    elif family == "auto" and view.config_value("enable-ipv6", {}) == "true":
        yield Finding(
            State.UNKNOWN,
            f"With underlay-protocol auto it is not known whether the tunnel of {name_nodes(nodes)} goes over IPv6, with "
            "which agents exit on XDP acceleration.", "Set underlayProtocol to ipv4, then run again.", nodes,
            cured_by="native_routing")


def _drivers(view: View, options: Options) -> Iterator[Finding]:
    """Native mode asks of every device of every node that its driver takes the program; what runs it is proof enough."""
    if options["mode"] != "native":
        return
    proved = set(view.running("xdp_acceleration", "native"))
    answers = {agent.node: devices.native_xdp(view, agent) for agent in view.agents if agent.node not in proved}
    for why, nodes in _alike(answers, False).items():
        yield Finding(
            State.BLOCKED, f"Native XDP does not go on {name_nodes(nodes)}, where the agent would not come up. {' '.join(why)}",
            "Change what is named (MTU and queues with ip link and ethtool -L; a device below a VLAN or bond can be named in the "
            "Helm value devices); or ask for {mode: best-effort} (Cilium 1.15 or later), which leaves such devices out.",
            tuple(nodes), local=True)
    yield from _unknown(_alike(answers, None))


def _alike(answers: Mapping[str, devices.Answer], fits: bool | None) -> dict[tuple[str, ...], list[str]]:
    """Nodes with this answer, those with the same reasons together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for node, answer in answers.items():
        if answer.fits is fits:
            found.setdefault(answer.why, []).append(node)
    return found


def _unknown(alike: Mapping[tuple[str, ...], list[str]]) -> Iterator[Finding]:
    nodes = tuple(node for names in alike.values() for node in names)
    if not nodes:
        return
    reasons = " ".join(f"On {name_nodes(names)}: {' '.join(why)}" for why, names in list(alike.items())[:SHOWN_REASONS])
    yield Finding(
        State.UNKNOWN,
        f"Whether the driver of every device of {name_nodes(nodes)} takes native XDP at its MTU is not known, and where one does "
        f"not, the agent does not come up. {reasons}",
        "Put the nodes' hosts into the inventory, so that their devices are known; or ask for {mode: best-effort} (Cilium 1.15 or "
        "later); or compare ethtool -i of every device with the list in Cilium's documentation, try one node with a "
        "CiliumNodeConfig, and set loadBalancer.acceleration yourself.", nodes)


def _nowhere(view: View, options: Options) -> Iterator[Finding]:
    """Best effort where no device of any node takes it."""
    if options["mode"] == "best-effort" and view.agents and all(
            devices.some_native_xdp(view, agent) is False for agent in view.agents):
        first = view.agents[0]
        yield Finding(State.NOT_APPLICABLE, "No device that the agents use takes native XDP as it is, so best-effort would "
                      f"do nothing anywhere. On {first.node}: {' '.join(devices.native_xdp(view, first).why)}",
                      "Leave xdp out, or change what is named first.")


def _no_load_balancing(view: View) -> Iterator[Finding]:
    without = view.running("kube_proxy_replacement", "false", "disabled")
    if without and len(without) == len(view.agents):
        yield Finding(
            State.NOT_APPLICABLE, "Kube-proxy replacement is off on every agent, so there is nothing to accelerate.")


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What agents exit on, and what native mode would find out only when it is too late."""
    if options["mode"] == "disabled":
        yield from _no_load_balancing(view)
        return
    for check in (_tunnel, _egress_gateway, _underlay):
        yield from check(view)
    yield from _drivers(view, options)
    yield from _nowhere(view, options)


def _left_out(view: View) -> Iterator[str]:
    """Devices that best effort leaves out, by their hosts' facts."""
    answers = {agent.node: devices.native_xdp(view, agent) for agent in view.agents}
    for why, nodes in list(_alike(answers, False).items())[:SHOWN_REASONS]:
        yield f"Left out on {name_nodes(nodes)}: {' '.join(why)}"


def notes(view: View, options: Options) -> Iterator[str]:
    """What no fact here can tell: NICs, their MTU and queues, and which device took the program."""
    if options["mode"] == "disabled":
        return
    if any(view.host(agent.node) is None for agent in view.agents):
        yield ("XDP limits the MTU (ENA 3498, bnxt about 3500, others about one page), and needs spare queues on some NICs "
               "(ENA and virtio): check ip link and ethtool -l first.")
    if options["mode"] == "best-effort":
        yield from _left_out(view)
        yield "The status says best-effort even where no device took the program; bpftool net shows which did."
    prefixes = {str(node.get("provider_id") or "").partition("://")[0] for node in view.nodes or ()}
    yield from (CLOUDS[prefix] for prefix in sorted(prefixes & CLOUDS.keys()))
    wireguard = all(view.config_value(key, {}) == "true" for key in ("enable-wireguard", "encrypt-node"))
    if wireguard and view.agents_within("1.15"):
        yield "With WireGuard for nodes, requests that XDP sends on to a backend's node travel unencrypted."


def _stage(mode: str) -> Stage:
    return Stage(mode, (Want({PATH: mode}, {KEY: mode}),), (Live("xdp_acceleration", mode, config=(KEY,)),),
                 lambda _view, options: options["mode"] == mode)


TUNING = Tuning(
    id="xdp",
    title="XDP acceleration of load balancing",
    phase=Phase.LOAD_BALANCER,
    risk=Risk.NETWORK_BLIP,
    reason="Loading or removing an XDP program may reset a NIC's queues: the link of the node pauses for up to some "
           "seconds; connections stay.",
    undo="Put loadBalancer.acceleration back and restart the agents; links pause in the same way.",
    needs=(Need("kube_proxy_replacement", when={"mode": ACCELERATED}),),
    options=(Option("mode", ("best-effort", "native", "disabled"), "best-effort", since={"best-effort": "1.15"},
                    refused={"testing-only": "it is generic XDP, which is slower than none",
                             "generic": "it is slower than none"}),),
    absent=ABSENT,
    off={KEY: "disabled"},
    stages=tuple(map(_stage, ("native", "best-effort", "disabled"))),
    adapt=adapt,
    # Not for recommended, as links pause; not for throughput, as LRO goes and pods' own traffic gains nothing.
    residue=Residue(watched=("offloads.rx-gro-hw", "offloads.rx-lro", "xdp.attached")),
    disturbs=("irq_affinity", "jumbo_mtu"),
    profiles={"latency": {"mode": "best-effort"}, "max": {"mode": "best-effort"}},
)
