# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""On which nodes a tuning is to be: on all, or on some with a CiliumNodeConfig for those that are apart. Pure."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.node_config import OWN_PREFIX
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Entry, Finding, Options, State, matches
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View, within
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import limits
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Choice, Group

HOSTNAME = "kubernetes.io/hostname"
SINCE = "1.13"
# The CiliumNodeConfig that gives a step to a few nodes before all others.
CANARY = OWN_PREFIX + "canary"


@dataclass(frozen=True)
class Part:
    """Nodes with a configuration of their own. `options` None: the tuning leaves them out, each for its reason."""

    name: str
    nodes: tuple[str, ...]
    options: Options | None
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class Placement:
    """`main`: the nodes that follow the Helm values; None: all of them. `without`: those that are not to have the tuning,
    `left_out` those of them that would have it but for a reason. `finding`: why what is asked for cannot be placed so.
    """

    main: tuple[str, ...] | None = None
    parts: tuple[Part, ...] = ()
    without: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = field(default_factory=dict)
    finding: Finding | None = None


EVERYWHERE = Placement()


def config_name(tuning: str, group: int | None = None) -> str:
    """The name of the CiliumNodeConfig of a tuning, for nodes left out of it or for a group."""
    return f"{OWN_PREFIX}{tuning.replace('_', '-')}" + ("" if group is None else f"-{group}")


def place(view: View, entry: Entry, choice: Choice, verdicts: Mapping[str, Mapping[str, Any]]) -> Placement:
    """Where a tuning is to be. `verdicts` are those of what it needs."""
    nodes = [agent.node for agent in view.agents]
    grouped = group_of_nodes(view, choice)
    candidates = [node for node in nodes if (grouped[node].options is not None if node in grouped else choice.everywhere)]
    own, given = _own_reasons(view, entry, choice), _given_reasons(choice, grouped, verdicts)
    left = {node: {**given, **own}[node] for node in nodes if node in own and node in candidates or node in given}
    variants = {node: grouped[node] for node in candidates if node in grouped and node not in left
                and not (choice.everywhere and grouped[node].options == choice.options)}
    if not left and not variants and choice.everywhere:
        return EVERYWHERE
    if not set(candidates) - left.keys():
        return _none_left(choice, left, bool(candidates) and set(candidates) <= own.keys())
    reason = per_node_refusal(view, choice, [*left, *variants])
    if reason:
        return _impossible(choice, left, variants, own, reason)
    return _placed(choice, nodes, candidates, left, variants)


def _placed(choice: Choice, nodes: list[str], candidates: list[str], left: Mapping[str, str], variants: Mapping[str, Group]
            ) -> Placement:
    # Where only groups have it, the others need nothing to be without.
    parts = [Part(config_name(choice.tuning.id), tuple(left), None, left)] if left and choice.everywhere else []
    for group in sorted(set(variants.values()), key=lambda group: group.number):
        mine = tuple(node for node, found in variants.items() if found is group)
        parts.append(Part(config_name(choice.tuning.id, group.number), mine, group.options, dict.fromkeys(mine, group.says)))
    had = set(candidates) - left.keys()
    main = tuple(node for node in nodes if node in had and node not in variants) if choice.everywhere else ()
    return Placement(main, tuple(parts), frozenset(nodes) - had, left)


def group_of_nodes(view: View, choice: Choice) -> dict[str, Group]:
    """The group of each node that says something of this tuning."""
    found: dict[str, Group] = {}
    for group in choice.groups:
        for node in view.nodes or () if choice.groups else ():
            if group.selects(node["name"], read.mapping(node.get("labels")) or {}):
                found.setdefault(node["name"], group)
    return found


def _own_reasons(view: View, entry: Entry, choice: Choice) -> dict[str, str]:
    """Nodes that cannot have it, by their kernel or their devices."""
    tuning, found = choice.tuning, {}
    if tuning.off is None:
        return found
    if tuning.kernel:
        for node, kernel in limits.older_kernels(view, tuning.kernel)[0].items():
            found[node] = f"its kernel {kernel} is older than {tuning.kernel}"
    for finding in entry.refusals(view, tuning.options_on(view, choice.options)) if entry.refusals is not None else ():
        for node in finding.nodes if finding.local and finding.state is State.BLOCKED else ():
            found.setdefault(node, finding.reason.rstrip("."))
    return found


def _given_reasons(choice: Choice, grouped: Mapping[str, Group], verdicts: Mapping[str, Mapping[str, Any]]
                   ) -> dict[str, str]:
    """Nodes that are to be without it: a group says so, or what it needs is not there."""
    found = {node: group.says for node, group in grouped.items() if group.options is None and choice.everywhere}
    wanting = set(grouped) - found.keys()
    for need in choice.tuning.needs:
        if need.tuning in verdicts and matches(need.when, choice.options):
            for node in verdicts[need.tuning].get("without") or ():
                if choice.everywhere or node in wanting:
                    found.setdefault(node, f"it is without {need.tuning}")
    return found


def per_node_refusal(view: View, choice: Choice, nodes: Iterable[str]) -> str | None:
    """Why these nodes cannot have a configuration of their own of this tuning; None when they can."""
    if choice.tuning.off is None:
        return "it must be alike on all nodes"
    return api_refusal(view) or label_refusal(view, nodes)


def api_refusal(view: View) -> str | None:
    """Why no node of this cluster can have a configuration of its own."""
    old = [agent.node for agent in view.agents if not within(agent.version, SINCE)]
    if old or not within(view.chart, SINCE):
        return f"nodes have configurations of their own from Cilium {SINCE} on"
    return None if view.node_config_api else "the cluster serves no CiliumNodeConfig"


def label_refusal(view: View, nodes: Iterable[str]) -> str | None:
    """Why these nodes cannot be selected by their host name."""
    names = hostnames(view)
    shared = Counter(names.values())
    unfit = [node for node in nodes if node not in names or shared[names[node]] > 1]
    return f"{read.name_nodes(unfit)} has no label {HOSTNAME} of its own" if unfit else None


def hostnames(view: View) -> dict[str, str]:
    """The value of the label that says a node's host name, of those that have it."""
    found = {}
    for node in view.nodes or ():
        label = read.text((read.mapping(node.get("labels")) or {}).get(HOSTNAME))
        if label:
            found[node["name"]] = label
    return found


def selector(view: View, nodes: Iterable[str]) -> dict[str, Any]:
    """The label selector of these nodes."""
    names = hostnames(view)
    return {"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": [
        names[node] for node in sorted(nodes, key=read.natural)]}]}


def _none_left(choice: Choice, left: Mapping[str, str], by_themselves: bool) -> Placement:
    """Where kernels and devices alone leave no node, the refusals of the tuning say so in their own words."""
    if by_themselves:
        return EVERYWHERE
    if not left:
        return Placement((), finding=Finding(
            State.NOT_APPLICABLE, "No node of this cluster belongs to a group that asks for it.",
            "See the labels and names under nodes of fastpath_groups."))
    return Placement(finding=Finding(
        State.BLOCKED, f"No node is left for it: {_first(left)}.", f"Leave {choice.tuning.id} out of fastpath_tunings.",
        tuple(left)))


def _first(left: Mapping[str, str]) -> str:
    node = min(left, key=read.natural)
    more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
    return f"{read.name_nodes([node])} is left out{more}, as {left[node]}"


def _impossible(choice: Choice, left: Mapping[str, str], variants: Mapping[str, Group], own: Mapping[str, str], reason: str
                ) -> Placement:
    if left and left.keys() <= own.keys() and not variants:
        return EVERYWHERE
    nodes = tuple(left) if left.keys() - own.keys() else tuple(variants)
    why = {**{node: group.says for node, group in variants.items()}, **left}
    node = min(nodes, key=read.natural)
    return Placement(finding=Finding(
        State.BLOCKED, f"{read.name_nodes(nodes)} cannot be apart from the other nodes ({why[node]}): {reason}.",
        f"Let all nodes be alike in what {choice.tuning.id} is and needs, or leave it out of fastpath_tunings.", nodes))


def unmet(parts: Iterable[Part], keys: Iterable[str], off: Mapping[str, str]) -> Iterator[Finding]:
    """Keys that are wanted and that no text switches off for a single node."""
    missing = sorted(set(keys) - off.keys())
    for part in parts:
        if part.options is None and missing:
            yield Finding(
                State.BLOCKED, f"{read.name_nodes(part.nodes)} cannot be left out: no text of {', '.join(missing)} does so.",
                "Give these nodes sizes of their own in fastpath_groups, or leave the tuning out.", part.nodes)
