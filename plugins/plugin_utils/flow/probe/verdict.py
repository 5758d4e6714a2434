# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a probe proves: the mode on the wire, what failed, and what causes it. Pure.

verdict: {passed: true|false|null (not proven), reason: sentence, wanted: mode|null,
          mode: "snat"|"dsr"|"hybrid"|"mixed"|"unknown", nodes: {node: {wire: mode, claims: mode|null}}, asked: int,
          failed: int, failures: [{entry, backend, protocol, family, room, state, client}] (at most 50), causes: [cause],
          connect_ms: null|{median, worst}}
"""
from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _devices as devices
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.cluster import dsr
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe import wire
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.causes import (
    Cause, Context, cause, nodes_of, of_scope)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.pairs import Pair, Probe, parse
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.scopes import Test, explain

SHOWN = 50
TOLD = ("entry", "backend", "protocol", "family", "room", "state", "client")


def judge(document: Any, facts: Any = None, wanted: str | None = None, annotated: bool = False) -> dict[str, Any]:
    """The verdict (see above). `facts` are those of the cluster at the time; `wanted` the mode that must be on the wire,
    None where it need only work; `annotated`: the probe's own Services ask for their mode, so what agents claim is not
    compared."""
    probe, view = parse(document), View(facts)
    context = Context(wanted, *_known(view), _strict(view), _clouds(view))
    if annotated:
        context = replace(context, sends=dict.fromkeys(context.sends, True))
    nodes = wire.of_nodes(probe)
    claims = {} if annotated else {agent.node: agent.live("nodeport_mode") for agent in view.read_agents}
    failed = [pair for pair in probe.pairs if pair.asked and not pair.reached]
    causes = [*_nothing(probe), *_unready(probe), *_failing(probe.pairs, context)]
    causes += _other_mode(probe, nodes, claims, wanted, causes)
    passed = _passed(probe, nodes, wanted, failed, causes)
    return {
        "passed": passed, "reason": _reason(probe, passed, wire.whole(nodes), failed, causes), "wanted": wanted,
        "mode": wire.whole(nodes),
        "nodes": {node: {"wire": mode, "claims": read.text(claims.get(node))} for node, mode in nodes.items()},
        "asked": sum(pair.asked for pair in probe.pairs), "failed": len(failed),
        "failures": [{key: getattr(pair, key) for key in TOLD} for pair in failed[:SHOWN]],
        "causes": causes, "connect_ms": _times(probe.pairs),
    }


def _known(view: View) -> tuple[str, dict[str, bool], dict[str, bool]]:
    """(dispatch, who sends DSR, who understands it), by the agents' own word."""
    said = [agent for agent in view.read_agents if agent.live("nodeport_mode") is not None]
    sends = {agent.node: dsr.sends(agent) for agent in said}
    dispatch = next((value for agent in said if (value := read.text(agent.live("dsr_dispatch")))), None)
    return (dispatch or view.config_value("bpf-lb-dsr-dispatch", dsr.ABSENT) or "opt", sends,
            {agent.node: sends[agent.node] or dsr.annotated(agent) for agent in said})


def _strict(view: View) -> dict[str, list[str]]:
    return {agent.node: names for agent in view.agents if (names := devices.strict_reverse_path(view, agent))}


def _clouds(view: View) -> tuple[str, ...]:
    prefixes = {str(node.get("provider_id") or "").partition("://")[0] for node in view.nodes or ()}
    return tuple(sorted(dsr.CLOUDS[prefix] for prefix in prefixes & dsr.CLOUDS.keys()))


def _nothing(probe: Probe) -> Iterator[Cause]:
    """Why nothing, or not all, was asked."""
    for client, why in probe.deaf.items():
        yield cause("client_failed", f"Client {client} could not ask: {why}", "Mend that, or probe from other clients "
                    "(fastpath_clients).")
    asked = [pair for pair in probe.pairs if pair.asked]
    if not asked and not probe.deaf and not probe.waiting:
        yield cause("not_asked", "No client asked anything, so nothing is proven.", "Name clients that reach the nodes: "
                    "hosts of group "
                    "fastpath_clients, or the machine that runs the playbook.")
    if asked and not any(pair.remote for pair in asked) and len(probe.backends) < 2:
        yield cause("one_backend_only", "There is one backend only, so no request went to another node, and the mode shows "
                    "nowhere.",
                    "A cluster of one node has no use for DSR.")


def _unready(probe: Probe) -> Iterator[Cause]:
    reasons: dict[str, list[str]] = {}
    for node, why in probe.waiting.items():
        reasons.setdefault(one_line(why, 300), []).append(node)
    for why, nodes in reasons.items():
        image = any(word in why for word in ("ImagePull", "ErrImage", "InvalidImage"))
        yield cause("image" if image else "backend_not_ready", f"The probe's backend is not ready on "
                    f"{read.name_nodes(nodes)}: {why}",
                    "Set fastpath_probe_image or fastpath_probe_registry to one that the nodes can pull, and "
                    "fastpath_probe_pull_secret "
                    "where it asks for one." if image else "Look at the pod's events there.", nodes)


def _failing(pairs: Sequence[Pair], context: Context) -> Iterator[Cause]:
    scopes, rest = explain(pairs, _special(context))
    for scope in scopes:
        yield of_scope(scope, [pairs[number] for number in sorted(scope.pairs)], context)
    if rest:
        left = [pairs[number] for number in sorted(rest)]
        names = [f"{pair.entry} -> {pair.backend} ({pair.protocol}, {pair.state})" for pair in left[:3]]
        yield cause("unexplained", f"{len(left)} requests failed without a pattern, such as {', '.join(names)}: packets "
                    "are lost now and "
                    "then, or several things are wrong at once.", "Probe again; look for loss on the nodes' "
                    "network.", nodes_of(left),
                    len(left))


def _special(context: Context) -> list[tuple[str, Test]]:
    """Scopes that what is known of the nodes suggests."""
    found: list[tuple[str, Test]] = []
    deaf = {node for node, understands in context.reads.items() if not understands}
    if deaf and any(context.sends.values()):
        found.append(("mixed", lambda pair: pair.remote and context.sends.get(pair.entry) is True and pair.backend in deaf))
    if context.dsr and context.strict:
        found.append(("reverse_path", lambda pair: pair.remote and pair.backend in context.strict))
    return found


def _other_mode(probe: Probe, nodes: dict[str, str], claims: dict[str, Any], wanted: str | None, before: Sequence[Cause]
                ) -> list[Cause]:
    """What works, and not as it should."""
    lying = [node for node, mode in nodes.items() if wire.UNKNOWN not in (mode, claims.get(node) or wire.UNKNOWN)
             and mode != claims[node]]
    others = [node for node in wire.differing(nodes, wanted) if node not in lying] if wanted else []
    found = [*_lying(lying, nodes, claims), *_others(others, nodes, wanted)]
    return found if found or before or not wanted else list(_hidden(probe, nodes))


def _lying(lying: list[str], nodes: dict[str, str], claims: dict[str, Any]) -> Iterator[Cause]:
    if lying:
        yield cause("status_differs", f"On {read.name_nodes(lying)} the wire shows another mode "
                    f"({', '.join(sorted({nodes[node] for node in lying}))}) than the agent claims "
                    f"({', '.join(sorted({str(claims[node]) for node in lying}))}).",
                    "The agent's programs are not those of its status: restart it, and see its log.", lying)


def _others(others: list[str], nodes: dict[str, str], wanted: str | None) -> Iterator[Cause]:
    modes = {nodes[node] for node in others}
    if others:
        kind = "mixed_modes" if len(others) < len(nodes) or modes == {wire.MIXED} else "other_mode"
        yield cause(kind, f"{read.name_nodes(others)} forward by {', '.join(sorted(modes))} on the wire, not by {wanted}.",
                    "See what these agents run (cilium-dbg status), and restart those that are older than the "
                    "change.", others)


def _hidden(probe: Probe, nodes: dict[str, str]) -> Iterator[Cause]:
    hidden = [node for node, mode in nodes.items() if mode == wire.UNKNOWN]
    if any(pair.reached and pair.remote and pair.entry in hidden and pair.room is None for pair in probe.pairs):
        yield cause("address_hidden", f"Backends saw an address that is neither the client's nor the entry's (by "
                    f"{read.name_nodes(hidden)}): something between translates addresses, so the mode cannot be told.",
                    "Probe from a client that reaches the nodes without address translation (fastpath_clients).", hidden)


def _passed(probe: Probe, nodes: dict[str, str], wanted: str | None, failed: Sequence[Pair], causes: Sequence[Cause]
            ) -> bool | None:
    if failed or (wanted and any(True for _node in wire.differing(nodes, wanted))):
        return False
    remote = [pair for pair in probe.pairs if pair.remote and pair.reached]
    proven = {pair.entry for pair in remote} & {pair.backend for pair in remote}
    if causes or not proven or set(probe.backends) - proven or (wanted and wire.whole(nodes) != wanted):
        return None
    return True


def _reason(probe: Probe, passed: bool | None, mode: str, failed: Sequence[Pair], causes: Sequence[Cause]) -> str:
    asked = sum(pair.asked for pair in probe.pairs)
    if passed:
        return f"All {asked} requests reached the right backend, and on the wire every node forwards by {mode}."
    told = " ".join(one["sentence"] for one in causes)
    if failed:
        return f"{len(failed)} of {asked} requests failed. {told}"
    return told or "Not every node was proven as entry and backend."


def _times(pairs: Sequence[Pair]) -> dict[str, float] | None:
    took = [pair.connect_ms for pair in pairs if pair.reached and pair.connect_ms is not None and pair.protocol == "tcp"]
    return {"median": round(statistics.median(took), 3), "worst": round(max(took), 3)} if took else None
