# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The hosts of a cluster as the node catalogue asks for them: one for each node, whether or not its host is known. Pure."""
from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import hosts
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Policy


def of(view: View, policy: Policy) -> list[Host]:
    """One for each node, in natural order; empty where the inventory has no hosts.

    A node whose host is not there (or was not reached) has its own name and the problem in place of facts. Hosts of the
    inventory that are no node of this cluster are not its business. Where the nodes could not be read, all hosts stand there
    with what they have for a problem.
    """
    if not view.hosts:
        return []
    members = _by_node(view, policy) if view.nodes is not None else _unmatched(view, policy)
    return sorted(members, key=lambda host: read.natural(host.name))


def _by_node(view: View, policy: Policy) -> Iterator[Host]:
    taken = {name for node in view.nodes or () if (name := view.host_name(node["name"]))}
    without: Mapping[str, str] | None = None
    for node in view.nodes or ():
        name, facts = view.host_name(node["name"]), view.host(node["name"])
        if name and facts:
            yield Host(name, facts, node, view, policy)
            continue
        without = _without_host(view) if without is None else without
        problem = without.get(node["name"], "No host of the inventory is this node: add it there, or run again.")
        yield Host(_free(node["name"], taken), None, node, view, policy, problem)


def _free(node: str, taken: Collection[str]) -> str:
    """The node's name, told apart from a host that is called so and is another node."""
    return node if node not in taken else f"{node} (node)"


def _without_host(view: View) -> Mapping[str, str]:
    there = {str(entry["host"]): entry["facts"] for entry in view.hosts if read.mapping(entry.get("facts"))}
    found: dict[str, Any] = hosts.match(list(view.nodes or ()), there)
    return found["without_host"]


def _unmatched(view: View, policy: Policy) -> Iterator[Host]:
    for entry in view.hosts:
        problem = read.text(entry.get("problem")) or "It is not known which node it is."
        yield Host(str(entry.get("host")), None, None, view, policy, problem)
