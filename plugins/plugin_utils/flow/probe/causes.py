# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From a scope of failing pairs to what most likely causes it, and what to look at. Pure.

cause: {cause: kind, sentence, way_out, nodes: [..], pairs: int}. A kind is said only where the pattern points to it; what no
pattern fits is `unexplained`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.pairs import Pair
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.scopes import Scope

Cause = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """What is known besides the pairs. `sends`, `reads`: node -> whether its agent says that it sends, or understands,
    DSR (who does not say is not there); `strict`: node -> devices with rp_filter 1; `clouds`: the nodes' providers."""

    wanted: str | None = None
    dispatch: str = "opt"
    sends: dict[str, bool] = field(default_factory=dict)
    reads: dict[str, bool] = field(default_factory=dict)
    strict: dict[str, list[str]] = field(default_factory=dict)
    clouds: tuple[str, ...] = ()

    @property
    def dsr(self) -> bool:
        """Whether replies are to come straight from the backend's node."""
        return self.wanted in ("dsr", "hybrid")


def cause(kind: str, sentence: str, way_out: str, nodes: Iterable[str] = (), pairs: int = 0) -> Cause:
    """One cause, fit to be shown."""
    return {"cause": kind, "sentence": one_line(sentence, 600), "way_out": one_line(way_out, 600),
            "nodes": sorted(set(nodes), key=read.natural), "pairs": pairs}


def of_scope(scope: Scope, failed: Sequence[Pair], context: Context) -> Cause:
    """The cause of one scope. `failed`: its pairs."""
    states = {pair.state for pair in failed}
    if states == {"wrong_answer"}:
        found = _wrong_answer(failed)
    else:
        found = BY_KIND[scope.kind](scope, failed, context)
    return cause(*found[:3], found[3] if len(found) > 3 else nodes_of(failed), len(failed))  # type: ignore[misc]


def nodes_of(pairs: Iterable[Pair]) -> set[str]:
    """Every node of these pairs."""
    return {node for pair in pairs for node in (pair.entry, pair.backend)}


def what(scope: Scope) -> str:
    """The requests of a scope, in words."""
    words = [{"ipv4": "IPv4", "ipv6": "IPv6"}.get(scope.family or "", ""), (scope.protocol or "").upper()]
    return " ".join([*filter(None, words), "requests"])


def _wrong_answer(failed: Sequence[Pair]) -> tuple:
    others = sorted({pair.answered for pair in failed if pair.answered})
    if others:
        return ("wrong_backend", f"Another backend than the Service's own answered ({read.name_nodes(others)}): the "
                "entry's load "
                "balancing tables are stale.", "Restart the agents of these nodes and look at cilium-dbg service list "
                "there.",
                {pair.entry for pair in failed})
    return ("foreign_answer", "Something answers on the NodePorts that is no backend of the probe: a proxy, a firewall or "
            "another "
            "service on the way.", "See what listens on these ports, and that no proxy stands between client and nodes.")


def _everything(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    states = {pair.state for pair in failed}
    if states == {"refused"}:
        return ("not_served", "The nodes refuse every request: no one serves NodePorts on the addresses that were asked.",
                "See that Cilium (or kube-proxy) serves NodePorts on the device of these addresses: kubeProxyReplacement, "
                "devices, "
                "nodePort.addresses.")
    if states == {"reset"}:
        return ("service_broken", "Every connection is reset, also to backends on the node that was asked: the Services "
                "are broken, "
                "whatever the mode.", "Look at the backends' pods and at network policies that apply to them.")
    if any(pair.heard for pair in failed):
        return ("replies_lost", "Backends hear the requests and no answer arrives, not even from the node that was asked: "
                "replies "
                "are lost on the way to the client.", "See the route back to the client and firewalls that filter by "
                "connection.")
    return ("client_cut_off", "The client reaches no NodePort on any node, not even one with a local backend: a firewall "
            "or route "
            "between client and nodes, or a Service that works nowhere.",
            "Allow the NodePort range (30000-32767) from the client, or probe from hosts of group fastpath_clients that "
            "reach the nodes.")


def _remote(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    """Local backends answer, those of other nodes do not."""
    kind = what(scope)
    if not context.dsr:
        return ("between_nodes", f"{kind} reach backends on the node that was asked and none on other nodes: pods of other "
                "nodes "
                "are out of the nodes' reach, and it is not DSR.",
                "See routes and firewalls between nodes (cilium-health status), and the pods' MTU.")
    heard = [pair for pair in failed if isinstance(pair.heard, str)]
    cloud = f" ({', '.join(context.clouds)})" if context.clouds else ""
    if heard and any(pair.heard == pair.own for pair in heard):
        return ("source_dest_check", f"{kind} arrive at backends on other nodes with the client's address, and the replies "
                "are lost: "
                f"the fabric{cloud} drops packets whose source is not the sending node's (source/destination check, "
                "anti-spoofing).",
                "Turn the source and destination check off for every node (see tuning source_dest_check), or stay with "
                "mode snat.")
    if any(pair.heard is False for pair in failed):
        return _request_lost(kind, context)
    carried = "packets with IP options" if context.dispatch == "opt" else "Geneve packets (UDP 6081)"
    return ("fabric_drops_dsr", f"{kind} reach local backends, and none on other nodes: the fabric{cloud} drops DSR, which "
            "is either "
            f"{carried} to the backend or replies that carry another node's address (source/destination check).",
            "Turn the source and destination check off, "
            + ("or use dispatch geneve" if context.dispatch == "opt" else "and let UDP 6081 pass between nodes")
            + "; see on a backend's node with tcpdump whether the request arrives.")


def _request_lost(kind: str, context: Context) -> tuple:
    if context.dispatch == "geneve":
        return ("geneve_dropped", f"{kind} never arrive at backends on other nodes: Geneve packets are dropped between "
                "nodes.",
                "Let UDP 6081 pass between nodes, and see that every agent runs dispatch geneve.")
    return ("ip_options_dropped", f"{kind} never arrive at backends on other nodes, while local ones answer: the fabric "
            "drops "
            "packets with IP options, which dispatch opt puts on them.",
            "Let the routers forward IP options (switches often drop them by default), or use dispatch geneve.")


def _mixed(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    entries, backends = {pair.entry for pair in failed}, {pair.backend for pair in failed}
    return ("mixed_rollout", f"Entries that send DSR ({read.name_nodes(entries)}) do not reach backends on nodes whose "
            "agents do not "
            f"understand it ({read.name_nodes(backends)}): a roll-out that has not come to its end.",
            "Let the roll-out end, or restart the agents of these nodes.", backends)


def _reverse_path(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    backends = {pair.backend for pair in failed}
    devices = sorted({device for node in backends for device in context.strict.get(node, [])})
    return ("rp_filter", f"Requests that come from other nodes are lost on {read.name_nodes(backends)}, where rp_filter is "
            "1 on "
            f"{', '.join(devices)}: the kernel drops packets of the client that come by another device than its route.",
            "Set net.ipv4.conf.all.rp_filter and that of these devices to 2.", backends)


def _protocol(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    where = " to backends on other nodes" if scope.remote else ""
    if scope.family is not None:
        return _family(scope, failed, context)
    if scope.protocol == "udp":
        carries = scope.remote and context.dsr and context.dispatch == "opt"
        also = ", on every packet of which DSR puts its option" if carries else ""
        return ("udp_only", f"UDP{where} is lost while TCP works{also}: something on the way drops or polices UDP.",
                "Let UDP pass on the NodePort range and between nodes; with DSR, mode hybrid leaves UDP in SNAT.")
    if scope.remote and context.dsr:
        return ("stateful_path", "TCP to backends on other nodes fails while UDP works: a firewall that follows "
                "connections sees only "
                "one direction of them, since replies take another way.",
                "Take the stateful firewall out of the way between nodes and clients, or stay with mode snat.")
    return ("tcp_only", f"TCP{where} fails while UDP works: something on the way filters TCP.",
            "Look for a firewall or proxy that filters the NodePort range.")


def _family(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    name = "IPv6" if scope.family == "ipv6" else "IPv4"
    if scope.remote and context.dsr and context.dispatch == "opt":
        carrier = "destination options" if scope.family == "ipv6" else "IP options"
        return (f"{scope.family}_options_dropped", f"{what(scope)} to backends on other nodes are lost and the rest works: "
                "the fabric "
                f"drops {name} packets with {carrier}, which dispatch opt puts on them.",
                f"Let the routers forward {name} {carrier}, or use dispatch geneve.")
    where = "to backends on other nodes " if scope.remote else ""
    return (f"{scope.family}_broken", f"{what(scope)} {where}fail and the rest works: {name} is not routed, or not served.",
            f"See routes and firewalls for {name}, and that Cilium serves it (ipv4.enabled, ipv6.enabled).")


def _size(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    room = scope.room or 0
    if not scope.remote:
        return ("mtu_to_nodes", f"Small {what(scope)} pass, full ones do not, also to backends on the node that was asked: "
                "the path "
                "from the client to the nodes takes less than the client's MTU, and nobody tells it.",
                "Let ICMP (fragmentation needed, packet too big) pass, or lower the client's MTU.")
    if not context.dsr:
        return ("mtu_between_nodes", f"Small {what(scope)} pass, full ones to backends on other nodes do not ({room} bytes "
                "below the "
                "client's MTU still fail): the path between nodes takes less than their devices say.",
                "See the MTU of the network between nodes, and the tuning pod_mtu.")
    return ("mtu", f"Small {what(scope)} pass, full ones to backends on other nodes do not ({room} bytes below the "
            "client's MTU "
            "still fail): what DSR adds to them finds no room on the path between nodes.",
            "Raise the MTU between nodes by what DSR adds (8 bytes for IPv4 options, 24 for IPv6, 50 and more for Geneve), "
            "let ICMP "
            "pass, or lower the clients' MTU.")


def _node(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    return ("one_node", f"Nothing works through node {scope.node} nor to its backend, and all else works.",
            f"Look at node {scope.node}: its agent, its firewall, its network.", {str(scope.node)})


def _entry(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    if scope.remote:
        return ("one_entry_remote", f"Node {scope.node} serves its own backend and reaches none on other nodes: it "
                "forwards wrongly.",
                f"Look at the agent of {scope.node} (mode, dispatch, routes), and at what checks packets behind "
                "it.", {str(scope.node)})
    return ("one_entry", f"{what(scope)} through node {scope.node} fail whatever the backend, and all else works.",
            f"See the firewall of {scope.node}, and that its agent serves NodePorts on the address that was asked.",
            {str(scope.node)})


def _backend(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    if scope.remote:
        return ("one_backend_remote", f"The backend on {scope.node} answers its own node and no other: requests from other "
                "nodes, or "
                "the replies to them, are lost there.",
                f"Look at {scope.node}: rp_filter, its agent's mode and dispatch, its source and destination check.",
                {str(scope.node)})
    return ("one_backend", f"{what(scope)} to the backend on {scope.node} fail from everywhere, and all else works.",
            f"Look at the probe's pod on {scope.node} and at network policies there.", {str(scope.node)})


def _local(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    return ("local_backends", "Backends on the node that was asked do not answer, while those of other nodes do.",
            "Look at how nodes deliver to their own pods: host firewall, host routing, network policies.")


def _pair(scope: Scope, failed: Sequence[Pair], context: Context) -> tuple:
    return ("one_pair", f"Only {what(scope)} by {scope.node} fail: the path between these two nodes.",
            "Look at routes, rack switches and firewalls between them, and at both agents.")


BY_KIND: dict[str, Callable[[Scope, Sequence[Pair], Context], tuple]] = {
    "everything": _everything, "remote": _remote, "mixed": _mixed, "reverse_path": _reverse_path, "protocol": _protocol,
    "family": _family, "size": _size, "node": _node, "entry": _entry, "backend": _backend, "local": _local, "pair": _pair,
}
