# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Takes a node out of service: cordoned, its pods evicted, so that PodDisruptionBudgets are respected; and back into it.

Pods of DaemonSets, static pods and those that ended stay. Whether a node was cordoned before is returned, and is the caller's
to keep: a node that somebody else cordoned is not to be put back into service.
"""
from __future__ import annotations

import time
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import (
    Cluster, Conflict, Failed, KubeError, NotFound, Throttled, Timeout)
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

POLL = 1.0
MIRROR = "kubernetes.io/config.mirror"
PASSING = ("unreachable", "timeout", "throttled")


class Wish(NamedTuple):
    """Which node; how long (seconds) its pods may take to go; whether data in emptyDir volumes may be lost."""

    node: str
    timeout: float = 300.0
    local_data: bool = False


def drain(cluster: Cluster, wish: Wish, check_mode: bool = False) -> Dict[str, Any]:
    """{changed, cordoned: whether it was so before, evicted: ["namespace/name"]}. Raises KubeError; what can be refused is
    refused before anything is changed."""
    node = cluster.get(path_of(wish))
    leaving = pods_to_leave(cluster, wish)
    refused = [reason for reason in (why_not(pod, wish) for pod in leaving) if reason]
    if refused:
        raise Failed("Node {0} is not drained: {1}.".format(wish.node, "; ".join(refused[:5])))
    former = cordoned(node)
    if not check_mode:
        set_cordoned(cluster, wish, True, former)
        evict(cluster, wish, leaving)
    return {"changed": not former or bool(leaving), "cordoned": former, "evicted": [name_of(pod) for pod in leaving]}


def uncordon(cluster: Cluster, wish: Wish, check_mode: bool = False) -> Dict[str, Any]:
    """The same for the way back into service. Raises KubeError."""
    former = cordoned(cluster.get(path_of(wish)))
    if not check_mode:
        set_cordoned(cluster, wish, False, former)
    return {"changed": former, "cordoned": former, "evicted": []}


def path_of(wish: Wish) -> str:
    return "/api/v1/nodes/{0}".format(wish.node)


def cordoned(node: dict) -> bool:
    return (node.get("spec") or {}).get("unschedulable") is True


def set_cordoned(cluster: Cluster, wish: Wish, wanted: bool, former: bool) -> None:
    if wanted != former:
        cluster.patch(path_of(wish), {"spec": {"unschedulable": True if wanted else None}})


def pods_to_leave(cluster: Cluster, wish: Wish) -> List[dict]:
    """Pods of the node that run, and that somebody else can run elsewhere."""
    found = cluster.list("/api/v1/pods", field_selector="spec.nodeName={0}".format(wish.node))
    return [pod for pod in found if not stays(pod)]


def stays(pod: dict) -> bool:
    """Whether it is bound to its node, or has ended."""
    metadata = pod.get("metadata") or {}
    return (MIRROR in (metadata.get("annotations") or {}) or controller(pod) == "DaemonSet"
            or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"))


def controller(pod: dict) -> Optional[str]:
    """The kind of whoever would make it anew; None where nobody would."""
    owners = (pod.get("metadata") or {}).get("ownerReferences") or []
    return next((str(owner.get("kind")) for owner in owners if owner.get("controller") is True), None)


def why_not(pod: dict, wish: Wish) -> Optional[str]:
    """Why a pod may not be evicted, as a part of a sentence."""
    if controller(pod) is None:
        return "nobody would make pod {0} anew (it has no controller)".format(name_of(pod))
    volumes = (pod.get("spec") or {}).get("volumes") or []
    if not wish.local_data and any("emptyDir" in volume for volume in volumes):
        return "pod {0} would lose what it keeps in an emptyDir volume (fastpath_drain_local_data allows that)".format(name_of(pod))
    return None


def name_of(pod: dict) -> str:
    metadata = pod.get("metadata") or {}
    return one_line("{0}/{1}".format(metadata.get("namespace"), metadata.get("name")), 200)


def evict(cluster: Cluster, wish: Wish, pods: List[dict]) -> None:
    """Until none of them is left. Raises Timeout that names those that are, and why."""
    deadline = time.monotonic() + wish.timeout
    left = [(pod, "") for pod in pods]
    while left:
        left = [(pod, said) for pod, said in ((pod, attempt(cluster, pod)) for pod, _said in left) if said is not None]
        if left and time.monotonic() >= deadline:
            told = ["{0}{1}".format(name_of(pod), " ({0})".format(said) if said else "") for pod, said in left[:5]]
            raise Timeout("Node {0} was not drained within {1:g} s; still there: {2}.".format(
                wish.node, wish.timeout, ", ".join(told)))
        if left:
            time.sleep(min(POLL, wish.timeout / 20))


def attempt(cluster: Cluster, pod: dict) -> Optional[str]:
    """None where the pod is gone, else what keeps it ("": it is on its way)."""
    metadata = pod["metadata"]
    path = "/api/v1/namespaces/{0}/pods/{1}".format(metadata["namespace"], metadata["name"])
    try:
        now = cluster.get(path)
        if now["metadata"].get("uid") != metadata.get("uid"):
            return None  # another pod of this name, made anew
        if now["metadata"].get("deletionTimestamp"):
            return ""
        cluster.post(path + "/eviction", {
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
            "deleteOptions": {"preconditions": {"uid": metadata.get("uid")}}})
        return ""
    except (NotFound, Conflict):
        return None if gone(cluster, path, metadata.get("uid")) else ""
    except Throttled as error:
        return one_line(error.message, 200).rstrip(".")  # a PodDisruptionBudget does not let it go yet
    except KubeError as error:
        if error.kind not in PASSING:
            raise
        return one_line(error.message, 200).rstrip(".")


def gone(cluster: Cluster, path: str, uid: Optional[str]) -> bool:
    try:
        return bool(cluster.get(path)["metadata"].get("uid") != uid)
    except NotFound:
        return True
