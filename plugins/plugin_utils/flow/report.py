# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The report: what was found, what would be done, what was done. Plain ASCII text for a terminal and a file. Pure."""
from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_report, inventory
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.layout import (
    clean, fitting, heading, paragraph, table, wrapped)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.plan import to_acknowledge
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe import told
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.words import shown

WIDTH = 100
SHOWN_UNREAD = 20
OUTCOMES = {
    "in_line": "in line: nothing to do", "drift": "drift: there is something to do",
    "blocked": "blocked: nothing may be applied", "unknown": "unknown: not enough could be read, nothing may be applied",
    "failed": "failed: see the message", "rolled_back": "rolled back: the cluster is as it was before",
}
# How a run ended, as against what a plan has to do.
ENDS = {**OUTCOMES, "in_line": "in line", "drift": "drift: not all that is wanted is in place",
        "unknown": "unknown: see the message",
        "rolled_back": "rolled back: values, configuration and agents are as they were before"}
NODE_STATES = {
    "untouched": "untouched", "changed": "changed and verified", "rolled_back": "rolled back and verified",
    "unknown": "unknown: look at this node",
}


def render(facts: Any = None, verdicts: Any = None, plan: Any = None, result: Any = None, width: int = WIDTH,
           host_verdicts: Any = None) -> str:
    """The sections of what is given, one after another; every argument is a document of docs/design.md or None."""
    size = fitting(width)
    sections = [
        cluster(facts, size) if facts is not None else [],
        unread(facts, size) if facts is not None else [],
        audit(verdicts, size) if verdicts is not None else [],
        host_report.audit(host_verdicts, size),
        planned(plan, size, _judged(verdicts) | _judged(host_verdicts)) if plan is not None else [],
        ended(result, size) if result is not None else [],
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def cluster(facts: Any, width: int) -> list[str]:
    """The cluster this is about: name, identity, versions."""
    view = View(facts)
    found = read.mapping(view.facts.get("cluster")) or {}
    lines = heading("Cluster", f"uid {clean(found.get('uid')) or 'unknown'}", width)
    nodes = f"{len(view.nodes)} nodes" if view.nodes is not None else "nodes unread"
    lines += paragraph("API", f"{clean(found.get('server')) or 'unknown'}, Kubernetes "
                       f"{clean(found.get('version')) or 'unknown'}, {nodes}", width, 0)
    lines += paragraph("Cilium", _release(view), width, 0)
    lines += paragraph("Agents", _agents(view), width, 0)
    for label, sentence in zip(itertools.chain(["Hosts"], itertools.repeat("")), inventory.told(view)):
        lines += paragraph(label, sentence, width, 0)
    return lines


def _release(view: View) -> str:
    if view.release is None:
        return "no Helm release" if view.has_no_release else "Helm release unread"
    found = view.release
    owner = read.mapping(view.facts.get("owner")) or {}
    managed = "" if owner.get("kind") in ("helm", "none") else f", owned by {owner.get('kind') or 'nobody knows whom'} " \
        f"{owner.get('name') or ''}".rstrip()
    return (f"chart {found.get('chart')} {found.get('chart_version')}, release {found.get('namespace')}/{found.get('name')} "
            f"revision {found.get('revision')} ({found.get('status')}){managed}")


def _agents(view: View) -> str:
    versions: dict[str, list[str]] = {}
    for agent in view.agents:
        versions.setdefault(agent.version or "of unknown version", []).append(agent.node)
    desired = read.number((view.daemonset or {}).get("desired"))
    ready = sum(agent.ready is True for agent in view.agents)
    which = "; ".join(version if len(versions) == 1 else f"{version} on {read.name_nodes(nodes)}"
                      for version, nodes in sorted(versions.items()))
    total = "an unknown number" if desired is None else desired
    return f"{len(view.agents)} of {total}, {ready} ready, {len(view.read_agents)} answered{': ' if which else ''}{which}"


def unread(facts: Any, width: int) -> list[str]:
    """What could not be read, and why. Nothing where all was read."""
    entries = [entry for entry in map(read.mapping, read.listing(View(facts).facts.get("unread")) or []) if entry]
    if not entries:
        return []
    lines = heading("Could not be read", f"{len(entries)}", width)
    rows = [(entry.get("what"), entry.get("class"), entry.get("reason")) for entry in entries[:SHOWN_UNREAD]]
    lines += table([("SOURCE", "WHY", "REASON"), *rows], width)
    if len(entries) > SHOWN_UNREAD:
        lines.append(f"... and {len(entries) - SHOWN_UNREAD} more, see facts.json in the record")
    return lines


def audit(verdicts: Any, width: int) -> list[str]:
    """One row for each tuning, then why and the way out of those that are not OK."""
    found = [verdict for verdict in map(read.mapping, read.listing(verdicts) or []) if verdict]
    lines = heading("Audit", _count(found), width)
    rows = [(_name(verdict), verdict.get("state"), _now(verdict), _wanted(verdict)) for verdict in found]
    lines += table([("TUNING", "STATE", "NOW", "WANTED"), *rows], width) if rows else ["nothing was judged"]
    told: dict[str, str] = {}
    for verdict in found:
        lines += _details(verdict, width, told)
    if any(not verdict.get("selected") for verdict in found):
        lines += ["", *wrapped("* ", "not asked for by itself; judged because another tuning needs it", width)]
    return lines


def _count(verdicts: Iterable[Mapping]) -> str:
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[str(verdict.get("state"))] = counts.get(str(verdict.get("state")), 0) + 1
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))


def _name(verdict: Mapping) -> str:
    return f"{verdict.get('tuning')}{'' if verdict.get('selected') else ' *'}"


def _judged(verdicts: Any) -> set[str]:
    return {clean((read.mapping(verdict) or {}).get("tuning")) for verdict in read.listing(verdicts) or []}


def _details(verdict: Mapping, width: int, told: dict[str, str]) -> list[str]:
    """`told`: ways out that stand above, with the tuning where they do."""
    notes = read.listing(verdict.get("notes")) or []
    fine = verdict.get("state") == "OK"
    if fine and not notes and not verdict.get("left_out_nodes"):
        return []
    lines = ["", f"{clean(verdict.get('tuning'))}: {clean(verdict.get('state'))}"]
    if not fine:
        lines += paragraph("Why", verdict.get("reason"), width)
        way_out, name = clean(verdict.get("way_out")), clean(verdict.get("tuning"))
        lines += paragraph("Way out", f"see {told[way_out]} above" if way_out in told else way_out, width)
        if way_out:
            told.setdefault(way_out, name)
    lines += paragraph("Left out", _left_out_nodes(verdict), width)
    for note in notes:
        lines += paragraph("Note", note, width)
    return lines


def _left_out_nodes(verdict: Mapping) -> str:
    """Which nodes, for each reason."""
    reasons: dict[str, list[str]] = {}
    for node, why in (read.mapping(verdict.get("left_out_nodes")) or {}).items():
        reasons.setdefault(clean(why), []).append(str(node))
    return "; ".join(f"{read.name_nodes(nodes)}: {why}" for why, nodes in reasons.items())


def _now(verdict: Mapping) -> str:
    """What the agents run, with the number of agents for each where they differ; else what cilium-config says."""
    found = read.mapping(verdict.get("found")) or {}
    live = read.mapping(found.get("live")) or {}
    return ", ".join(part for values in live.values() if (part := _spread(read.mapping(values) or {}))) or _configured(found)


def _configured(place: Mapping) -> str:
    """What cilium-config says, of what no agent shows."""
    return ", ".join(shown(value) for value in (read.mapping(place.get("config")) or {}).values()) or "-"


def _spread(values: Mapping) -> str:
    sizes = {str(value): len(read.listing(nodes) or []) for value, nodes in values.items()}
    return next(iter(sizes)) if len(sizes) == 1 else " / ".join(f"{number}x {value}" for value, number in sizes.items())


def _wanted(verdict: Mapping) -> str:
    wanted = read.mapping(verdict.get("wanted")) or {}
    live = read.mapping(wanted.get("live")) or {}
    return ", ".join(shown(value) for value in live.values()) or _configured(wanted)


def planned(plan: Any, width: int, told: Collection[str] = ()) -> list[str]:
    """The steps with what they cost and how to get back, what is in the way, and how to go on.

    `told`: tunings whose reason and way out stand in the audit above.
    """
    found = read.mapping(plan) or {}
    lines = heading("Plan", OUTCOMES.get(str(found.get("outcome")), "not readable"), width)
    for entry in map(read.mapping, read.listing(found.get("blocked")) or []):
        lines += _blocked(entry or {}, width, told)
    lines += _left_out(found, width)
    lines += _patches(found, width)
    lines += host_report.planned(found, width)
    steps = [step for step in map(read.mapping, read.listing(found.get("steps")) or []) if step]
    for number, step in enumerate(steps, 1):
        lines += ["", *_step(number, len(steps), step, found.get("batch"), width)]
    if steps or found.get("host_order"):
        lines += ["", *wrapped("Digest  ", clean(found.get("digest")), width)]
    return lines + _acknowledgement(found, width)


def _blocked(entry: Mapping, width: int, told: Collection[str]) -> list[str]:
    name = clean(entry.get("tuning") or "cluster")
    if name in told:
        return [f"{name}: {clean(entry.get('state'))}, see above"]
    lines = ["", f"{name}: {clean(entry.get('state'))}"]
    return lines + paragraph("Why", entry.get("reason"), width) + paragraph("Way out", entry.get("way_out"), width)


def _patches(plan: Mapping, width: int) -> list[str]:
    """Where the release belongs to somebody else: that what to change there lies in the record."""
    names = [clean((read.mapping(entry) or {}).get("name")) for entry in read.listing(plan.get("patches")) or []]
    if not names:
        return []
    return wrapped("", f"What to change there lies in the record, a file for each step: {', '.join(f'{name}.yaml' for name in names)}",
                   width)


def _left_out(plan: Mapping, width: int) -> list[str]:
    """What of a profile is not done here; its verdict above says more."""
    entries = [entry for entry in map(read.mapping, read.listing(plan.get("left_out")) or []) if entry]
    if not entries:
        return []
    lines = wrapped("", f"Left out of the profile: {len(entries)}", width)
    nowhere = [entry for entry in entries if entry.get("state") == "UNKNOWN" and entry.get("applies") is False]
    if nowhere:
        lines += wrapped("  ", f"{', '.join(clean(entry.get('tuning')) for entry in nowhere)}: {clean(nowhere[0].get('reason'))}", width)
    for entry in entries:
        if entry in nowhere:
            continue
        lines += wrapped("  ", f"{clean(entry.get('tuning'))}: {clean(_why_left_out(entry))}", width)
    waiting = [clean(entry.get("tuning")) for entry in entries if _waits(entry)]
    if waiting:
        lines += ["To have all of them done that wait for your word, add", "",
                  f"    -e '{json.dumps({'fastpath_acknowledge': [*map(clean, to_acknowledge(plan)), *waiting]})}'"]
    return lines


def _waits(entry: Mapping) -> bool:
    return entry.get("state") == "DRIFT" and "fastpath_acknowledge" in str(entry.get("way_out"))


def _why_left_out(entry: Mapping) -> Any:
    if entry.get("state") != "DRIFT":
        return f"{entry.get('state')}, see above"
    return "judged only, see above" if entry.get("applies") is False else entry.get("way_out")


def _step(number: int, total: int, step: Mapping, batch: Any, width: int) -> list[str]:
    risk = clean(step.get("risk")).replace("_", " ")
    tunings = [clean(name) for name in read.listing(step.get("tunings")) or []]
    lines = wrapped("", f"Step {number} of {total}: {clean(step.get('id'))}  [risk: {risk}]", width)
    if len(tunings) > 1:
        lines += paragraph("For", ", ".join(tunings), width)
    lines += paragraph("Why", step.get("reason"), width)
    for label, changes in (("Set", _values(step)), ("Expect", _expected(step))):
        for change in changes:
            lines += paragraph(label, change, width)
            label = ""
    for config in _node_configs(step):
        lines += paragraph("Apart", config, width)
    lines += paragraph("First", _canary(step), width)
    nodes = [str(node) for node in read.listing(step.get("nodes")) or []]
    lines += paragraph("Restart", _order(nodes, batch), width)
    if step.get("pods") is True:
        lines += paragraph("Pods", "those that run now go on without it until they are created anew, which is yours to do: "
                           "kubectl rollout restart of their workloads, when it suits them", width)
    if step.get("reach") is True:
        lines += paragraph("Proof", "every agent must reach every node and its pods as before, by its own probes, else all goes back; a "
                           "larger fastpath_batch makes the time shorter in which they do not", width)
    return lines + paragraph("Undo", step.get("undo"), width)


def _node_configs(step: Mapping) -> Iterator[str]:
    """What single nodes are given over cilium-config, or no longer are."""
    nodes = read.mapping(step.get("own_nodes")) or {}
    for config in map(read.mapping, read.listing(step.get("node_configs")) or []):
        name, defaults = clean((config or {}).get("name")), read.mapping((config or {}).get("defaults")) or {}
        keys = ", ".join(f"{key} {shown(value)}" for key, value in defaults.items()) or "nothing any more, and is removed"
        yield f"CiliumNodeConfig {name} gives {read.name_nodes(read.listing(nodes.get(name)) or [])} {keys}"


def _canary(step: Mapping) -> str | None:
    """Who goes first; why nobody does, where it was asked for."""
    canary = read.mapping(step.get("canary"))
    if canary:
        return f"{read.name_nodes(read.listing(canary.get('nodes')) or [])} alone, and the others only if all is well there"
    return f"no node alone: {clean(step.get('no_canary'))}" if step.get("no_canary") else None


def _values(step: Mapping) -> Iterator[str]:
    former = read.mapping(step.get("former_values")) or {}
    for path, value in (read.mapping(step.get("values")) or {}).items():
        yield f"{path}: {shown(former.get(path))} -> {shown(value)}"
    kube_proxy = read.mapping(step.get("kube_proxy"))
    if kube_proxy:
        labels = ", ".join(f"{key}={value}" for key, value in (read.mapping(kube_proxy.get("node_selector")) or {}).items())
        yield f"node selector of DaemonSet {kube_proxy.get('namespace')}/{kube_proxy.get('name')}: also {labels}"
    elif not step.get("values") and not step.get("node_configs"):
        yield "no Helm value; cilium-config already says what is wanted"


def _expected(step: Mapping) -> Iterator[str]:
    expected = read.mapping(step.get("expect")) or {}
    if expected:
        who = "every agent that is not apart" if step.get("expect_nodes") else "every agent"
        yield f"{who} shows " + ", ".join(f"{key} {shown(value)}" for key, value in expected.items())


def _order(nodes: list[str], batch: Any) -> str:
    if not nodes:
        return "no agent"
    size = read.number(batch) or 1
    listed = ", ".join(clean(node) for node in nodes[:12])
    more = f" and {len(nodes) - 12} more" if len(nodes) > 12 else ""
    agents = "1 agent" if len(nodes) == 1 else f"{len(nodes)} agents, {size} at a time"
    return f"{agents}: {listed}{more}"


def _acknowledgement(plan: Mapping, width: int) -> list[str]:
    entries = [entry for entry in map(read.mapping, read.listing(plan.get("unacknowledged")) or []) if entry]
    if not entries:
        return []
    names = [clean(name) for name in to_acknowledge(plan)]
    risks = sorted({clean(entry.get("risk")).replace("_", " ") for entry in entries})
    lines = ["", *wrapped("", f"Not applied without your word: the risk is {', '.join(risks)}. To accept it, add", width)]
    return lines + ["", f"    -e '{json.dumps({'fastpath_acknowledge': names})}'"]


def ended(result: Any, width: int) -> list[str]:
    """How the run ended, and the state of every node."""
    found = read.mapping(result) or {}
    lines = heading("Result", f"run {clean(found.get('run_id'))}", width)
    lines += paragraph("Outcome", ENDS.get(str(found.get("outcome")), found.get("outcome")), width, 0)
    lines += paragraph("Message", found.get("message"), width, 0)
    for step in map(read.mapping, read.listing(found.get("steps")) or []):
        lines += paragraph("Step", _step_ended(step or {}), width, 0)
        lines += _on_hosts(step or {}, width)
    lines += host_report.ended(found, width)
    lines += told.lines(found.get("probes"), width)
    states = read.mapping(found.get("nodes")) or {}
    for state, words in NODE_STATES.items():
        nodes = [str(node) for node, value in states.items() if value == state]
        if nodes:
            lines += paragraph("Nodes", f"{len(nodes)} {words}: {read.name_nodes(nodes, 20)}", width, 0)
    return lines


def _on_hosts(step: Mapping, width: int) -> list[str]:
    """What hosts may have lost by a step, and what stays on them after it was taken back; nodes of one sentence together."""
    lines = []
    for label, kind in (("Lost", "lost"), ("Kept", "kept")):
        nodes: dict[str, list[str]] = {}
        for node, sentences in (read.mapping(step.get(kind)) or {}).items():
            for sentence in read.listing(sentences) or []:
                nodes.setdefault(clean(sentence), []).append(str(node))
        for sentence, names in nodes.items():
            lines += paragraph(label, f"on {read.name_nodes(names)}: {sentence}", width, 0)
    return lines


def _step_ended(step: Mapping) -> str:
    revision = f", revision {step['revision']}" if step.get("revision") is not None else ""
    return f"{step.get('id')}: {step.get('state')} (former revision {step.get('former_revision')}{revision})"
