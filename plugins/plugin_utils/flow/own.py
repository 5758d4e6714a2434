# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a step does for nodes with a configuration of their own: CiliumNodeConfigs, and what they show after it. Pure."""
from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import plain
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import compare
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.parts import Apart, OwnConfig, own_config
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.placement import Placement
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Choice


@dataclass
class Own:
    """`configs`: CiliumNodeConfigs to be written, by name. `expect`: node -> what it shows instead of what the others do."""

    configs: dict[str, OwnConfig] = field(default_factory=dict)
    expect: dict[str, dict[str, Any]] = field(default_factory=dict)

    def joined(self, expect: Mapping[str, Any], other: Own, other_expect: Mapping[str, Any]) -> Own:
        """What two drafts have for their nodes together; `expect` and `other_expect` are those of all others."""
        nodes = [*self.expect, *(node for node in other.expect if node not in self.expect)]
        return Own({**self.configs, **other.configs}, {
            node: {**self.expect.get(node, expect), **other.expect.get(node, other_expect)} for node in nodes})

    def document(self, view: View, nodes: Collection[str]) -> dict[str, Any]:
        """The keys of a step that speak of nodes apart."""
        configs = list(self.configs.values())
        renew = {node for config in configs for node in config.renew}
        return {
            "node_configs": [config.document() for config in configs],
            "own_nodes": {config.name: sorted(config.nodes, key=read.natural) for config in configs},
            "former_node_configs": [_former(view, config.name) for config in configs if own_config(view, config.name)],
            "renew": sorted(renew, key=read.natural),
            "expect_nodes": {node: self.expect[node] for node in sorted(self.expect, key=read.natural) if node in nodes},
        }


def of(view: View, choice: Choice, where: Placement, changes: Apart, expect: Mapping[str, Any]) -> Own:
    """What the nodes apart of one tuning show; of those that are left out, or that nobody asked for, nothing is asked."""
    if where.main is None:
        return Own()
    found: dict[str, dict[str, Any]] = {node: {} for node in where.without} if expect else {}
    for state in changes.states:
        if state.part.options is not None:
            shown = _shown(view, state.want)
            found.update({node: dict(shown) for node in state.part.nodes} if shown != dict(expect) else {})
    return Own({}, found)


def _shown(view: View, want: compare.Wanted) -> dict[str, Any]:
    return {live.key: plain(live.value) for live in compare.shown_by_all(view, want)}


def _former(view: View, name: str) -> dict[str, Any]:
    found = own_config(view, name)
    selector, defaults = (found.node_selector, dict(found.defaults)) if found else (None, {})
    return {"name": name, "node_selector": selector, "defaults": defaults}
