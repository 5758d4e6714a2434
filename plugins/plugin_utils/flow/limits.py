# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What versions and kernels rule out, alike for every tuning. Pure."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.versions import kernel_version, parse_version
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, Options, State, Tuning
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View, within


def find(view: View, tuning: Tuning, options: Options) -> Iterator[Finding]:
    """Chart, agents and kernels that are too old for a tuning or its options, and kernels that are not known."""
    if tuning.since:
        yield from _versions(view, tuning.since, "it", f"Upgrade Cilium to {tuning.since} or later.")
    yield from _options(view, tuning, options)
    if tuning.kernel:
        yield from kernels(view, tuning.kernel)


def _options(view: View, tuning: Tuning, options: Options) -> Iterator[Finding]:
    """What is asked for and newer than the tuning; options of one version go together, as one is left with the other."""
    newer: dict[str, list[Any]] = {}
    for option in tuning.options:
        since = option.known_since(options.get(option.name))
        if since:
            newer.setdefault(since, []).append(option)
    for since, chosen in newer.items():
        what = " and ".join(f"{option.name} {options[option.name]}" for option in chosen)
        instead = ", ".join(f"{option.name}: {option.instead()}" for option in chosen)
        yield from _versions(view, since, what, f"Upgrade Cilium to {since} or later, or set the options of {tuning.id} to "
                             f"{{{instead}}}.")


def _versions(view: View, since: str, what: str, way_out: str) -> Iterator[Finding]:
    old = tuple(agent.node for agent in view.agents if agent.version and not within(agent.version, since))
    if old:
        yield Finding(State.BLOCKED, f"Agents know {what} from {since} on, and those on {read.name_nodes(old)} are older.",
                      way_out, old)
    elif view.chart and not within(view.chart, since):
        yield Finding(State.BLOCKED, f"The chart knows {what} from {since} on, and the release's is {view.chart}.", way_out)


def older_kernels(view: View, least: str) -> tuple[dict[str, str], list[str]]:
    """(nodes with an agent whose kernel is older, each with its kernel; those whose kernel is not known)."""
    old, unknown = {}, []
    known = {node["name"]: read.text(node.get("kernel")) for node in view.nodes or ()}
    for agent in view.agents:
        version = kernel_version(known.get(agent.node))
        if version is None:
            unknown.append(agent.node)
        elif version < (parse_version(least) or ()):
            old[agent.node] = known[agent.node] or ""
    return old, unknown


def kernels(view: View, least: str) -> Iterator[Finding]:
    """Nodes with an agent whose kernel is older than this version, or not known."""
    old, unknown = older_kernels(view, least)
    if old:
        yield Finding(
            State.BLOCKED, f"It needs kernel {least} or newer, and {read.name_nodes(old)} run an older one "
            f"({old[min(old, key=read.natural)]}).",
            f"Upgrade the kernel there to {least} or newer, or leave this tuning out.", tuple(old))
    if unknown:
        yield Finding(State.UNKNOWN, f"The kernel of {read.name_nodes(unknown)} is not known{view.why_unread('nodes')}.",
                      "Give the account list on nodes, and run again.", tuple(unknown))
