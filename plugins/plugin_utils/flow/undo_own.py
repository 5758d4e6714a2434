# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What of a step's way back concerns CiliumNodeConfigs. Pure: nothing is read or written."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.gate import node_config_content

NOTHING: Mapping[str, Any] = {"node_configs": [], "renew": [], "expect_nodes": {}}


def planned(step: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The CiliumNodeConfigs that a step writes, that of its canary among them."""
    canary = read.mapping(step.get("canary")) or {}
    found = [*(read.listing(step.get("node_configs")) or []), canary.get("node_config")]
    return [config for config in map(read.mapping, found) if config]


def former(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """[{name, state, object}]: what puts them back, as cilium_node_config takes it."""
    configs = map(read.mapping, read.listing(entry.get("former_node_configs")) or [])
    return [{"name": config.get("name"), "state": "former", "object": config.get("object")} for config in configs if config]


def renewed(step: Mapping[str, Any], now: View, nodes: Iterable[str]) -> list[str]:
    """Those of `nodes` whose CiliumNodeConfig is put back."""
    mine = touched(step, now)
    return [node for node in nodes if node in mine]


def touched(step: Mapping[str, Any], now: View) -> set[str]:
    """Nodes whose CiliumNodeConfig the step changes, that of its canary among them."""
    names = {config.get("name") for config in planned(step)}
    canary = read.mapping(step.get("canary")) or {}
    found = {node for node in [*(read.listing(step.get("renew")) or []), *(read.listing(canary.get("nodes")) or [])]
             if isinstance(node, str)}
    for config in now.node_configs:
        found |= set(config.nodes) if config.name in names else set()
    return found


def expected(step: Mapping[str, Any], node: str | None) -> Mapping[str, Any]:
    """What a step says that this node shows after it; None: all that are not apart."""
    common = read.mapping(step.get("expect")) or {}
    return read.mapping((read.mapping(step.get("expect_nodes")) or {}).get(node, common)) or {}


def refusal(run_id: str, step: Mapping[str, Any], entry: Mapping[str, Any], now: View) -> str | None:
    """Why CiliumNodeConfigs are not put back, in one sentence: somebody else's change is kept."""
    if read.listing(now.facts.get("node_configs")) is None:
        return f"CiliumNodeConfigs could not be read{now.why_unread('node_configs')}: the run is not taken back."
    there = {config.name: config for config in now.node_configs}
    before = {config["name"]: node_config_content(config) if config["object"] else None for config in former(entry)}
    for config in planned(step):
        name, found = str(config.get("name")), there.get(str(config.get("name")))
        content = None if found is None else (found.node_selector, dict(found.defaults))
        ours = found is None or found.ours
        if name not in before and found is None:
            continue  # killed before it was written down, so before it was written
        # Gone: not written yet, put back already, or no longer needed and removed by the step.
        known = [before.get(name), node_config_content(config), None]
        if not ours or content not in known:
            return (f"CiliumNodeConfig {one_line(name, 80)} is not as run {run_id} left it; somebody else's change is kept. To "
                    "go back all the same, remove it and run this again.")
    return None


def resting(steps: Iterable[Mapping[str, Any]], was: View, now: View) -> str | None:
    """Why the values that these steps of a run changed must stay, as the end of a sentence: another run wrote a
    CiliumNodeConfig since, which leaves no trace in the release, and its nodes may need them."""
    mine = {config.name for config in was.node_configs}
    mine |= {str(config.get("name")) for step in steps for config in planned(step)}
    if read.listing(now.facts.get("node_configs")) is None and read.listing(was.facts.get("node_configs")) is not None:
        return f"CiliumNodeConfigs could not be read{now.why_unread('node_configs')}, and a later one may need its values."
    later = sorted(config.name for config in now.node_configs if config.ours and config.name not in mine)
    if not later:
        return None
    return (f"CiliumNodeConfig {', '.join(later)} was written after the run and may need what it changed. Take back the run "
            "that wrote it first, then run this again.")
