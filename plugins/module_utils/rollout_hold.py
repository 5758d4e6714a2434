# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keeps a roll-out ours: an upgrade must not make the DaemonSet controller restart agents past our gates.

The controller restarts agents by itself (two at a time in Cilium's charts) when the pod template changes. Where an
upgrade would do that, it also sets the update strategy OnDelete; when all agents were restarted by us, the user's own
strategy is put back ("the hold is released").
"""
from __future__ import annotations

import copy
from typing import Any, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.manifests import resource_of

DAEMONSET = "cilium"
# null takes the chart's default maxUnavailable away, which the API does not accept beside OnDelete.
HELD_STRATEGY = {"type": "OnDelete", "rollingUpdate": None}
STRATEGIC_MERGE = "application/strategic-merge-patch+json"


def held(values: dict) -> dict:
    """A copy of user values with the strategy that waits for us."""
    return dict(copy.deepcopy(values), updateStrategy=dict(HELD_STRATEGY))


def restored(values: dict, former: dict) -> dict:
    """A copy of user values with updateStrategy as it was in `former`, or without it."""
    result = copy.deepcopy(values)
    result.pop("updateStrategy", None)
    if "updateStrategy" in former:
        result["updateStrategy"] = copy.deepcopy(former["updateStrategy"])
    return result


def hold_required(stored: Optional[dict], rendered: Optional[dict], live: Optional[dict],
                  applied: Optional[dict]) -> bool:
    """True when applying `rendered` would make the DaemonSet controller restart agents by itself.

    stored:   the DaemonSet in the manifest that is in force (None = none in it)
    rendered: the DaemonSet in the manifest to come
    live:     the DaemonSet in the cluster with its status (None = not there, so no agent can be restarted)
    applied:  the live DaemonSet as the API server says it would be with `rendered`'s pod template: shows what a live
              edit makes different
    """
    if rendered is None or live is None or strategy_of(rendered) == "OnDelete":
        return False
    return (template_of(stored) != template_of(rendered) or template_of(applied) != template_of(live)
            or (strategy_of(live) == "OnDelete" and outdated(live) != 0))


def strategy_of(daemonset: dict) -> str:
    """RollingUpdate or OnDelete; RollingUpdate is what the API server sets where nothing is written."""
    strategy = (daemonset.get("spec") or {}).get("updateStrategy") or {}
    return strategy.get("type") or "RollingUpdate"


def template_of(daemonset: Optional[dict]) -> Any:
    return ((daemonset or {}).get("spec") or {}).get("template")


def outdated(live: dict) -> int:
    """How many agents do not run the newest pod template; -1 while the controller has not looked at it yet."""
    status = live.get("status") or {}
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return -1
    return status.get("desiredNumberScheduled", 0) - status.get("updatedNumberScheduled", 0)


def path_of(namespace: str) -> str:
    return "/apis/apps/v1/namespaces/{0}/daemonsets/{1}".format(namespace, DAEMONSET)


def read_live(cluster: Any, namespace: str) -> Optional[dict]:
    """The agents' DaemonSet, or None when there is none. Raises KubeError."""
    try:
        return cluster.get(path_of(namespace))
    except NotFound:
        return None


def read_applied(cluster: Any, namespace: str, rendered: dict) -> dict:
    """The live DaemonSet as it would be with this pod template, with all defaults; a dry run, nothing is changed."""
    body = {"spec": {"template": without_nulls(template_of(rendered))}}
    return cluster.patch(path_of(namespace) + "?dryRun=All", body, STRATEGIC_MERGE)


def without_nulls(tree: Any) -> Any:
    """In a patch null means removal; in a manifest it means nothing at all."""
    if isinstance(tree, dict):
        return {key: without_nulls(value) for key, value in tree.items() if value is not None}
    return [without_nulls(item) for item in tree] if isinstance(tree, list) else tree


def would_restart(cluster: Any, namespace: str, stored_manifest: str, new_manifest: str) -> bool:
    """hold_required for two manifests and the cluster as it is. Raises KubeError."""
    stored = resource_of(stored_manifest, "DaemonSet", DAEMONSET)
    rendered = resource_of(new_manifest, "DaemonSet", DAEMONSET)
    live = read_live(cluster, namespace)
    if live is None or rendered is None or strategy_of(rendered) == "OnDelete":
        return False
    return hold_required(stored, rendered, live, read_applied(cluster, namespace, rendered))
