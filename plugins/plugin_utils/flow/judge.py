# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From facts and policy to verdicts. Pure: nothing is read and nothing is written."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, groups
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _meetings as meetings
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Catalogue, Entry, Finding, State, accepts, matches)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import NEWEST, View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import compare, gaps, limits, words
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.compare import Comparison, Wanted
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.parts import (
    Apart, OwnConfig, apart, dependents, part_view, variant)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.placement import (
    CANARY, EVERYWHERE, Part, Placement, config_name, place, unmet)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Choice, Policy, of_cluster

Verdict = dict[str, Any]
MOST_CHARACTERS = 2000
MET = (State.OK, State.NOT_APPLICABLE)


def judge(facts: Any, policy: Policy, catalogue: Catalogue | None = None) -> list[Verdict]:
    """One verdict for each of the policy's tunings of the cluster, in the order of application. Shape: docs/design.md, Verdicts.

    `facts` may be any document; what is not known in it makes a verdict UNKNOWN.
    """
    known = catalog.load() if catalogue is None else catalogue
    view, verdicts, mine = View(facts), {}, of_cluster(policy)
    for name, choice in mine.items():
        verdicts[name] = _verdict(view, known, choice, mine, verdicts)
    return list(verdicts.values())


def _verdict(view: View, known: Catalogue, choice: Choice, policy: Policy, verdicts: Mapping[str, Verdict]) -> Verdict:
    """What all nodes together come to: those that follow the Helm values, and those that are apart."""
    entry = known[choice.tuning.id]
    if next(gaps.foundation(view), None):
        return _Case(view, view, entry, choice, policy).verdict(verdicts)
    where = place(view, entry, choice, verdicts)
    if where.finding or where == EVERYWHERE and not _has_own(view, choice):
        case = _Case(view, view, entry, choice, policy)
        return case.document(where.finding or case.decide(verdicts))
    changes = apart(view, choice, where, dependents(choice.tuning, known, policy))
    return _Apart(view, entry, choice, policy, where, changes).verdict(verdicts)


def _has_own(view: View, choice: Choice) -> bool:
    """Whether a CiliumNodeConfig of ours is there that may be this tuning's."""
    return choice.tuning.off is not None and any(
        config.ours and config.name.startswith(config_name(choice.tuning.id)) for config in view.node_configs)


def _fit(sentence: str) -> str:
    """A sentence fit to be shown, although it quotes what stands in the cluster."""
    return one_line(sentence, MOST_CHARACTERS)


class _Apart:
    """One tuning on a cluster whose nodes are not all to be alike in it."""

    def __init__(self, view: View, entry: Entry, choice: Choice, policy: Policy, where: Placement, changes: Apart) -> None:
        self.where, self.apart, tuning = where, changes, choice.tuning
        main = view if where.main is None else view.apart(where.main)
        self.main = _Case(view, main, entry, choice, policy) if choice.everywhere else None
        self.groups = {
            part.name: _Case(view, part_view(view, part), entry, replace(choice, options=part.options), policy, part)
            for part in where.parts if part.options is not None}
        self.unmet = [] if self.main is None else list(unmet(where.parts, self.main.wanted_config(), tuning.off or {}))

    def verdict(self, verdicts: Mapping[str, Verdict]) -> Verdict:
        """The first part that is neither OK nor DRIFT decides; else whatever differs anywhere is DRIFT."""
        cases = [*([self.main] if self.main else []), *self.groups.values()]
        finding, findings = None, []
        for case in cases:
            found = case.decide(verdicts)
            if found.state not in (State.OK, State.DRIFT):
                finding = found
                break
            findings.append(found)
        document = cases[0].document(finding or next(iter(self.unmet), None) or self._together(findings))
        return {**document, **self._extras(cases)}

    def _together(self, findings: Sequence[Finding]) -> Finding:
        drifts = [finding for finding in findings if finding.state is State.DRIFT]
        if not drifts and not self.apart.differs:
            return replace(findings[0], reason=findings[0].reason.rstrip(".") + "".join(self._exempt()) + ".")
        sentences = [finding.reason for finding in drifts] + [_own_change(config) for config in self.apart.changed]
        nodes = {node for finding in drifts for node in finding.nodes} | self.apart.nodes
        if not sentences:
            sentences = [f"The agent on {read.name_nodes(self.apart.nodes)} does not run what its CiliumNodeConfig says, and "
                         "a restart would change it."]
        way_out = next((finding.way_out for finding in drifts if finding.way_out), None)
        return Finding(State.DRIFT, " ".join(sentences), way_out, tuple(sorted(nodes, key=read.natural)))

    def _exempt(self) -> Iterator[str]:
        for part in self.where.parts:
            yield (f"; {read.name_nodes(part.nodes)} {'is' if len(part.nodes) == 1 else 'are'} "
                   f"{'left out of it' if part.options is None else 'apart with options of a group'}")

    def _extras(self, cases: Sequence[_Case]) -> dict[str, Any]:
        pending = {node for case in cases for node in case.pending} | {
            node for state in self.apart.states for node in state.found.pending}
        return {
            "left_out_nodes": {node: _fit(why) for node, why in self.where.left_out.items()},
            "without": sorted(self.where.without, key=read.natural),
            "groups": [{"node_config": part.name, "nodes": list(part.nodes), "options": dict(part.options)}
                       for part in self.where.parts if part.options is not None],
            "restart_pending": sorted(pending, key=read.natural),
        }


def _own_change(config: OwnConfig) -> str:
    """What has to become of a CiliumNodeConfig, as a sentence."""
    if not config.defaults:
        return f"CiliumNodeConfig {config.name} ({read.name_nodes(config.nodes) or 'no node at present'}) is not needed."
    return (f"CiliumNodeConfig {config.name} is to give {read.name_nodes(config.nodes)} "
            f"{', '.join(f'{key} {value}' for key, value in config.defaults.items())}.")


class _Case:
    """One tuning on one cluster, or on those nodes of it that have the same options.

    `whole`: the cluster with all nodes. `part`: where it is a group's, which has no Helm values of its own.
    """

    def __init__(self, whole: View, view: View, entry: Entry, choice: Choice, policy: Policy, part: Part | None = None
                 ) -> None:
        self.whole, self.view, self.entry, self.choice, self.policy, self.part = whole, view, entry, choice, policy, part
        self.tuning, self.options = choice.tuning, choice.tuning.options_on(view, choice.options)
        self.open_findings = list(gaps.foundation(whole))
        self.rests_on: list[str] = []
        self.procedure = entry.procedure(view, self.options) if entry.procedure and not self.open_findings else None
        self.stages: list[Wanted] = []
        self.comparisons: list[Comparison] = []
        if not self.open_findings:
            self.stages = ([variant(view, self.tuning, choice.options)] if part else
                           compare.stages(view, self.tuning, choice.options))
            self.comparisons = [compare.compare(view, stage, self.tuning.absent) for stage in self.stages]

    @property
    def pending(self) -> set[str]:
        """Nodes that a restart would change."""
        return self.comparisons[-1].pending if self.comparisons else set()

    def verdict(self, verdicts: Mapping[str, Verdict]) -> Verdict:
        """The first finding that decides, in the order: what rules the tuning out, what is not known, what differs."""
        return self.document(self.decide(verdicts))

    def decide(self, verdicts: Mapping[str, Verdict]) -> Finding:
        """What this comes to. `verdicts`: those of what it needs."""
        if self.open_findings:
            return self.open_findings[0]
        refused = [finding for finding in self._refusals() if not self._cured(finding, verdicts)]
        needed = list(self._needs(verdicts))
        for finding in (
            *(finding for finding in (*refused, *needed) if finding.state is State.BLOCKED),
            *gaps.partial(self.whole), *refused, *needed, *(() if self._waiting(verdicts) else self._unclear()),
        ):
            return finding
        return self._futile(verdicts) or self._compared(verdicts)

    def _cured(self, finding: Finding, verdicts: Mapping[str, Verdict]) -> bool:
        """Whether another tuning of the policy will have taken this away before it is this one's turn.

        What was named does not rest on what only a profile brought in, since that may be left out.
        """
        other = verdicts.get(finding.cured_by or "")
        if other is None or not (self.policy[other["tuning"]].named or not self.choice.named):
            return False
        if other["state"] != State.DRIFT or not other["applies"]:
            return False
        if other["tuning"] not in self.rests_on:
            self.rests_on.append(other["tuning"])
        return True

    def _refusals(self) -> Iterator[Finding]:
        yield from limits.find(self.view, self.tuning, self.options)
        yield from self._conflicts()
        if self.entry.refusals is not None:
            yield from self.entry.refusals(self.view, self.options)
        yield from self._foreign_values()
        yield from self._overrides()

    def _conflicts(self) -> Iterator[Finding]:
        for conflict in self.tuning.conflicts:
            other = self.policy.get(conflict.tuning)
            if other and matches(conflict.when, self.options) and matches(conflict.theirs, other.options) \
                    and self.view.agents_within(conflict.since, conflict.until):
                yield Finding(State.BLOCKED, f"It does not go with {conflict.tuning} as it is wanted: {conflict.reason}",
                              f"Leave one of the two out of fastpath_tunings, or change the options of {conflict.tuning}.")

    def _foreign_values(self) -> Iterator[Finding]:
        """A value that cannot be set, or that extraConfig, where the tuning does not set it, would set beside the chart."""
        paths = {path for stage in self.stages for path in stage.values}
        for path in sorted(paths):
            obstacle = read.nested(self.view.values or {}, path)[1]
            if obstacle:
                yield Finding(State.BLOCKED, f"The Helm value {path} cannot be set: the release has something else than a "
                              f"mapping, or a masked value, at {obstacle}.", f"Correct {obstacle} in the release's values.")
        extra = read.mapping((self.view.values or {}).get("extraConfig")) or {}
        for key, value in self.wanted_config().items():
            if key in extra and f"extraConfig.{key}" not in paths and not accepts(value, extra[key]):
                yield Finding(State.BLOCKED, f"The release sets {key} through extraConfig as well, which the chart puts "
                              "beside its own.", f"Remove extraConfig.{key} from the release's values.")

    def _overrides(self) -> Iterator[Finding]:
        for override in self.view.overrides(self.wanted_config()):
            if override.ours and override.name != CANARY:
                continue
            if override.ours:
                yield Finding(State.BLOCKED, f"CiliumNodeConfig {CANARY} was left behind by a run that was killed.",
                              "Take that run back with rollback.yml first.", override.nodes)
            nodes = read.name_nodes(override.nodes) or "no node at present"
            if self._holds_back(override.key, override.value):
                yield Finding(
                    State.BLOCKED,
                    f"CiliumNodeConfig {override.name} sets {override.key} to {words.shown(override.value)} ({nodes}), "
                    "which wins over cilium-config there.",
                    f"Remove {override.key} from CiliumNodeConfig {override.name}, then run again.", override.nodes)

    def _holds_back(self, key: str, value: str) -> bool:
        """An override with the wanted value is harmless where nothing is to be changed; before a change it is in the way
        of the undo."""
        return self.comparisons[-1].differs or not accepts(self.wanted_config()[key], value)

    def wanted_config(self) -> dict[str, Any]:
        """The keys of cilium-config that it wants, in all stages."""
        return {key: value for stage in self.stages for key, value in stage.config.items()}

    def _needs(self, verdicts: Mapping[str, Verdict]) -> Iterator[Finding]:
        for need in self.tuning.needs:
            verdict = verdicts.get(need.tuning)
            if verdict and matches(need.when, self.options) and not self._will_be_met(verdict):
                state = State.UNKNOWN if verdict["state"] == State.UNKNOWN else State.BLOCKED
                yield Finding(state, f"It needs {need.tuning}, which is {verdict['state']}: {verdict['reason']}",
                              verdict["way_out"], tuple(verdict["nodes"]))

    def _waiting(self, verdicts: Mapping[str, Verdict]) -> list[str]:
        """Needed tunings that are still on their way: agents do not show what they do only after these."""
        return [need.tuning for need in self.tuning.needs if matches(need.when, self.options)
                and not verdicts.get(need.tuning, {"met": True})["met"]]

    def _will_be_met(self, verdict: Verdict) -> bool:
        """A need that has no meaning here (masquerading that is off) asks for nothing."""
        return verdict["met"] or verdict["state"] == State.DRIFT and verdict["applies"]

    def _unclear(self) -> Iterator[Finding]:
        for reason, nodes in self.comparisons[-1].unclear.items():
            yield Finding(State.UNKNOWN, f"What the agent on {read.name_nodes(nodes)} runs is not known: {reason}.",
                          "See what `cilium-dbg status --verbose` says there.", tuple(nodes))

    def _futile(self, verdicts: Mapping[str, Verdict]) -> Finding | None:
        """Agents that started with what is wanted and run something else: another restart would change nothing.

        While a needed tuning is still on its way, that may be why.
        """
        if self.tuning.left_off is None:
            return None
        last = self.comparisons[-1]
        elsewhere = {node for override in self.view.overrides(self.wanted_config()) for node in override.nodes}
        current = {agent.node for agent in self.view.agents if agent.config_current is True} - elsewhere
        nodes = sorted(last.running.keys() & current, key=read.natural)
        if not nodes or last.config or self._waiting(verdicts):
            return None
        return Finding(
            State.BLOCKED, f"The agent on {read.name_nodes(nodes)} started with this configuration and does something else all "
            f"the same: {words.differences(self.view, self.stages[-1], last)} Agents do so {self.tuning.left_off}.",
            "Its log says why: kubectl logs of its pod, level warning; a restart alone would change nothing.", tuple(nodes))

    def _compared(self, verdicts: Mapping[str, Verdict]) -> Finding:
        last = self.comparisons[-1]
        edited = [key for key in self.view.live_edits if key in self.wanted_config() or last.differs]
        if edited:
            return self._edited(edited)
        if last.differs:
            return Finding(State.DRIFT, words.differences(self.view, self.stages[-1], last),
                           self.procedure or self.tuning.way_out,
                           tuple(sorted({*last.running, *last.pending}, key=read.natural)), met=not last.cilium_differs)
        if last.unclear:
            nodes = sorted({node for names in last.unclear.values() for node in names}, key=read.natural)
            needed = ", ".join(self._waiting(verdicts))
            return Finding(State.DRIFT, f"No agent shows it before {needed} is in place.", nodes=tuple(nodes))
        return Finding(State.OK, "Helm values, cilium-config and all running agents agree."
                       if self.view.release else "cilium-config and all running agents agree.")

    def _edited(self, keys: list[str]) -> Finding:
        return Finding(
            State.BLOCKED,
            f"cilium-config was changed by hand after the last Helm upgrade ({words.keys(keys)}); the next upgrade would "
            "revert that.",
            "Put what you want to keep into the release's values, or put cilium-config back as the release has it (helm get "
            "manifest shows it), then run again.",
        )

    def document(self, finding: Finding) -> Verdict:
        """The verdict. Shape: docs/design.md, Verdicts."""
        tuning = self.tuning
        decided = finding.state in (State.OK, State.DRIFT)
        return {
            "tuning": tuning.id, "title": tuning.title, "selected": self.choice.selected,
            "applies": tuning.applies and self.procedure is None, "met": finding.state in MET or finding.met,
            "state": str(finding.state), "reason": _fit(finding.reason), "way_out": finding.way_out and _fit(finding.way_out),
            "options": dict(self.choice.options),
            "stage": self._stage() if decided and finding.state is not State.OK else None,
            "wanted": self.stages[-1].document() if self.stages else {"values": {}, "config": {}, "live": {}},
            "found": self._found(),
            "restart_pending": sorted(self.comparisons[-1].pending, key=read.natural) if self.comparisons else [],
            "nodes": list(finding.nodes), "rests_on": list(self.rests_on),
            "notes": [_fit(note) for note in self._notes(finding.state)],
            "left_out_nodes": {}, "without": [], "groups": [],
        }

    def _stage(self) -> str | None:
        for stage, comparison in zip(self.stages, self.comparisons):
            if comparison.differs:
                return stage.stage.id
        # What differs are the nodes apart.
        return self.stages[-1].stage.id if self.stages else None

    def _found(self) -> dict[str, Any]:
        if not self.stages:
            return {"values": {}, "config": {}, "live": {}}
        last = self.stages[-1]
        return {
            "values": {path: compare.found_value(self.view, path) for path in last.values},
            "config": {key: (self.view.config or {}).get(key) for key in last.config},
            "live": {live.key: self._running(live.key) for live in last.printed},
        }

    def _running(self, key: str) -> dict[str, list[str]]:
        lines = [live for live in self.stages[-1].printed if live.key == key]
        found: dict[str, list[str]] = {}
        for agent in self.view.agents:
            if any(compare.speaks(agent, live) for live in lines):
                found.setdefault(words.running(agent, key), []).append(agent.node)
        return found

    def _notes(self, state: State) -> list[str]:
        """What is worth knowing besides; nothing of it where the tuning does not apply."""
        if not self.stages or state is State.NOT_APPLICABLE:
            return []
        notes = list(self.entry.notes(self.view, self.options)) if self.entry.notes else []
        notes += meetings.notes(self.view, self.tuning.id, self.options)
        notes += groups.without_nodes(self.whole, self.choice.groups)
        if state is State.OK and self.view.live_edits:
            notes.append(f"Other keys of cilium-config were changed by hand ({words.keys(self.view.live_edits)}); a Helm "
                         "upgrade would revert them.")
        if self.view.newer:
            notes.append(f"Cilium {self.view.newer} is newer than what is known here (up to {NEWEST}); it is judged as {NEWEST} "
                         "would be.")
        return notes + list(self._older_than_config())

    def _older_than_config(self) -> Iterator[str]:
        nodes = [agent.node for agent in self.view.agents if agent.config_current is False]
        if nodes and self.tuning.applies:
            yield (f"The agent on {read.name_nodes(nodes)} started before the last change of cilium-config; any restart there "
                   "takes in all of that change.")
