# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What takes one step of a recorded run back, or why it may not be taken back. Pure: nothing is read or written."""
from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_values import same, with_changes
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import KubeError
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import undo_own

# The tuning by which Cilium serves Services in kube-proxy's place.
REPLACEMENT = "kube_proxy_replacement"
REPLACEMENT_KEY = "kube-proxy-replacement"
# How Helm describes its rollback, and cilium_values a way back with a hold.
COPY = re.compile(r"(?:\bback to revision |\ARollback to )(\d{1,9})\b")


def way_back(run_id: str, record: Mapping[str, Any], entry: Mapping[str, Any], facts: Any) -> dict[str, Any]:
    """{revision: int|None (None: values need no change), current: int|None, nodes: [..], spared: [..], config: {..},
    expect: {..}, node_configs: [{name, state, object}], renew: [..], expect_nodes: {node: {..}}, reached: [kinds], before: facts,
    chart_config: None|{name, namespace, release_name} (where the run changed a HelmChartConfig), former_values: {..},
    kube_proxy: None|{name, namespace, node_selector, former}}

    `record` is what a run's record loads as, `entry` one of its `undo` entries, `facts` are those of now. `nodes` are the
    agents that may run the step's configuration, `spared` those of the step that have not started since before it; `config`,
    `expect` and (of nodes apart) `expect_nodes` say what cilium-config and they must show after; `renew` are those whose
    CiliumNodeConfig is put back as `node_configs` have it; `reached` are the ways between nodes that must work again; `before`
    is what the gate after the way back compares with. `kube_proxy` is what the step kept off the nodes: it comes back before anything else.
    """
    before, view = View(record.get("facts")), View(facts)
    current, former = (read.number(value) for value in ((view.release or {}).get("revision"), entry.get("former_revision")))
    way = {"revision": None, "current": current, "nodes": [], "spared": [], "config": {}, "expect": {}, "reached": [],
           **undo_own.NOTHING, "before": baseline(before, view), "chart_config": None, "former_values": {}}
    step = _step(record, entry)
    way["kube_proxy"] = read.mapping(step.get("kube_proxy"))
    if not _changed_values(step) and not undo_own.planned(step):
        return way
    earlier, nodes = _earlier(record, entry), _nodes(before, entry, view, step)
    apart = list(read.mapping(step.get("expect_nodes")) or {})
    return {
        **way,
        "revision": None if current == former or not _changed_values(step) else former,
        "chart_config": _chart_config(before) if _changed_values(step) else None,
        "former_values": dict(read.mapping(step.get("former_values")) or {}),
        "nodes": nodes,
        "spared": sorted({agent.node for agent in view.agents} & set(_planned(entry)) - set(nodes), key=read.natural),
        "config": _former_config(before, entry, earlier, step) if _changed_values(step) else {},
        "expect": _expect(before, earlier, step, None, apart),
        "expect_nodes": {node: _expect(before, earlier, step, node, ()) for node in apart if node in nodes},
        "node_configs": undo_own.former(entry), "renew": undo_own.renewed(step, view, nodes),
        "reached": read.listing(entry.get("reached")) or [],
    }


def refusal(run_id: str, record: Mapping[str, Any], entry: Mapping[str, Any], facts: Any) -> str | None:
    """Why the step may not be taken back, in one sentence; None when it may."""
    was, now = View(record.get("facts")), View(facts)
    if other_cluster(run_id, was, now):
        return other_cluster(run_id, was, now)
    if now.release is None:
        return f"The Helm release could not be read{now.why_unread('release')}: the run is not taken back."
    step = _step(record, entry)
    if undo_own.planned(step):
        edited = undo_own.refusal(run_id, step, entry, now)
        if edited or not _changed_values(step):
            return edited
    if not _changed_values(step):
        return _refused_restart(was, entry, now)
    resting = undo_own.resting(_steps(record), was, now) or _services(record, step, was, now)
    if resting:
        return f"Step {one_line(entry.get('id'), 80)} is not taken back: {resting}"
    if _chart_config(was) or _is_ours(run_id, record, entry, now):
        # Whether a HelmChartConfig is as the run left it is seen by the module that puts it back.
        return None
    current, former = now.release.get("revision"), entry.get("former_revision")
    return (f"The release is at revision {current} ({one_line(now.release.get('description'), 120)}), which run {run_id} did "
            f"not make; somebody else's change is kept. To go back all the same: helm rollback to revision {former}.")


def other_cluster(run_id: str, was: View, now: View) -> str | None:
    """Why a run is not taken back here: it was about another cluster."""
    if _uid(was) is None or _uid(was) != _uid(now):
        return f"Run {run_id} changed another cluster than this one: check the kubeconfig and its context."
    return None


def _chart_config(before: View) -> dict[str, Any] | None:
    """The HelmChartConfig that the run changed values in; None where it used Helm."""
    owner = read.mapping(before.facts.get("owner")) or {}
    if owner.get("kind") != "k3s_helm_chart":
        return None
    release = read.mapping(owner.get("release")) or {}
    return {"name": owner.get("name"), "namespace": owner.get("namespace"), "release_name": release.get("name")}


def _services(record: Mapping[str, Any], step: Mapping[str, Any], was: View, now: View) -> str | None:
    """Why Cilium has to go on serving Services: kube-proxy, which did before, is not there, and this run does not bring it
    back. Neither values nor revision tell that another run keeps it off."""
    standing = [_step(record, entry) for entry in map(read.mapping, read.listing(record.get("undo")) or []) if entry]
    if REPLACEMENT not in (read.listing(step.get("tunings")) or []) or was.kube_proxy_runs is False:
        return None
    if now.kube_proxy_runs is True or any(read.mapping(other.get("kube_proxy")) for other in standing):
        return None
    if now.kube_proxy_runs is None:
        return f"whether kube-proxy runs could not be read{now.why_unread('kube_proxy')}, so Cilium goes on serving Services."
    return ("nobody else serves Services, since kube-proxy does not run any more. Take back the run that keeps it off, or "
            "let it come back yourself, then run this again.")


def _refused_restart(was: View, entry: Mapping[str, Any], now: View) -> str | None:
    """An agent that only started anew cannot run again what stands nowhere any more."""
    moved = [node for node in read.listing(entry.get("nodes")) or [] if node in _lives(now).keys() - _unmoved(was, now)]
    if not moved:
        return None
    return (f"Step {one_line(entry.get('id'), 80)} changed no value, it restarted agents ({read.name_nodes(moved)}) into what "
            "cilium-config says; what they ran before stands nowhere any more. To go back, select the former options with "
            "tune.yml, or take back the run that changed the values.")


def baseline(before: View, now: View) -> dict[str, Any]:
    """The cluster of now, with those nodes of before that are still part of it: they are what must not be lost."""
    there = None if now.nodes is None else {node["name"] for node in now.nodes}
    return {**now.facts, "nodes": None if there is None else [dict(node) for node in before.nodes or () if node["name"] in there]}


def _is_ours(run_id: str, record: Mapping[str, Any], entry: Mapping[str, Any], now: View) -> bool:
    """Whether the release's revision is what there was before, what this run made of it, or on the way between."""
    release, former = now.release or {}, entry.get("former_revision")
    if former in (release.get("revision"), _source(now)) or run_id in _description(now):
        return True
    # Helm words these by itself: a revision that it did not bring to its end, and a copy of a former one.
    wordless = release.get("status") != "deployed" or _source(now) is not None
    before = View(record.get("facts"))
    same_chart = (before.release or {}).get("chart_version") == release.get("chart_version")
    return wordless and same_chart and any(_same(now.values, values) for values in _known_values(record, entry, before))


def _known_values(record: Mapping[str, Any], entry: Mapping[str, Any], before: View) -> Iterator[Mapping[str, Any] | None]:
    """The user's values before this step, and after it."""
    values: Any = before.values
    for step in _steps(record):
        changes, mine = read.mapping(step.get("values")) or {}, step.get("id") == entry.get("id")
        if mine:
            yield values
        try:
            values = None if values is None else with_changes(dict(values), dict(changes))
        except KubeError:  # a path that does not fit these values, so nobody set it
            values = None
        if mine:
            yield values
            return


def _same(found: Mapping[str, Any] | None, known: Mapping[str, Any] | None) -> bool:
    """Equal but for a hold, which replaces the update strategy."""
    if found is None or known is None:
        return False
    held = (read.mapping(found.get("updateStrategy")) or {}).get("type") == "OnDelete"
    one, other = ({key: value for key, value in values.items() if not held or key != "updateStrategy"} for values in (found, known))
    return same(one, other)


def _description(view: View) -> str:
    return str((view.release or {}).get("description") or "")


def _source(view: View) -> int | None:
    """The revision whose copy, by Helm or by us with a hold, the release is."""
    found = COPY.search(_description(view))
    return int(found.group(1)) if found else None


def _gone_back(before: View, entry: Mapping[str, Any], now: View) -> bool:
    """Whether the values from before the step are in force again."""
    if _chart_config(before) is None:
        return _source(now) == entry.get("former_revision")
    owner = read.mapping(now.facts.get("owner")) or {}
    config = read.mapping((read.mapping(owner.get("resource")) or {}).get("config"))
    # Taken away, put back as it was (no mark of ours, or that of a run before), or on the way there.
    return config is None or config.get("back") is True or config.get("run") is None


def _changed_values(step: Mapping[str, Any]) -> bool:
    return bool(read.mapping(step.get("values")))


def _steps(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [read.mapping(step) or {} for step in read.listing((read.mapping(record.get("plan")) or {}).get("steps")) or []]


def _step(record: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((step for step in _steps(record) if step.get("id") == entry.get("id")), {})


def _earlier(record: Mapping[str, Any], entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(itertools.takewhile(lambda step: step.get("id") != entry.get("id"), _steps(record)))


def _uid(view: View) -> str | None:
    return read.text((read.mapping(view.facts.get("cluster")) or {}).get("uid"))


def _keys(step: Mapping[str, Any], part: str) -> list[str]:
    return list(read.mapping(step.get(part)) or {})


def _former_config(before: View, entry: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], step: Mapping[str, Any]
                   ) -> dict[str, Any]:
    """What the journal says of before the step: an earlier step may have brought keys that it did not ask for.

    A journal that does not say it leaves what the run found and its earlier steps asked for.
    """
    journalled = read.mapping(entry.get("former_config"))
    if journalled is not None:
        return {key: journalled.get(key) for key in _keys(step, "config")}
    found = before.config or {}
    return {key: _former(earlier, "config", key, found.get(key)) for key in _keys(step, "config")}


def _former(earlier: Sequence[Mapping[str, Any]], part: str, key: str, at_first: Any) -> Any:
    """What the last earlier step set, else what there was at first."""
    for step in reversed(earlier):
        found = read.mapping(step.get(part)) or {}
        if key in found:
            return found[key]
    return at_first


def _expect(before: View, earlier: Sequence[Mapping[str, Any]], step: Mapping[str, Any], node: str | None,
            apart: Collection[str]) -> dict[str, Any]:
    """What every agent but those `apart` showed before, or that of one node; what they did not show alike is not asked.

    Nor is what an earlier step changed along with the same part of cilium-config without saying how it is shown, or by
    replacing kube-proxy, which brings socket load balancing along.
    """
    found, touched = {}, {key for other in earlier for key in _keys(other, "config")}
    first = not touched & {*_keys(step, "config"), REPLACEMENT_KEY}
    expected = [undo_own.expected(other, node) for other in earlier]
    for key in undo_own.expected(step, node) if node is None else [*_keys(step, "expect"), *undo_own.expected(step, node)]:
        at_first = _alike(before, key, node, apart) if first else None
        value = _former([{"expect": other} for other in expected], "expect", key, at_first)
        # An empty list is in every list: it would ask nothing.
        if value is not None and value != []:
            found[key] = value
    return found


def _alike(before: View, key: str, node: str | None, apart: Collection[str]) -> Any:
    agents = [agent for agent in before.agents if (agent.node not in apart if node is None else agent.node == node)]
    shown = [agent.live(key) for agent in agents]
    return shown[0] if shown and all(value == shown[0] for value in shown) else None


def _nodes(before: View, entry: Mapping[str, Any], now: View, step: Mapping[str, Any]) -> list[str]:
    """Of a step that was done, every node of it; of one cut short, those whose agent may have started since.

    Nodes that left have no agent to restart; those that joined since started with the step's configuration.
    """
    planned = _planned(entry)
    if not planned or not now.agents:
        return planned
    there, known = {agent.node for agent in now.agents}, {*planned, *(agent.node for agent in before.agents)}
    nodes = [node for node in planned if node in there] + sorted(there - known, key=read.natural)
    spared = set() if entry.get("state") == "done" else _spared(before, entry, now, step)
    return [node for node in nodes if node not in spared]


def _planned(entry: Mapping[str, Any]) -> list[str]:
    return [node for node in read.listing(entry.get("nodes")) or [] if isinstance(node, str)]


def _spared(before: View, entry: Mapping[str, Any], now: View, step: Mapping[str, Any]) -> set[str]:
    spared = _unmoved(before, now)
    if _changed_values(step) and not _gone_back(before, entry, now):
        # The step's configuration is in force, or was never: who is older than it runs what there was before.
        older = {agent.node for agent in now.agents if agent.config_current is False and agent.ready is True}
        # A CiliumNodeConfig may have given it to its nodes before.
        spared |= older & _steady(before, now) - undo_own.touched(step, now)
    return spared


def _steady(before: View, now: View) -> set[str]:
    """Nodes whose agent's container has not started anew in its pod: it would take in what cilium-config says by then."""
    former = dict(_lives(before).values())
    return {node for node, (uid, restarts) in _lives(now).items() if restarts == former.get(uid, 0)}


def _unmoved(before: View, now: View) -> set[str]:
    """Nodes with the very pod from before, whose container has not restarted either."""
    lives = [_lives(view) for view in (before, now)]
    return {node for node, life in lives[1].items() if None not in life and lives[0].get(node) == life}


def _lives(view: View) -> dict[str, tuple[str | None, int | None]]:
    records = [read.mapping(record) or {} for record in read.listing(view.facts.get("agents")) or []]
    return {str(record.get("node")): (read.text(record.get("uid")), read.number(record.get("restarts"))) for record in records}
