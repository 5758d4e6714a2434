# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What versions and kernels rule out, alike for every tuning. Pure."""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.module_utils.versions import kernel_version, parse_version
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, State, Tuning
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View, within


def find(view: View, tuning: Tuning) -> Iterator[Finding]:
    """Chart, agents and kernels that are too old for a tuning, and kernels that are not known."""
    if tuning.since:
        yield from _versions(view, tuning.since)
    if tuning.kernel:
        yield from kernels(view, tuning.kernel)


def _versions(view: View, since: str) -> Iterator[Finding]:
    old = tuple(agent.node for agent in view.agents if agent.version and not within(agent.version, since))
    upgrade = f"Upgrade Cilium to {since} or later."
    if old:
        yield Finding(State.BLOCKED, f"Agents know it from {since} on, and the agents on {read.name_nodes(old)} are older.", upgrade, old)
    elif view.chart and not within(view.chart, since):
        yield Finding(State.BLOCKED, f"The chart knows it from {since} on, and the release's is {view.chart}.", upgrade)


def kernels(view: View, least: str) -> Iterator[Finding]:
    """Nodes with an agent whose kernel is older than this version, or not known."""
    old, unknown = [], []
    known = {node["name"]: read.text(node.get("kernel")) for node in view.nodes or ()}
    for agent in view.agents:
        version = kernel_version(known.get(agent.node))
        if version is None:
            unknown.append(agent.node)
        elif version < (parse_version(least) or ()):
            old.append(agent.node)
    if old:
        yield Finding(
            State.BLOCKED, f"It needs kernel {least} or newer, and {read.name_nodes(old)} run an older one "
            f"({known.get(sorted(old, key=read.natural)[0])}).",
            f"Upgrade the kernel there to {least} or newer, or leave this tuning out.", tuple(old))
    if unknown:
        yield Finding(State.UNKNOWN, f"The kernel of {read.name_nodes(unknown)} is not known{view.why_unread('nodes')}.",
                      "Give the account list on nodes, and run again.", tuple(unknown))
