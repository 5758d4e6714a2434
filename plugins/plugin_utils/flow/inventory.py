# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The hosts of the inventory in the facts document, each with the node that it is. Pure."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import hosts

Entry = dict[str, Any]


def with_hosts(facts: Any, answers: Mapping[str, Any], former: Any = None) -> dict[str, Any]:
    """The facts with `hosts`: null where the inventory has none, else [{host, node, problem, facts}] by host in natural order.

    `answers` are results of host_info by the inventory's name of the host; `former` are hosts that were read before, which
    stay for what was not asked again. A host and a node are the same machine where their boot ID is the same.
    """
    found = dict(read.mapping(facts) or {})
    entries = {str(entry["host"]): {"node": None, "problem": None, "facts": None, **entry}
               for entry in map(read.mapping, read.listing(former) or []) if entry and read.text(entry.get("host"))}
    for name, answer in answers.items():
        entries[str(name)] = _entry(str(name), read.mapping(answer) or {})
    ordered = [entries[name] for name in sorted(entries, key=read.natural)]
    _match(ordered, View(found))
    return {**found, "hosts": ordered or None}


def _entry(name: str, answer: Mapping[str, Any]) -> Entry:
    facts = read.mapping(answer.get("facts"))
    good = facts is not None and facts.get("schema") == 1
    return {"host": name, "node": None, "problem": None if good else _problem(answer), "facts": facts if good else None}


def _problem(answer: Mapping[str, Any]) -> str:
    # Ansible begins its own sentence with words that say no more than "could not be reached".
    said = one_line(answer.get("msg") or "", 400).strip().removeprefix("Task failed: ")
    if answer.get("unreachable") is True:
        return f"It could not be reached: {said or 'nothing was said why'}"
    if answer.get("failed") is True:
        return f"It could not be read: {said or 'nothing was said why'}"
    return "It was not read: its answer is no facts document of schema 1."


def _match(entries: list[Entry], view: View) -> None:
    there = {entry["host"]: entry["facts"] for entry in entries if entry["facts"] is not None}
    found = hosts.match(list(view.nodes or ()), there)
    nodes = {host: node for node, host in found["hosts"].items()}
    for entry in entries:
        entry["node"] = nodes.get(entry["host"])
        if entry["facts"] is not None:
            unread = "The nodes could not be read, so it is not known which one it is." if view.nodes is None else None
            entry["problem"] = unread or found["without_node"].get(entry["host"])


def told(view: View) -> list[str]:
    """What is to be said of the hosts, as sentences; empty where the inventory has none."""
    if not view.hosts:
        return []
    read_hosts = [entry for entry in view.hosts if read.mapping(entry.get("facts"))]
    matched = sorted({str(entry["node"]) for entry in view.hosts if read.text(entry.get("node"))}, key=read.natural)
    sentences = [f"{len(view.hosts)} in the inventory, {len(read_hosts)} read, {len(matched)} of them nodes of this cluster"]
    problems: dict[str, list[str]] = {}
    for entry in view.hosts:
        if read.text(entry.get("problem")):
            problems.setdefault(str(entry["problem"]), []).append(str(entry.get("host")))
    sentences += [f"{read.name_nodes(names)}: {problem}" for problem, names in problems.items()]
    without = [node["name"] for node in view.nodes or () if node["name"] not in matched]
    if without:
        sentences.append(f"Without a host: {read.name_nodes(without)}; what depends on their hosts is not known")
    return sentences
