# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sentences about values and nodes, fit to be shown. Pure."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import plain
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import Agent, View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.compare import Comparison, Wanted

SHOWN_KEYS = 6


def shown(value: Any) -> str:
    """A value as it stands in a sentence or table."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value) or "none"
    return one_line(value, 80) or "empty"


def keys(names: Iterable[str]) -> str:
    """Names of keys, at most SHOWN_KEYS of them."""
    ordered = list(names)
    listed = ", ".join(one_line(name, 60) for name in ordered[:SHOWN_KEYS])
    return listed if len(ordered) <= SHOWN_KEYS else f"{listed} and {len(ordered) - SHOWN_KEYS} more"


def running(agent: Agent, key: str) -> str:
    """What an agent runs, as a key of `found.live`."""
    if agent.problem is not None:
        return "unread"
    value = agent.live(key)
    return "unknown" if value is None else shown(value)


def differences(view: View, wanted: Wanted, found: Comparison) -> str:
    """One sentence that says which of the places differ: running agents, cilium-config, Helm values, restarts."""
    parts = [*_running(view, wanted, found)]
    for place, keys_found, keys_wanted in (
        ("cilium-config has", found.config, wanted.config), ("the Helm values have", found.values, wanted.values),
    ):
        if keys_found:
            each = [f"{key} {shown(value)} instead of {shown(plain(keys_wanted[key]))}" for key, value in keys_found.items()]
            parts.append(f"{place} {', '.join(each)}")
    if found.pending:
        parts.append(f"on {read.name_nodes(found.pending)} the agent does not run what cilium-config says, and a restart "
                     "would change it")
    if found.beside:
        parts.append(found.beside.difference)
    sentence = "; ".join(parts)
    return (sentence if sentence.startswith("cilium-config") else sentence[:1].upper() + sentence[1:]) + "."


def _running(view: View, wanted: Wanted, found: Comparison) -> Iterable[str]:
    for live in {live.key: live for live in wanted.printed}.values():
        nodes: dict[str, list[str]] = {}
        for node, wrong in found.running.items():
            if live.key in wrong:
                nodes.setdefault(shown(wrong[live.key]), []).append(node)
        for value, names in nodes.items():
            total = len(view.agents)
            who = f"all {total} agents run" if len(names) == total > 1 else (
                f"{len(names)} of {total} agents ({read.name_nodes(names)}) run" if total > 1 else
                f"the agent on {read.name_nodes(names)} runs")
            yield f"{who} {live.key} {value} instead of {shown(plain(live.value))}"
