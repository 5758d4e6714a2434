# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From verdicts to ordered steps. Pure: nothing is read and nothing is written."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Catalogue, Entry, Live, OneOf, Risk, State, accepts, matches, plain)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import (
    canaries, compare, host_steps, obstacles, outcome, own, owners, patches)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.compare import Comparison, Wanted
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.host_steps import NO_HOSTS, Hosts
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.own import Own
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.parts import Apart, apart, dependents
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.placement import Placement, place
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Choice, Policy, must_be_acknowledged, of_cluster

SATISFIED = (State.OK, State.NOT_APPLICABLE)
# What of a plan its digest covers.
COVERED = ("cluster_uid", "steps", "hosts", "host_order", "basis")


@dataclass
class Draft:
    """A step in the making: what one tuning, or several at a time, change together.

    Drafts of one `kind` may be one step: whatever costs a restart only is restarted for once, and likewise what pods take on
    when they are created anew. What loses connections shares a step with its own phase's place only.
    """

    tunings: list[str]
    stages: list[str]
    risk: Risk
    reasons: list[str]
    undo: list[str]
    values: dict[str, Any]
    former: dict[str, Any]
    config: dict[str, Any]
    expect: dict[str, Any]
    nodes: set[str] = field(default_factory=set)
    kind: Any = None
    pods: bool = False
    own: Own = field(default_factory=Own)
    reach: bool = False
    after: tuple[str, ...] = ()
    besides: dict[str, Any] = field(default_factory=dict)
    residue: bool = False
    disturbs: tuple[str, ...] = ()

    @property
    def changes_agents(self) -> bool:
        """Whether it has to do with Cilium at all."""
        return bool(self.values or self.nodes or self.own.configs)

    def add(self, other: Draft) -> None:
        """Take in what another tuning changes at the same time."""
        for mine, theirs in ((self.tunings, other.tunings), (self.stages, other.stages), (self.reasons, other.reasons),
                             (self.undo, other.undo)):
            mine += [item for item in theirs if item not in mine]
        self.own = self.own.joined(self.expect, other.own, other.expect)
        for mine, theirs in ((self.values, other.values), (self.former, other.former), (self.config, other.config),
                             (self.expect, other.expect), (self.besides, other.besides)):
            mine.update(theirs)
        self.nodes |= other.nodes
        self.pods, self.reach = self.pods or other.pods, self.reach or other.reach
        self.residue = self.residue or other.residue
        self.disturbs = tuple(dict.fromkeys(self.disturbs + other.disturbs))
        self.risk = max(self.risk, other.risk)


def plan(facts: Any, verdicts: Iterable[Mapping[str, Any]], policy: Policy, acknowledged: Iterable[str] = (),
         batch: int = 1, catalogue: Catalogue | None = None, canary: int = 0, owner_apply: bool = False,
         hosts: Hosts = NO_HOSTS) -> dict[str, Any]:
    """The steps from what was found to what is wanted. Shape: docs/design.md, Plan. `canary`: so many nodes go first.

    Only a plan whose outcome is `drift` and whose `unacknowledged` is empty may be applied.
    """
    known = catalog.load() if catalogue is None else catalogue
    view, by_name = View(facts), {str(verdict.get("tuning")): verdict for verdict in verdicts}
    accepted, whole, policy = frozenset(acknowledged), policy, of_cluster(policy)
    separate, unaccepted = _walks(view, known, by_name, policy, accepted)
    # Told before steps are made of them: a step has the highest risk of all that is in it.
    unaccepted_risks = _unacknowledged(separate, accepted)
    drafts = group(separate, policy)
    blocked, left_out = outcome.held_back(by_name, policy, _reached)
    left_out += unaccepted
    steps = for_owner = [_step(number, draft, view) for number, draft in enumerate(drafts, 1)]
    if drafts:
        changes = [draft.values or draft.config for draft in drafts if draft.changes_agents or not draft.besides]
        in_the_way = obstacles.find(view, [change for change in changes if change], accepted, owner_apply)
        blocked = in_the_way + blocked
        steps = [] if in_the_way else steps
    steps = [{**step, **canaries.of(view, step, policy, canary)} for step in steps]
    own_hosts = host_steps.of(view, whole, accepted, hosts)
    blocked, left_out = blocked + own_hosts.blocked, left_out + own_hosts.left_out
    document = {"cluster_uid": _uid(view), "steps": steps, "hosts": own_hosts.steps, "host_order": own_hosts.order,
                "basis": {**basis(facts), "boots": own_hosts.boots}}
    return {
        "digest": digest(document), **document, "batch": batch, "host_batches": own_hosts.batches,
        "reboot_pending": own_hosts.pending,
        "outcome": outcome.outcome(blocked, left_out, [*steps, *own_hosts.order, *own_hosts.pending]),
        "blocked": blocked, "left_out": left_out, "patches": [] if steps else patches.patches(view, for_owner),
        "unacknowledged": (unaccepted_risks if steps else []) + own_hosts.unacknowledged, "acknowledged": sorted(accepted),
    }


def digest(document: Any) -> str:
    """`sha256:` and the hash of a document written in one canonical way."""
    written = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    return "sha256:" + hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


def basis(facts: Any) -> dict[str, Any]:
    """What of the facts a plan rests on; counters and times that change by themselves are left out."""
    view = View(facts)
    return {
        "revision": read.number((view.release or {}).get("revision")),
        "config_digest": digest([view.config, view.facts.get("node_configs")]),
        "agents": {agent.node: agent.version for agent in view.agents},
        "nodes": sorted((node["name"] for node in view.nodes or ()), key=read.natural),
    }


def _uid(view: View) -> str | None:
    return read.text((read.mapping(view.facts.get("cluster")) or {}).get("uid"))


def _walks(view: View, known: Catalogue, verdicts: Mapping[str, Mapping], policy: Policy, accepted: frozenset[str]
           ) -> tuple[dict[str, list[Draft]], list[dict[str, Any]]]:
    """The drafts of each tuning, and what of a profile is left out for want of an acknowledgement, or of what it needs."""
    found: dict[str, list[Draft]] = {}
    left_out = []
    for name, choice in policy.items():
        verdict = verdicts.get(name, {})
        # Of what is there only because another tuning needs it, nothing is done that this one does not need.
        if not _walked(verdict) or verdict.get("met") and not choice.selected:
            continue
        drafts = _walk(view, known, choice, verdicts, policy)
        for draft in drafts:
            draft.after = tuple(read.listing(verdict.get("rests_on")) or ())
        refusal = None if choice.named else _left_out(choice, drafts, accepted, {entry["tuning"] for entry in left_out})
        if refusal:
            left_out.append({"tuning": name, "state": str(State.DRIFT), "reason": refusal[0], "way_out": refusal[1]})
        else:
            found[name] = drafts
    return found, left_out


def _walked(verdict: Mapping) -> bool:
    return verdict.get("state") == State.DRIFT and verdict.get("applies") is not False


def _left_out(choice: Choice, drafts: Iterable[Draft], accepted: frozenset[str], without: set[str]) -> tuple[str, str] | None:
    name = choice.tuning.id
    risk = max((draft.risk for draft in drafts), default=Risk.NONE)
    if must_be_acknowledged(risk) and name not in accepted:
        return (f"It costs {risk.word.replace('_', ' ')}: {choice.tuning.reason}",
                f"Add {name} to fastpath_acknowledge to have it done.")
    needed = [need.tuning for need in choice.tuning.needs if matches(need.when, choice.options)]
    for other in [*needed, *(name for draft in drafts for name in draft.after)]:
        if other in without:
            return f"It needs {other}, which is left out.", f"See {other}."
    return None


def group(separate: Mapping[str, list[Draft]], policy: Policy) -> list[Draft]:
    """As few steps as there can be: each draft joins the first of its kind that comes no earlier than what it needs."""
    groups: list[Draft] = []
    last: dict[str, int] = {}
    for name, drafts in separate.items():
        needed = [last[need.tuning] for need in policy[name].tuning.needs
                  if need.tuning in last and matches(need.when, policy[name].options)]
        # These come in a step of their own: no agent may start with both at once.
        needed += [last[other] + 1 for draft in drafts for other in draft.after if other in last]
        place = max(needed, default=0)
        for draft in drafts:
            place = _join(groups, draft, place, bool(needed))
            # What comes after needs the agents to have changed, not what is changed beside them.
            if draft.changes_agents or name not in last:
                last[name] = place
            place += 1
    return groups


def _join(groups: list[Draft], draft: Draft, earliest: int, needing: bool) -> int:
    # What agents do by themselves once what it needs is there comes about in the very step that brings that.
    for place in range(earliest, len(groups)):
        by_itself = needing and not draft.values and not draft.own.configs and not draft.besides
        if groups[place].kind == draft.kind or by_itself:
            groups[place].add(draft)
            return place
    groups.append(draft)
    return len(groups) - 1


def _walk(view: View, known: Catalogue, choice: Choice, verdicts: Mapping[str, Mapping], policy: Policy) -> list[Draft]:
    """The stages of one tuning that are still to be gone, each resting on those before it.

    Nodes that are apart come with the first of them, so that no agent takes up what it is not to have.
    """
    where = place(view, known.get(choice.tuning.id) or Entry(choice.tuning, ""), choice, verdicts)
    main = view if where.main is None else view.apart(where.main)
    values: dict[str, Any] = {}
    config, drafts = dict(view.config or {}), []
    for stage in compare.stages(main, choice.tuning, choice.options) if choice.everywhere else ():
        draft = _draft(view, main, choice, stage, values, config, bool(drafts))
        if draft.values or draft.nodes or draft.besides:
            drafts.append(draft)
            values.update(draft.values)
            config.update(draft.config)
    return own_steps(view, choice, where, apart(view, choice, where, dependents(choice.tuning, known, policy)), drafts)


def own_steps(view: View, choice: Choice, where: Placement, changes: Apart, drafts: list[Draft]) -> list[Draft]:
    """The same drafts with what nodes apart take in the first of them, or one draft for that alone."""
    if not drafts and changes.differs:
        drafts = [_own_draft(view, choice, where)]
    for draft in drafts:
        draft.own = own.of(view, choice, where, changes, draft.expect)
    if drafts:
        drafts[0].nodes |= changes.nodes
        drafts[0].own.configs.update({config.name: config for config in changes.changed})
    return drafts


def _own_draft(view: View, choice: Choice, where: Placement) -> Draft:
    """Nothing but what nodes apart are to have changes, so the others need not even show it."""
    tuning = choice.tuning
    options = choice.options if choice.everywhere else next(part.options for part in where.parts)
    want = compare.stages(view, tuning, options or choice.options)[-1]
    return Draft(
        tunings=[tuning.id], stages=[want.stage.id], risk=tuning.risk, reasons=[tuning.reason], undo=[tuning.undo],
        values={}, former={}, config={}, expect=_expect(view, want, view.config or {}) if choice.everywhere else {},
        kind=_kind(view, choice, tuning.risk, want.stage.id), pods=tuning.pods, residue=tuning.residue is not None,
        disturbs=tuning.disturbs)


def _draft(whole: View, view: View, choice: Choice, want: Wanted, values: Mapping, config: Mapping, later: bool) -> Draft:
    """One stage. `values` and `config` are what the stages before it leave behind; `later`: there are such stages.

    `view`: those nodes of the `whole` cluster that follow the Helm values.
    """
    tuning, stage = choice.tuning, want.stage
    former = {path: values[path] if path in values else compare.found_value(view, path) for path in want.values}
    changed = {path: value for path, value in want.values.items() if not accepts(value, former[path])}
    found = compare.compare(view, want, tuning.absent)
    writes = later or bool(found.values or found.config)
    if not writes:
        # Values and configuration mean what is wanted: only agents that run something else are restarted.
        changed = {}
    moves = writes and (any(not accepts(value, config.get(key)) for key, value in want.config.items())
                        or any(path in want.template for path in changed))
    nodes = _to_restart(whole, found, moves, later)
    full = tuning.risk if stage.risk is None else stage.risk
    besides = {want.beside.part: dict(want.beside.document)} if want.beside else {}
    return Draft(
        tunings=[tuning.id], stages=[stage.id],
        risk=_risk(full, bool(nodes or besides), moves or bool(found.running or besides)),
        reasons=[stage.reason or tuning.reason], undo=[stage.undo or tuning.undo],
        values={path: plain(value) for path, value in changed.items()},
        former={path: former[path] for path in changed},
        config=_config(want, config, writes), expect=_expect(view, want, config), nodes=nodes,
        kind=_kind(view, choice, full, stage.id), pods=tuning.pods, reach=tuning.reach and bool(nodes),
        besides=besides, residue=tuning.residue is not None, disturbs=tuning.disturbs,
    )


def _kind(view: View, choice: Choice, full: Risk, stage: str) -> Any:
    """Drafts of an equal kind may be one step. A restart alone of what loses connections keeps to itself all the same: who
    reads the plan finds each such tuning in one place."""
    tuning = choice.tuning
    if must_be_acknowledged(full) or len(compare.stages(view, tuning, choice.options)) > 1:
        return (tuning.phase, stage)
    return "pods" if tuning.pods else "agents"


def _to_restart(view: View, found: Comparison, moves: bool, later: bool) -> set[str]:
    if moves:
        return {agent.node for agent in view.agents}
    return set() if later else {*found.running, *found.pending}


def _risk(full: Risk, restarts: bool, changes_running: bool) -> Risk:
    if not restarts:
        return Risk.NONE
    return full if changes_running else min(full, Risk.AGENT_RESTART)


def _config(want: Wanted, config: Mapping, writes: bool) -> dict[str, Any]:
    """What cilium-config must say after the step; where nothing is changed, what it says now."""
    return {key: plain(value) if writes and not accepts(value, config.get(key)) else config.get(key)
            for key, value in want.config.items()}


def _expect(view: View, want: Wanted, config: Mapping) -> dict[str, Any]:
    """What every agent must show: what all versions among them print."""
    return {live.key: _shown(view, want, config, live) for live in compare.shown_by_all(view, want)}


def _shown(view: View, want: Wanted, config: Mapping, live: Live) -> Any:
    """The wanted word; of several that will do, the one that agents show already, unless its configuration changes."""
    stays = all(accepts(want.config[key], config.get(key)) for key in live.config if key in want.config)
    shown = [agent.live(live.key) for agent in view.agents]
    alike = bool(shown) and shown.count(shown[0]) == len(shown)
    if isinstance(live.value, OneOf) and stays and alike and accepts(live.value, shown[0]):
        return shown[0]
    return plain(live.value)


def node_order(view: View, nodes: Iterable[str]) -> list[str]:
    """Workers first and the control plane last, each in natural order."""
    last = {node["name"] for node in view.nodes or () if node.get("control_plane") is not False}
    return sorted(nodes, key=lambda node: (node in last, read.natural(node)))


def _step(number: int, draft: Draft, view: View) -> dict[str, Any]:
    return {
        "id": f"{number}-{_name(draft)}", "tunings": draft.tunings,
        "stage": "+".join(draft.stages), "reason": " ".join(draft.reasons) + owners.remark(view), "risk": draft.risk.word,
        "undo": " ".join(draft.undo), "values": draft.values, "former_values": draft.former, "config": draft.config,
        "expect": draft.expect, "nodes": node_order(view, draft.nodes),
        "pods": draft.pods, "reach": draft.reach, "residue": draft.residue, "disturbs": list(draft.disturbs),
        **draft.own.document(view, draft.nodes), **draft.besides,
    }


def _name(draft: Draft) -> str:
    """Tunings and stages; of many, what they have in common."""
    if len(draft.tunings) > 2:
        return draft.kind if isinstance(draft.kind, str) else draft.stages[0]
    return "-".join([*draft.tunings, *draft.stages])


def _reached(verdict: Mapping, _choice: Choice) -> bool:
    return verdict.get("state") in SATISFIED or _walked(verdict)


def _unacknowledged(separate: Mapping[str, list[Draft]], accepted: frozenset[str]) -> list[dict[str, Any]]:
    """What each tuning costs by itself: one that comes in the step of another needs no word for what that one costs."""
    entries = {}
    for name, drafts in separate.items():
        for draft in drafts:
            if must_be_acknowledged(draft.risk) and name not in accepted and name not in entries:
                entries[name] = {"tuning": name, "risk": draft.risk.word, "reason": " ".join(draft.reasons)}
    return list(entries.values())


def to_acknowledge(document: Mapping) -> list[str]:
    """All of `fastpath_acknowledge` with which a plan may be applied: what stands there is not to be lost."""
    entries = filter(None, map(read.mapping, read.listing(document.get("unacknowledged")) or []))
    given = map(str, read.listing(document.get("acknowledged")) or [])
    return list(dict.fromkeys([*given, *(str(entry.get("tuning")) for entry in entries)]))


def refusal(document: Any) -> str | None:
    """Why a plan may not be applied, in one sentence; None when it may."""
    found = read.mapping(document) or {}
    if found.get("outcome") not in ("drift", "in_line"):
        held_back = (read.listing(found.get("blocked")) or []) + (read.listing(found.get("left_out")) or [])
        first = next((entry for entry in map(read.mapping, held_back) if entry), {})
        about = f"{first['tuning']}: " if first.get("tuning") else ""
        way_out = f" {first['way_out']}" if first.get("way_out") else ""
        return (f"Nothing may be applied ({found.get('outcome')}): {about}{first.get('reason') or 'the plan is not readable.'}"
                f"{way_out}")
    if found.get("unacknowledged"):
        names = to_acknowledge(found)
        return (f"The plan has risks that must be accepted by name: set fastpath_acknowledge to {json.dumps(names)} once you "
                "accept what the plan says of them.")
    return None


def stale(document: Any, facts: Any) -> str | None:
    """Why a plan does not fit the cluster as it is now, in one sentence; None when it fits."""
    found = read.mapping(document) or {}
    was, now = read.mapping(found.get("basis")) or {}, basis(facts)
    if found.get("digest") != digest({key: found.get(key) for key in COVERED}):
        return "The plan was changed after it was made: plan again."
    if found.get("cluster_uid") is None or found.get("cluster_uid") != _uid(View(facts)):
        return "The plan was made for another cluster: check the kubeconfig and its context, and plan again."
    for key, what in (("revision", "the Helm release has another revision"), ("config_digest", "cilium-config or a "
                      "CiliumNodeConfig changed"), ("nodes", "nodes came or went"), ("agents", "agents came, went or changed "
                      "their version")):
        if was.get(key) != now[key]:
            return f"The cluster changed after the plan was made ({what}): plan again."
    return host_steps.restarted(read.mapping(was.get("boots")) or {}, View(facts))
