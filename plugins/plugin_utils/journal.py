# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the journal of a run says: which steps stand, what must be taken back, and the state of every node. Pure.

Every entry has `event` and `step` (the id of a plan's step). In the order in which a step writes them:
    started  former_revision, nodes: [..]          before anything is changed; nodes whose agents the step restarts
             former_config: {key: value}           cilium-config as it was then
             former_node_configs: [{name, object}] CiliumNodeConfigs of ours that the step writes, null where there was none
             reached: [kinds]                      ways that worked between all nodes, of a step that changes those
             residue: {tunings, nodes: {..}}       what stood on the hosts (flow/residue.py), where the step may change it
    applied  revision                              the release was upgraded
    rolled   nodes: {node: {state, ..}}            agents were restarted, as cilium_rollout returns it
    done     lost: {node: [sentence]}              the gate after the step held; what hosts may have lost by it
    unrolled nodes: {node: {state, ..}}            agents were restarted on the way back, likewise
             spared: [nodes]                       agents of the step that had not started since before it
    undone   kept: {node: [sentence]}              taken back, and verified; what stays on hosts as it is
Entries about hosts have a `host` in place of `step`: see host_journal.py.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import host_journal
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read

EVENTS = ("started", "applied", "rolled", "done", "unrolled", "undone")
UNTOUCHED, CHANGED, ROLLED_BACK, UNKNOWN = "untouched", "changed", "rolled_back", "unknown"
# States of cilium_rollout: the agent was restarted; the agent is as it was wanted.
RESTARTED, PROVEN = ("restarted_verified", "failed"), ("restarted_verified", "skipped")
WEIGHT = (UNTOUCHED, ROLLED_BACK, CHANGED, UNKNOWN)
HOST_STATES = {"done": CHANGED, "undone": ROLLED_BACK}

Entry = Mapping[str, Any]


class JournalError(ValueError):
    """An entry that cannot be written; the message says what it lacks."""


def checked(entry: Entry) -> dict[str, Any]:
    """The entry, if it has what its event needs. Raises JournalError."""
    event = entry.get("event")
    if event not in EVENTS + host_journal.EVENTS:
        raise JournalError(f"A journal entry's event must be one of {', '.join(EVENTS + host_journal.EVENTS)}.")
    subject = {"host": read.text, "run_id": read.text} if event in host_journal.EVENTS else {"step": read.text}
    needs = {
        "started": {"former_revision": read.number, "nodes": read.listing}, "applied": {"revision": read.number},
        "rolled": {"nodes": read.mapping}, "unrolled": {"nodes": read.mapping},
    }.get(str(event), {})
    for name, reader in {**subject, **needs}.items():
        if reader(entry.get(name)) is None:
            raise JournalError(f"The journal's event {event} needs {name}.")
    return dict(entry)


def steps(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Every step that was begun, in order, with what became of it.

    [{id, former_revision, former_config: None where not written, former_node_configs: [{name, object}],
      revision: int|None, nodes: [planned], reached: [kinds],
      rolled: {node: {..}}, unrolled: None or likewise, spared: [nodes], residue, lost, kept: None where not written, state: the last event}]
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        name = str(entry.get("step"))
        if entry.get("event") == "started":
            _begin(found, name, entry)
        elif name in found:
            _take(found[name], entry)
    return list(found.values())


def _begin(found: dict[str, dict[str, Any]], name: str, entry: Entry) -> None:
    former = found.get(name)
    if former and former["state"] != "undone":
        # Begun again after a kill: what was there before the first beginning is what to go back to.
        former["state"] = "started"
        former["nodes"] += [node for node in _names(entry.get("nodes")) if node not in former["nodes"]]
        known = [config["name"] for config in former["former_node_configs"]]
        former["former_node_configs"] += [config for config in _configs(entry) if config["name"] not in known]
        return
    found.pop(name, None)
    found[name] = {"id": name, "former_revision": entry.get("former_revision"), "revision": None,
                   "former_config": read.mapping(entry.get("former_config")), "former_node_configs": _configs(entry),
                   "nodes": _names(entry.get("nodes")),
                   "reached": _names(entry.get("reached")), "rolled": {}, "unrolled": None, "spared": [],
                   "state": "started",
                   "residue": read.mapping(entry.get("residue")), "lost": None, "kept": None}


def _names(value: Any) -> list[str]:
    return [node for node in read.listing(value) or [] if isinstance(node, str)]


def _configs(entry: Entry) -> list[dict[str, Any]]:
    found = map(read.mapping, read.listing(entry.get("former_node_configs")) or [])
    return [{"name": config["name"], "object": read.mapping(config.get("object"))}
            for config in found if config and read.text(config.get("name"))]


def _take(step: dict[str, Any], entry: Entry) -> None:
    step["state"] = entry["event"]
    if entry["event"] == "applied":
        step["revision"] = entry.get("revision")
    for name in ("lost", "kept"):
        step[name] = read.mapping(entry.get(name)) or step[name]
    if entry["event"] in ("rolled", "unrolled"):
        step["spared"] = _names(entry.get("spared"))
        step[entry["event"]] = {**(read.mapping(entry.get("nodes")) or {}), **_restarted(step[entry["event"]])}


def _restarted(nodes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Those that were restarted and proven: a second attempt, which skips them, does not take that away."""
    return {node: found for node, found in (nodes or {}).items()
            if (read.mapping(found) or {}).get("state") == "restarted_verified"}


def undo_steps(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """What must be taken back, the last step first, each as in `steps`.

    `nodes` are all nodes whose agent may run the step's configuration: those of the step, since once cilium-config was
    changed any agent may have restarted by itself, in the reverse of the order in which they were changed.
    """
    standing = [step for step in steps(entries) if step["state"] != "undone"]
    return [{**step, "nodes": _touched(step)[::-1]} for step in reversed(standing)]


def _touched(step: Mapping[str, Any]) -> list[str]:
    return step["nodes"] + [node for node in step["rolled"] if node not in step["nodes"]]


def node_states(entries: Iterable[Entry], nodes: Iterable[str] = ()) -> dict[str, str]:
    """Node -> untouched, changed (and verified), rolled_back (and verified) or unknown. `nodes`: all of the cluster."""
    entries, states = list(entries), {node: UNTOUCHED for node in nodes}
    for step in steps(entries):
        spared = frozenset(step["spared"])
        for node in _touched(step):
            states[node] = max(_state(step, node, node in spared), states.get(node, UNTOUCHED), key=WEIGHT.index)
    for record in host_journal.hosts(entries):
        node = record["node"] or f"{record['host']} (a host without a node)"
        states[node] = max(HOST_STATES.get(record["state"], UNKNOWN), states.get(node, UNTOUCHED), key=WEIGHT.index)
    return dict(sorted(states.items(), key=lambda item: read.natural(item[0])))


def _state(step: Mapping[str, Any], node: str, spared: bool) -> str:
    there, back = (_rolled(step, part, node) for part in ("rolled", "unrolled"))
    if step["state"] == "done":
        return CHANGED
    if step["state"] == "undone" and step["unrolled"] is None:
        return ROLLED_BACK
    if step["state"] == "undone":
        # An agent that neither way restarted started before the step.
        return ROLLED_BACK if {there, back} & set(RESTARTED) else UNTOUCHED
    if back in PROVEN:
        return ROLLED_BACK
    if spared and there not in RESTARTED:
        return UNTOUCHED
    return UNTOUCHED if there == "untouched" and back in (None, "untouched") else UNKNOWN


def _rolled(step: Mapping[str, Any], part: str, node: str) -> str | None:
    return read.text((read.mapping((step[part] or {}).get(node)) or {}).get("state"))


def summary(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The steps for result.json: [{id, state, former_revision, revision, nodes, lost, kept}]."""
    keys = ("id", "state", "former_revision", "revision", "nodes", "lost", "kept")
    return [{key: step[key] for key in keys} for step in steps(entries)]
