# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is wanted against what was found, in all places where a setting stands. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Beside, Live, Options, Stage, Tuning, accepts, asked, matches, plain, resolve)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import Agent, View, within


@dataclass(frozen=True)
class Wanted:
    """A stage with its options resolved, for one cluster; `printed` is what some agent's version shows of `live`.

    `template` are the paths among `values` that stand in the pod template.
    """

    stage: Stage
    values: Mapping[str, Any]
    config: Mapping[str, Any]
    live: tuple[Live, ...]
    printed: tuple[Live, ...]
    template: frozenset[str] = frozenset()
    beside: Beside | None = None

    def document(self) -> dict[str, Any]:
        """The `wanted` of a verdict."""
        return {
            "values": {path: plain(value) for path, value in self.values.items()},
            "config": {key: plain(value) for key, value in self.config.items()},
            "live": {live.key: plain(live.value) for live in self.printed},
        }


@dataclass
class Comparison:
    """`values` and `config`: keys that differ. `running`: node -> {status key: value} that differ. `pending`: nodes that a
    restart would change, or whose running configuration no status shows. `unclear`: sentence -> nodes. `beside`: what
    differs outside of all that."""

    values: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    running: dict[str, dict[str, Any]] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    unclear: dict[str, list[str]] = field(default_factory=dict)
    beside: Beside | None = None

    @property
    def cilium_differs(self) -> bool:
        """Whether something of Cilium itself is known to be other than wanted."""
        return bool(self.values or self.config or self.running or self.pending)

    @property
    def differs(self) -> bool:
        """Whether something is known to be other than wanted."""
        return self.cilium_differs or self.beside is not None


def stages(view: View, tuning: Tuning, options: Options) -> list[Wanted]:
    """The stages that are steps for this cluster, in order; the last one is the end that is wanted."""
    options = tuning.options_on(view, options)
    return [wanted(view, stage, options) for stage in tuning.stages if stage.when is None or stage.when(view, options)]


def wanted(view: View, stage: Stage, options: Options) -> Wanted:
    """What a stage wants with this chart and these options. Without a Helm release there are no values to want."""
    fitting = [
        want for want in stage.wants if matches(want.when, options) and within(view.chart, want.since, want.until)
    ]
    values, config = (_wanted([getattr(want, part) for want in fitting], options) for part in ("values", "config"))
    live = tuple(_resolved(item, options) for item in stage.live
                 if matches(item.when, options) and asked(item.value, options))
    printed = tuple(item for item in live if any(speaks(agent, item) for agent in view.agents))
    template = frozenset(path for want in fitting if want.template for path in want.values)
    beside = stage.beside(view, options) if stage.beside else None
    return Wanted(stage, {} if view.has_no_release and view.values is None else values, config, live, printed, template, beside)


def _wanted(parts: Iterable[Mapping[str, Any]], options: Options) -> dict[str, Any]:
    return {name: resolve(value, options) for part in parts for name, value in part.items() if asked(value, options)}


def speaks(agent: Agent, live: Live) -> bool:
    """Whether agents of this version print this line in this way."""
    return within(agent.version, live.since, live.until)


def shown_by_all(view: View, want: Wanted) -> list[Live]:
    """What every agent prints of it, whatever its version."""
    return [live for live in want.printed if all(speaks(agent, live) for agent in view.agents)]


def _resolved(live: Live, options: Options) -> Live:
    value = resolve(live.value, options)
    return Live(live.key, value, live.since, live.until, live.config, live.certain_until, live.when)


def found_value(view: View, path: str) -> Any:
    """A Helm value that the user set, None where it is not set, is masked or cannot be there."""
    return read.nested(view.values or {}, path)[0]


def compare(view: View, want: Wanted, absent: Mapping[str, Any]) -> Comparison:
    """Everything that differs from what a stage wants."""
    result = Comparison(beside=want.beside)
    for path, value in want.values.items():
        found = found_value(view, path)
        if not accepts(value, absent.get(path) if found is None else found):
            result.values[path] = found
    for key, value in want.config.items():
        if not accepts(value, view.config_value(key, absent)):
            result.config[key] = (view.config or {}).get(key)
    for agent in view.read_agents:
        _compare_agent(agent, want, result)
    return result


def _compare_agent(agent: Agent, want: Wanted, result: Comparison) -> None:
    shown = [live for live in want.live if speaks(agent, live)]
    found = {live.key: agent.live(live.key) for live in shown}
    wrong = {live.key: found[live.key] for live in shown
             if found[live.key] is not None and not accepts(live.value, found[live.key])}
    if wrong:
        result.running[agent.node] = wrong
    for live in shown:
        if found[live.key] is not None:
            _mark_pending(agent, live, live.key in wrong, want, result)
    # An agent that is known to run something else need not say the rest: old ones leave out what does not apply.
    if not wrong:
        _mark_unclear(agent, [key for key, value in found.items() if value is None], want, result)


def _mark_pending(agent: Agent, live: Live, wrong: bool, want: Wanted, result: Comparison) -> None:
    for key in live.config:
        if key in want.config and wrong != (key in result.config):
            result.pending.add(agent.node)


def _mark_unclear(agent: Agent, silent: list[str], want: Wanted, result: Comparison) -> None:
    for key in silent:
        result.unclear.setdefault(f"its status does not say {key}", []).append(agent.node)
    unproved = sorted(_unproved(agent, want))
    if unproved and agent.config_current is False:
        result.pending.add(agent.node)
    if unproved and agent.config_current is None:
        reason = f"whether it started with {', '.join(unproved)} as cilium-config has it is not known"
        result.unclear.setdefault(reason, []).append(agent.node)


def _unproved(agent: Agent, want: Wanted) -> Iterator[str]:
    """Keys of which no status line of this agent's version speaks."""
    for key in want.config:
        lines = [live for live in want.live if key in live.config]
        if not any(speaks(agent, live) or within(agent.version, None, live.certain_until)
                   for live in lines):
            yield key
