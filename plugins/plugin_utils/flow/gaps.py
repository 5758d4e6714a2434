# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is not known of a cluster. A verdict that would rest on it is UNKNOWN. Pure."""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import NEWEST, OLDEST, SAME_MAJOR, View, within

ACCESS = "Give the account get and list on it, see that the API answers, and run again."
AGENTS = "See that the agents run and that the account may exec into their pods, and run again."


def foundation(view: View) -> Iterator[Finding]:
    """What nothing can be judged without: agents, their versions, the chart's version, cilium-config."""
    if not view.facts:
        yield _unknown("The facts are no facts document of schema 1.", "Read the cluster with cilium_info.")
    elif not view.agents:
        yield _unknown(f"No Cilium agent could be read{view.why_unread('agents')}.", AGENTS)
    elif not view.read_agents:
        yield _unread_agents(view)
    elif view.config is None:
        yield _unknown(f"cilium-config could not be read{view.why_unread('config')}.", ACCESS)
    else:
        yield from _versions(view)


def partial(view: View) -> Iterator[Finding]:
    """What leaves a verdict open, although what is known may already rule a tuning out."""
    if len(view.read_agents) < len(view.agents):
        yield _unread_agents(view)
    yield from _missing_agents(view)
    if view.release is None and not view.has_no_release:
        yield _unknown(f"Cilium's Helm release could not be read{view.why_unread('release')}.", ACCESS)
    elif view.release is not None and view.values is None:
        yield _unknown("The values of the Helm release could not be read.", ACCESS)
    elif view.release is not None and view.manifest is None:
        why = view.why_unread("manifest_config")
        yield _unknown(f"cilium-config in the release's stored manifest could not be read{why}.", ACCESS)
    if read.listing(view.facts.get("node_configs")) is None:
        yield _unknown(f"CiliumNodeConfigs could not be read{view.why_unread('node_configs')}.", ACCESS)


def _versions(view: View) -> Iterator[Finding]:
    nodes = tuple(agent.node for agent in view.agents if agent.version is None)
    if nodes:
        yield _unknown(
            f"The version of the agent on {read.name_nodes(nodes)} is not known: neither its image's tag nor its status "
            "says it.", "Use images whose tag is a version such as v1.13.4.", nodes)
    for agent in view.agents:
        if agent.version and not within(agent.version, OLDEST, SAME_MAJOR):
            yield _beyond(f"The agent on {read.name_nodes([agent.node])}", agent.version, (agent.node,))
    if view.release is not None and view.chart is None:
        yield _unknown("The version of the release's chart is not known.", "See what `helm list` says of the release.")
    elif view.chart and not within(view.chart, OLDEST, SAME_MAJOR):
        yield _beyond("The release's chart", view.chart)


def _beyond(what: str, version: str, nodes: tuple[str, ...] = ()) -> Finding:
    return _unknown(
        f"{what} is of version {version}, and what Cilium does is known here from {OLDEST} to {NEWEST} only.",
        "Use a release of this collection that knows this version.", nodes)


def _unread_agents(view: View) -> Finding:
    silent = [agent for agent in view.agents if agent.problem is not None]
    nodes = tuple(agent.node for agent in silent)
    return _unknown(
        f"{len(silent)} of {len(view.agents)} agents could not be read ({read.name_nodes(nodes)}); the first one: "
        f"{(silent[0].problem or '').rstrip('.')}.", AGENTS, nodes)


def _missing_agents(view: View) -> Iterator[Finding]:
    desired = read.number((view.daemonset or {}).get("desired"))
    present = {agent.node for agent in view.agents}
    if desired is None:
        yield _unknown(f"How many agents there should be could not be read{view.why_unread('daemonset')}.", ACCESS)
    elif len(present) < desired:
        nodes = tuple(node["name"] for node in view.nodes or () if node["name"] not in present)
        where = f" (no agent on {read.name_nodes(nodes)})" if nodes else ""
        yield _unknown(f"{desired} agents should run and {len(present)} are there{where}.", AGENTS, nodes)


def _unknown(reason: str, way_out: str, nodes: tuple[str, ...] = ()) -> Finding:
    return Finding(State.UNKNOWN, reason, way_out, nodes)
