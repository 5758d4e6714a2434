# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What keeps a plan from being applied although its tunings could be: release, owner, edits by hand, health. Pure."""
from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_values import with_changes
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import NEWEST, Agent, View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import owners
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import NEWER_CILIUM


def find(view: View, values: Sequence[Mapping[str, Any]], acknowledged: Collection[str] = (), owner_apply: bool = False
         ) -> list[dict[str, Any]]:
    """Entries for `blocked`, of the cluster as a whole (tuning None).

    `values`: what the steps would set, in order: Helm values, or cilium-config keys where there is no release.
    `acknowledged`: names; NEWER_CILIUM among them lets a Cilium be changed that is newer than what is known here.
    `owner_apply`: whether the owner's own object may be changed here, where that can be done.
    """
    wanted = ", then, once every agent has restarted, ".join(
        json.dumps(change if view.values is None else with_changes({}, dict(change)), sort_keys=True) for change in values)
    paths = {path for change in values for path in change}
    found = [*_newer(view, acknowledged), *_release(view, wanted, owner_apply), *owners.find(view, wanted, paths, owner_apply),
             *_nodes(view), *_rollout(view)]
    return [{"tuning": None, "state": str(state), "reason": reason, "way_out": way_out} for state, reason, way_out in found]


Obstacle = tuple[State, str, str]


def _newer(view: View, acknowledged: Collection[str]) -> Iterator[Obstacle]:
    if view.newer and NEWER_CILIUM not in acknowledged:
        yield (State.BLOCKED, f"Cilium {view.newer} is newer than what is known here (up to {NEWEST}): what its agents refuse or "
               "leave out may have changed.", f"Use a newer release of this collection, or add {NEWER_CILIUM} to "
               "fastpath_acknowledge to have it changed as if it were that version.")


def _release(view: View, wanted: str, owner_apply: bool) -> Iterator[Obstacle]:
    if view.release is None and owners.is_foreign(view):
        if owner_apply and not owners.is_print_only(view):
            yield (State.UNKNOWN, f"The release of the HelmChart could not be read{view.why_unread('release')}, or is not there "
                   "yet, so there are no values to go back to.", "Wait until its job is done, and give the account get and "
                   "list on secrets of the release's namespace; then run again.")
        return  # the owner is what has to be told
    if view.release is None:
        yield (State.BLOCKED, "No Helm release installed Cilium here, so there are no values to set and none to go back to.",
               _other_name(view) or f"Set these keys of cilium-config where Cilium's manifests come from: {wanted}; or name "
               "the release with fastpath_release_name and fastpath_release_namespace.")
        return
    status, revision = one_line(view.release.get("status"), 40), one_line(view.release.get("revision"), 20)
    if status != "deployed":
        yield (State.BLOCKED, f"Revision {revision} of the Helm release is {status}, not deployed.", _way_back(view.release))


def _other_name(view: View) -> str | None:
    """Where Helm's own mark on the DaemonSet names a release that is there, it is that one that is meant."""
    release = read.mapping((owners.of(view) or {}).get("release"))
    if release is None:
        return None
    name, namespace = (one_line(release.get(key), 60) for key in ("name", "namespace"))
    return f"The release is named {name}: set fastpath_release_name={name} and fastpath_release_namespace={namespace}."


def _way_back(release: Mapping) -> str:
    name, namespace = one_line(release.get("name"), 60), one_line(release.get("namespace"), 60)
    good = [entry.get("revision") for entry in map(read.mapping, read.listing(release.get("history")) or [])
            if entry and entry.get("status") in ("deployed", "superseded") and read.number(entry.get("revision"))]
    target = max(good, default=None)
    if target is None:
        return "Wait for a Helm run that is still going on, else repair the release, then run again."
    return (f"Wait for a Helm run that is still going on; take back a run of ours that was killed with rollback.yml, anything "
            f"else with helm rollback {name} {target} -n {namespace}; then run again.")


def _nodes(view: View) -> Iterator[Obstacle]:
    if view.nodes is None:
        yield (State.UNKNOWN, f"The nodes could not be read{view.why_unread('nodes')}, so there is no safe order.",
               "Give the account list on nodes, and run again.")
        return
    ready = {node["name"]: node.get("ready") for node in view.nodes}
    for agent in view.agents:
        reason = _unhealthy(agent, ready.get(agent.node))
        if reason:
            yield (State.BLOCKED, f"{one_line(agent.node, 80)} is not healthy: {reason}.",
                   "Repair the node or its agent first; a restart elsewhere would make it two.")


def _unhealthy(agent: Agent, node_ready: Any) -> str | None:
    if node_ready is not True:
        return "the node is not Ready" if node_ready is False else "nothing is known of the node"
    if agent.ready is not True or agent.waiting:
        return f"its agent is not Ready{f' ({one_line(agent.waiting, 80)})' if agent.waiting else ''}"
    return "its agent says Failure of itself" if agent.live("health") == "failure" else None


def _rollout(view: View) -> Iterator[Obstacle]:
    found = view.daemonset or {}
    observed = found.get("generation") == found.get("observed_generation")
    rolling = found.get("update_strategy") != "OnDelete" and found.get("updated") != found.get("desired")
    if not observed or rolling:
        yield (State.BLOCKED, "The DaemonSet of the agents is being rolled out by somebody else.",
               "Wait until kubectl rollout status of it is done, then run again.")
