# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must hold before the next step. Pure: compares facts from before a step with facts from after it."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.words import shown

HEALTH = ("ok", "warning", "failure")


def gate(before: Any, after: Any, step: Any = None, rolled: Any = None) -> list[str]:
    """Failures as sentences, none when the next step may be taken.

    `before` and `after` are facts; `step` is a step of a plan, None where only the cluster's health is asked for; `rolled` is
    what cilium_rollout returned as `nodes` in between.
    """
    was, now, wanted = View(before), View(after), read.mapping(step) or {}
    if not was.facts or not now.facts:
        return ["The facts from before or after the step are no facts document of schema 1."]
    failures = [*_same_cluster(was, now), *_nodes(was, now), *_agents(was, now, _starts(rolled)), *_settled(now)]
    failures += [*_config(now, wanted), *_node_configs(now, wanted), *_running(now, wanted), *_kube_proxy(now, wanted)]
    return failures


def _same_cluster(was: View, now: View) -> Iterator[str]:
    uids = [read.text((read.mapping(view.facts.get("cluster")) or {}).get("uid")) for view in (was, now)]
    if uids[0] is None or uids[0] != uids[1]:
        yield "The cluster is not provably the same as before the step."


def _nodes(was: View, now: View) -> Iterator[str]:
    if was.nodes is None or now.nodes is None:
        yield f"The nodes could not be read{now.why_unread('nodes')}."
        return
    ready = {node["name"]: node.get("ready") for node in now.nodes}
    for node in was.nodes:
        if node.get("ready") is True and ready.get(node["name"]) is not True:
            state = "not Ready" if node["name"] in ready else "gone"
            yield f"Node {one_line(node['name'], 80)} was Ready before the step and is {state}."


def _records(view: View) -> dict[str, list[Mapping]]:
    """Agents' records by node: there are two of a node while one replaces the other."""
    found: dict[str, list[Mapping]] = {}
    for record in map(read.mapping, read.listing(view.facts.get("agents")) or []):
        found.setdefault(read.text((record or {}).get("node")) or "(an agent without a node)", []).append(record or {})
    return found


def _starts(rolled: Any) -> dict[str, int]:
    """How often the containers of verified agents had started anew until they were; an agent may wait for something so."""
    found = {node: read.mapping(entry) or {} for node, entry in (read.mapping(rolled) or {}).items()}
    return {node: read.number(entry.get("restarts")) or 0 for node, entry in found.items()
            if entry.get("state") == "restarted_verified"}


def _agents(was: View, now: View, starts: Mapping[str, int]) -> Iterator[str]:
    before, after = _records(was), _records(now)
    if not before or not after:
        yield f"The agents could not be read{now.why_unread('agents')}."
    for node in sorted(before.keys() - after.keys(), key=read.natural):
        yield f"The agent of {one_line(node, 80)} is gone."
    for node in sorted(after, key=read.natural):
        for record in after[node]:
            for reason in _agent(record, before.get(node, []), starts.get(node, 0)):
                yield f"The agent of {one_line(node, 80)} {reason}."


def _agent(record: Mapping, before: list[Mapping], starts: int) -> Iterator[str]:
    if record.get("ready") is not True:
        waiting, said = read.text(record.get("waiting")), read.text(record.get("last_message"))
        more = ": ".join(one_line(part, 200) for part in (waiting, said) if part)
        yield f"is not Ready{f' ({more})' if more else ''}"
    former = next((entry for entry in before if entry.get("uid") == record.get("uid")), {})
    restarts = read.number(record.get("restarts"))
    if restarts is None:
        yield "does not say how often it restarted"
    elif restarts > max(read.number(former.get("restarts")) or 0, starts):
        yield f"restarted by itself ({restarts} restarts)"
    yield from _health(record, before)


def _health(record: Mapping, before: list[Mapping]) -> Iterator[str]:
    """Not worse than before: a warning that was there may stay."""
    health = _said(record)
    if health not in HEALTH:
        error = read.mapping(record.get("error")) or {}
        why = f" ({one_line(error.get('message') or error.get('class'), 200)})" if error else ""
        yield f"did not tell its health{why}"
        return
    former = [_said(entry) for entry in before]
    worst = max((HEALTH.index(entry) for entry in former if entry in HEALTH[:2]), default=0)
    if HEALTH.index(health) > worst:
        yield f"says {health} of its health"


def _said(record: Mapping) -> Any:
    return (read.mapping(record.get("status")) or {}).get("health")


def _settled(now: View) -> Iterator[str]:
    found = now.daemonset
    numbers = {key: read.number((found or {}).get(key)) for key in (
        "generation", "observed_generation", "desired", "updated", "ready")}
    if None in numbers.values():
        yield f"The DaemonSet of the agents could not be read{now.why_unread('daemonset')}."
        return
    if numbers["observed_generation"] != numbers["generation"]:
        yield "The DaemonSet's last change was not taken up yet."
    if not numbers["updated"] == numbers["ready"] == numbers["desired"]:
        yield "The DaemonSet has {updated} updated and {ready} ready agents of {desired}.".format(**numbers)


def _config(now: View, step: Mapping) -> Iterator[str]:
    wanted = read.mapping(step.get("config")) or {}
    if wanted and now.config is None:
        yield f"cilium-config could not be read{now.why_unread('config')}."
        return
    for key, value in wanted.items():
        found = (now.config or {}).get(key)
        if found != value:
            yield f"cilium-config has {one_line(key, 80)} {shown(found)}, expected {shown(value)}."


def _node_configs(now: View, step: Mapping) -> Iterator[str]:
    """CiliumNodeConfigs as the step wants them: one without anything to lay over may be gone by now."""
    there = {config.name: config for config in now.node_configs if config.ours}
    for wanted in map(read.mapping, read.listing(step.get("node_configs")) or []):
        name = str((wanted or {}).get("name"))
        found, (selector, defaults) = there.get(name), node_config_content(wanted or {})
        if (dict(found.defaults) if found else {}) != defaults or found and defaults and found.node_selector != selector:
            yield f"CiliumNodeConfig {one_line(name, 80)} is not as it was written."


def node_config_content(wanted: Mapping) -> tuple[Any, dict[str, str]]:
    """(node selector, defaults) of one that a step writes, or of an object as it was."""
    spec = read.mapping((read.mapping(wanted.get("object")) or {}).get("spec")) or {}
    selector = spec.get("nodeSelector", wanted.get("node_selector"))
    return selector, dict(read.strings(spec.get("defaults", wanted.get("defaults"))) or {})


def _running(now: View, step: Mapping) -> Iterator[str]:
    nodes = {name for name in read.listing(step.get("nodes")) or [] if isinstance(name, str)}
    expected, apart = read.mapping(step.get("expect")) or {}, read.mapping(step.get("expect_nodes")) or {}
    for agent in now.agents:
        if agent.node not in nodes:
            continue
        if agent.config_current is not True:
            proof = "started before the last change of cilium-config" if agent.config_current is False else (
                "is not proven to have started after the last change of cilium-config")
            yield f"The agent of {one_line(agent.node, 80)} {proof}."
        for key, value in (read.mapping(apart.get(agent.node, expected)) or {}).items():
            if not fits(agent.live(key), value):
                yield (f"The agent of {one_line(agent.node, 80)} runs {one_line(key, 80)} {shown(agent.live(key))}, expected "
                       f"{shown(value)}.")


def _kube_proxy(now: View, step: Mapping) -> Iterator[str]:
    if read.mapping(step.get("kube_proxy")) is None:
        return
    runs = now.kube_proxy_runs
    if runs is None:
        yield f"Whether kube-proxy still runs could not be read{now.why_unread('kube_proxy')}."
    elif runs:
        yield f"kube-proxy still runs ({one_line((now.kube_proxy or {}).get('evidence'), 120)})."


def fits(found: Any, expected: Any) -> bool:
    """Equal; where the status shows a list, everything expected must be in it."""
    if isinstance(found, list):
        return isinstance(expected, list) and all(item in found for item in expected)
    return found == expected
