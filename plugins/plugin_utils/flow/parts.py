# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What nodes apart from the others have, and shall have: their CiliumNodeConfigs against what is wanted of them. Pure."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Catalogue, Live, Options, Stage, Tuning, Unlike, matches, plain)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import NodeConfig, View, within
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import compare
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.compare import Comparison, Wanted
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.placement import Part, Placement, config_name, selector
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Choice, Policy, options_of

# What nodes take with them that no longer have a configuration of their own, until their agents have started anew.
LEAVING = "-leaving"


@dataclass
class OwnConfig:
    """A CiliumNodeConfig as it shall be. Without `defaults` it is removed once the agents of `renew` have started anew.

    `renew`: nodes whose configuration it changes. `changes`: whether it has to be written at all.
    """

    name: str
    nodes: tuple[str, ...]
    node_selector: Any
    defaults: Mapping[str, str]
    renew: frozenset[str]
    changes: bool

    def document(self) -> dict[str, Any]:
        """As a step of a plan has it, and cilium_node_config takes it."""
        return {"name": self.name, "node_selector": self.node_selector, "defaults": dict(self.defaults)}


@dataclass
class PartState:
    """A part with what is wanted there, and how its agents compare with it."""

    part: Part
    view: View
    want: Wanted
    found: Comparison


@dataclass
class Apart:
    """All that a tuning has apart from the other nodes."""

    states: Sequence[PartState] = ()
    configs: Sequence[OwnConfig] = field(default_factory=list)

    @property
    def changed(self) -> list[OwnConfig]:
        """The CiliumNodeConfigs that are not yet as they shall be."""
        return [config for config in self.configs if config.changes]

    @property
    def nodes(self) -> set[str]:
        """Nodes whose agents must start anew for it."""
        found = {node for config in self.changed for node in config.renew}
        for state in self.states:
            found |= {*state.found.running, *state.found.pending}
        return found

    @property
    def differs(self) -> bool:
        """Whether anything is other than wanted."""
        return bool(self.changed or self.nodes)


def apart(view: View, choice: Choice, placement: Placement, needing: Sequence[Choice]) -> Apart:
    """What the nodes apart have and shall have. `needing`: see `dependents`."""
    states = [_state(view, choice, part, needing) for part in placement.parts]
    configs = list(_configs(view, states))
    return Apart(states, configs + list(_stale(view, choice.tuning, {config.name for config in configs})))


def dependents(tuning: Tuning, known: Catalogue, policy: Policy) -> list[Choice]:
    """All tunings that need this one, directly or not, with their options in the policy, or by default."""
    found = {tuning.id: None}
    for name, entry in known.items():  # what is needed comes before what needs it
        choice = policy.get(name) or Choice(entry.tuning, options_of(entry.tuning, None), selected=False)
        if any(need.tuning in found and matches(need.when, choice.options) for need in entry.tuning.needs):
            found[name] = choice
    return [choice for choice in found.values() if choice is not None]


def part_view(view: View, part: Part) -> View:
    """The cluster as the nodes of a part see it."""
    current = own_config(view, part.name)
    return view.apart(part.nodes, current.defaults if current else None)


def own_config(view: View, name: str) -> NodeConfig | None:
    """The CiliumNodeConfig of ours with this name."""
    return next((config for config in view.node_configs if config.ours and config.name == name), None)


def _state(view: View, choice: Choice, part: Part, needing: Sequence[Choice]) -> PartState:
    seen, tuning = part_view(view, part), choice.tuning
    want = left_out(view, choice, needing) if part.options is None else variant(seen, tuning, part.options)
    return PartState(part, seen, want, compare.compare(seen, want, tuning.absent))


def variant(view: View, tuning: Tuning, options: Options) -> Wanted:
    """What a group with options of its own is to have: keys of cilium-config and what agents show, no Helm values."""
    return replace(compare.stages(view, tuning, options)[-1], values={})


def left_out(view: View, choice: Choice, needing: Iterable[Choice]) -> Wanted:
    """What a node is to have that is left out: the keys with the text that switches them off, and nothing shown of it.

    What needs the tuning is switched off along with it, in one object, so that no agent ever starts with the one alone.
    """
    end = compare.stages(view, choice.tuning, choice.options)[-1]
    config = {key: value for other in (*needing, choice) for key, value in _off(view, other).items()}
    live = tuple(Live(live.key, Unlike(live.value), live.since, live.until, proved, live.certain_until)
                 for live in end.live if (proved := tuple(key for key in live.config if key in config)))
    stage = Stage(end.stage.id, (), live)
    return Wanted(stage, {}, config, live, ())


def _off(view: View, choice: Choice) -> dict[str, str]:
    """The keys, of those that this version knows."""
    since, wanted = choice.tuning.since, compare.stages(view, choice.tuning, choice.options)
    if since and not within(view.chart, since):
        return {}
    return {key: value for key, value in (choice.tuning.off or {}).items() if any(key in stage.config for stage in wanted)}


def _configs(view: View, states: Iterable[PartState]) -> Iterator[OwnConfig]:
    for state in states:
        part, current = state.part, own_config(view, state.part.name)
        defaults = {key: str(plain(value)) for key, value in state.want.config.items()}
        leaving = set(current.nodes) - set(part.nodes) if current else set()
        if current and leaving and current.defaults:
            yield OwnConfig(part.name + LEAVING, tuple(leaving), selector(view, leaving), {}, frozenset(leaving), True)
        yield _config(view, part, current, defaults)


def _config(view: View, part: Part, current: NodeConfig | None, defaults: Mapping[str, str]) -> OwnConfig:
    wanted = selector(view, part.nodes)
    had = frozenset(current.nodes) if current and dict(current.defaults) == defaults else frozenset()
    there = bool(had) and current is not None and current.node_selector == wanted
    return OwnConfig(part.name, part.nodes, wanted, defaults, frozenset(part.nodes) - had, not there)


def _stale(view: View, tuning: Tuning, wanted: set[str]) -> Iterator[OwnConfig]:
    """CiliumNodeConfigs of ours that this tuning no longer has a use for."""
    mine = re.compile(rf"{re.escape(config_name(tuning.id))}(-\d+)?({LEAVING})?\Z")
    older = {agent.node for agent in view.agents if agent.config_current is False}
    for config in view.node_configs:
        if config.ours and mine.match(config.name) and config.name not in wanted:
            nodes = frozenset(config.nodes)
            renew = nodes if config.defaults else nodes & older
            yield OwnConfig(config.name, config.nodes, config.node_selector, {}, renew, True)
