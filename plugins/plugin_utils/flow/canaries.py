# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The few nodes on which a step is tried before all others, by a CiliumNodeConfig of theirs. Pure."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.placement import (
    CANARY, api_refusal, label_refusal, selector)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Policy


def of(view: View, step: Mapping[str, Any], policy: Policy, count: int) -> dict[str, Any]:
    """{canary: null | {nodes, node_config: {name, node_selector, defaults}}, no_canary: null | why there is none}"""
    if count < 1:
        return {"canary": None, "no_canary": None}
    nodes = _nodes(view, step, count)
    reason = _refusal(view, step, policy, nodes)
    if reason:
        return {"canary": None, "no_canary": reason}
    config = {"name": CANARY, "node_selector": selector(view, nodes), "defaults": dict(step["config"])}
    return {"canary": {"nodes": nodes, "node_config": config}, "no_canary": None}


def _nodes(view: View, step: Mapping[str, Any], count: int) -> list[str]:
    """The first workers that have nothing of their own in this step."""
    workers = {node["name"] for node in view.nodes or () if node.get("control_plane") is False}
    apart = set(step["expect_nodes"]) | {node for nodes in step["own_nodes"].values() for node in nodes}
    return [node for node in step["nodes"] if node in workers - apart][:count]


def _refusal(view: View, step: Mapping[str, Any], policy: Policy, nodes: list[str]) -> str | None:
    if not step["values"] or not step["nodes"]:
        return "it changes no Helm value, or no agent"
    alike = [name for name in step["tunings"] if policy[name].tuning.off is None]
    if alike:
        return f"{', '.join(alike)} must be alike on all nodes"
    removed = [key for key, value in step["config"].items() if not isinstance(value, str)]
    if removed or not step["config"]:
        return f"a CiliumNodeConfig cannot remove {', '.join(removed) or 'a key'} from cilium-config"
    if not nodes or len(nodes) >= len(step["nodes"]):
        return "there is no worker to go first with others to wait for it"
    return api_refusal(view) or label_refusal(view, nodes)
