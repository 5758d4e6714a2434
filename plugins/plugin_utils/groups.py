# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`fastpath_groups`: what groups of nodes have instead of what the policy says for all. Laid over a parsed policy."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Options, Tuning, matches
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import (
    Choice, Group, Known, Policy, PolicyError, near, options_of, tuning_of)

VARIABLE = "fastpath_groups"
KEYS = ("nodes", "tunings")
EXAMPLE = f"{VARIABLE} must be a list such as [{{nodes: {{<label>: <value>}}, tunings: {{xdp: false}}}}]"


def lay_over(chosen: Policy, groups: Any, catalogue: Known | None = None) -> Policy:
    """The policy with what each group of nodes has instead, in the order of application.

    `groups`: [{nodes: {label: value} or [names], tunings: {id: {option: value} | true | false}}], or None.
    Raises PolicyError.
    """
    known: Known = catalog.everything() if catalogue is None else catalogue
    if groups is not None and not isinstance(groups, (list, tuple)):
        raise PolicyError(f"{EXAMPLE}, not {one_line(groups, 60)}.")
    found = dict(chosen)
    for number, group in enumerate(groups or (), 1):
        _Laid(found, known, number, group).lay()
    return {name: found[name] for name in known if name in found}


class _Laid:
    """One group on its way into the policy."""

    def __init__(self, found: dict[str, Choice], known: Known, number: int, group: Any) -> None:
        self.found, self.known, self.number = found, known, number
        self.where = f"Group {number} of {VARIABLE}"
        if not isinstance(group, Mapping):
            raise PolicyError(f"{EXAMPLE}, and {self.where} is {one_line(group, 60)}.")
        for key in group:
            if key not in KEYS:
                raise PolicyError(f"{self.where} has {one_line(key, 60)!r}, which is unknown; {near(key, KEYS)}")
        self.nodes = self._nodes(group.get("nodes"))
        self.tunings = group.get("tunings")
        if not isinstance(self.tunings, Mapping) or not self.tunings:
            raise PolicyError(f"{self.where} needs tunings, a mapping such as {{xdp: false}}.")

    def _nodes(self, nodes: Any) -> tuple[str, ...] | Mapping[str, str]:
        named = [(name, "") for name in nodes] if isinstance(nodes, list) else []
        texts = list(nodes.items()) if isinstance(nodes, Mapping) else named
        if not texts or not all(isinstance(key, str) and key and isinstance(value, str) for key, value in texts):
            raise PolicyError(f"{self.where} needs nodes: labels with their values, both text, or a list of names.")
        return dict(texts) if isinstance(nodes, Mapping) else tuple(key for key, _value in texts)

    def lay(self) -> None:
        """Everything of this group, then what it needs."""
        own: dict[str, Options | None] = {}
        for name, given in self.tunings.items():
            tuning = tuning_of(name, self.known, self.where)
            if not isinstance(tuning, Tuning):
                raise PolicyError(f"{self.where} names {tuning.id}, which is a matter of the hosts: set it in fastpath_tunings, and "
                                  "choose the hosts with fastpath_hosts.")
            own[tuning.id] = self._options(tuning, given)
        for name in list(own):
            if own[name] is not None:
                self._check_excludes(name, own)
                self._add_needed(name, own)
        for name, options in own.items():
            self._put(name, options)

    def _options(self, tuning: Tuning, given: Any) -> Options | None:
        there = self.found.get(tuning.id)
        if tuning.off is None and (given is not False or there is not None):
            raise PolicyError(
                f"{self.where} names {tuning.id}, which must be alike on all nodes: set it in fastpath_tunings.")
        if given is False:
            return None
        base = there.options if there and there.everywhere else {}
        mine = {} if given in (None, True) else given
        if isinstance(mine, Mapping):
            given = {**{key: value for key, value in base.items() if value is not None}, **mine}
        return options_of(tuning, given, f"{self.where}: tunings")

    def _check_excludes(self, name: str, own: Mapping[str, Options | None]) -> None:
        here = {other for other, choice in self.found.items() if choice.everywhere} | own.keys()
        for other in here - {other for other, options in own.items() if options is None}:
            if other in self.known[name].tuning.excludes or name in self.known[other].tuning.excludes:
                raise PolicyError(f"{self.where} has {name} and {other}, which exclude each other: leave one out.")

    def _add_needed(self, name: str, own: dict[str, Options | None]) -> None:
        """What a tuning needs comes with it: for these nodes alone where that can be, else for all."""
        for need in self.known[name].tuning.needs:
            if not matches(need.when, own[name] or {}):
                continue
            there, tuning = self.found.get(need.tuning), self.known[need.tuning].tuning
            if need.tuning in own and own[need.tuning] is None:
                raise PolicyError(f"{self.where} leaves {need.tuning} out, and {name}, which it has, needs that.")
            if there and there.everywhere and need.tuning not in own:
                self.found[need.tuning] = replace(there, named=True)
            elif need.tuning in own:
                continue
            elif tuning.off is None:
                self.found[need.tuning] = Choice(tuning, options_of(tuning, None), selected=False)
                self._add_needed(need.tuning, {**own, need.tuning: self.found[need.tuning].options})
            else:
                own[need.tuning] = options_of(tuning, None)
                self._add_needed(need.tuning, own)

    def _put(self, name: str, options: Options | None) -> None:
        there, group = self.found.get(name), Group(self.number, self.nodes, options)
        if there is not None:
            named = there.named or options is not None
            self.found[name] = replace(there, groups=(*there.groups, group), named=named)
        elif options is not None:
            self.found[name] = Choice(
                self.known[name].tuning, options, name in self.tunings, groups=(group,), everywhere=False)


def check(chosen: Policy, facts: Any) -> None:
    """Raises PolicyError where groups name nodes that are not there, or disagree on one."""
    view = View(facts)
    if view.nodes is None:
        return
    names = [node["name"] for node in view.nodes]
    for name, choice in chosen.items():
        for sentence in (*_strangers(choice.groups, names), *_disagreements(view, name, choice.groups)):
            raise PolicyError(sentence)


def without_nodes(view: View, groups: Sequence[Group]) -> Iterator[str]:
    """Groups whose labels no node has, each as a sentence: it may be empty at present, or misspelt."""
    for group in groups if view.nodes is not None else ():
        fits = any(group.selects(node["name"], read.mapping(node.get("labels")) or {}) for node in view.nodes)
        if isinstance(group.nodes, Mapping) and not fits:
            labels = one_line(", ".join(f"{key}={value}" for key, value in group.nodes.items()), 120)
            yield f"No node has the labels of group {group.number} of {VARIABLE} ({labels})."


def _strangers(groups: Sequence[Group], names: Sequence[str]) -> Iterator[str]:
    there = set(names)
    for group in groups:
        for node in group.nodes if isinstance(group.nodes, tuple) else ():
            if node not in there:
                yield (f"Group {group.number} of {VARIABLE} names {one_line(node, 60)!r}, which is no node; "
                       f"{near(node, names)}")


def _disagreements(view: View, name: str, groups: Sequence[Group]) -> Iterator[str]:
    for node in view.nodes or () if len(groups) > 1 else ():
        mine = [group for group in groups if group.selects(node["name"], read.mapping(node.get("labels")) or {})]
        other = next((group for group in mine if group.options != mine[0].options), None)
        if other:
            yield (f"{one_line(node['name'], 80)} is in groups {mine[0].number} and {other.number} of {VARIABLE}, which "
                   f"disagree on {name}: let each node be in one of them.")
