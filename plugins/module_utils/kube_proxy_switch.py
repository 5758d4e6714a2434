# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keeps kube-proxy's DaemonSet off all nodes by a node selector that none fits, and lets it come back.

Nothing is deleted, so that the way back restores exactly what was there. What somebody else made of the node selector
meanwhile is kept.
"""
from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_agents, cilium_facts, kube_proxy_facts
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import (
    Cluster, Conflict, KubeError, NotFound, Timeout)
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

# No node has this label. A node that is given it on purpose gets kube-proxy.
KEPT_OFF = {"fastpath.cilium/kube-proxy": "kept-off"}
POLL = 1.0

Selector = Dict[str, str]


class Switch(NamedTuple):
    """Which DaemonSet, what its node selector was before it was kept off (None: whatever it is now), and how long (seconds)
    its pods may take to go or to come."""

    namespace: str = "kube-system"
    name: str = "kube-proxy"
    former: Optional[Selector] = None
    timeout: float = 300.0


def keep_off(cluster: Cluster, wish: Switch, check_mode: bool = False) -> Dict[str, Any]:
    """Outcome, see `change`. Raises KubeError, Conflict where the node selector is neither the former one nor ours."""
    return change(cluster, wish, True, check_mode)


def restore(cluster: Cluster, wish: Switch, check_mode: bool = False) -> Dict[str, Any]:
    """The same for the way back."""
    return change(cluster, wish, False, check_mode)


def change(cluster: Cluster, wish: Switch, off: bool, check_mode: bool) -> Dict[str, Any]:
    """{changed, namespace, name, former: {..} (without our label), node_selector: {..} (as it is now, or would be)}"""
    daemonset = read(cluster, wish)
    found = kube_proxy_facts.node_selector(daemonset)
    former = plain(found) if wish.former is None else dict(wish.former)
    require_known(wish, found, former)
    wanted = dict(former, **KEPT_OFF) if off else former
    if found != wanted and not check_mode:
        patch(cluster, wish, daemonset, off)
    if not check_mode:
        wait(wish, (lambda: gone(cluster, wish)) if off else (lambda: back(cluster, wish)))
    return {"changed": found != wanted, "namespace": wish.namespace, "name": wish.name, "former": former,
            "node_selector": wanted, "found": found}


def plain(selector: Selector) -> Selector:
    """A node selector without our label."""
    return {key: value for key, value in selector.items() if key not in KEPT_OFF}


def require_known(wish: Switch, found: Selector, former: Selector) -> None:
    """Somebody else's change is not overwritten."""
    if found not in (former, dict(former, **KEPT_OFF)):
        raise Conflict("The node selector of DaemonSet {0}/{1} is {2}, where {3} was expected: somebody else changed it, "
                       "and theirs is kept. Look at it, then run again.".format(
                           wish.namespace, wish.name, shown(found), shown(former)))


def shown(selector: Selector) -> str:
    """A node selector in a sentence."""
    return one_line(", ".join("{0}={1}".format(key, selector[key]) for key in sorted(selector)) or "empty", 200)


def path_of(wish: Switch) -> str:
    """Path of the DaemonSet."""
    return "/apis/apps/v1/namespaces/{0}/daemonsets/{1}".format(wish.namespace, wish.name)


def read(cluster: Cluster, wish: Switch) -> dict:
    """The DaemonSet."""
    try:
        return cluster.get(path_of(wish))
    except NotFound:
        raise NotFound("DaemonSet {0}/{1} is not there (any more): somebody else removed it; put it back from what "
                       "kube-proxy was installed with.".format(wish.namespace, wish.name)) from None


def patch(cluster: Cluster, wish: Switch, daemonset: dict, off: bool) -> None:
    """Add or remove our label, unless the object changed since it was read."""
    label = KEPT_OFF if off else dict.fromkeys(KEPT_OFF)
    body = {"metadata": {"resourceVersion": daemonset["metadata"]["resourceVersion"]},
            "spec": {"template": {"spec": {"nodeSelector": label}}}}
    try:
        cluster.patch(path_of(wish), body)
    except Conflict:
        raise Conflict("DaemonSet {0}/{1} was changed by somebody else at the same moment: look at it, then run "
                       "again.".format(wish.namespace, wish.name)) from None


def gone(cluster: Cluster, wish: Switch) -> Optional[str]:
    """What is still to come until no pod is left; None when that is so."""
    daemonset = read(cluster, wish)
    if not observed(daemonset):
        return "its controller has not taken up the change"
    left = pods(cluster, wish, daemonset)
    return "{0} of its pods are still there, on {1}".format(len(left), ", ".join(left[:5])) if left else None


def pods(cluster: Cluster, wish: Switch, daemonset: dict) -> List[str]:
    """Nodes that still have one of its pods."""
    return sorted(kube_proxy_facts.node_of(pod) for pod in own_pods(cluster, wish, daemonset))


def own_pods(cluster: Cluster, wish: Switch, daemonset: dict) -> List[dict]:
    """Its pods."""
    labels = (daemonset["spec"].get("selector") or {}).get("matchLabels") or {}
    selector = ",".join("{0}={1}".format(key, labels[key]) for key in sorted(labels))
    found = cluster.list("/api/v1/namespaces/{0}/pods".format(wish.namespace), label_selector=selector)
    return [pod for pod in found if owned(pod, wish.name)]


def owned(pod: dict, name: str) -> bool:
    """True for pods of the DaemonSet."""
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") == "DaemonSet" and owner.get("name") == name for owner in owners)


def back(cluster: Cluster, wish: Switch) -> Optional[str]:
    """What is still to come until each node that fits and is Ready has a Ready pod; None when that is so.

    A node that is lost cannot bring its pod back, and is no reason to leave all others as they are.
    """
    daemonset = read(cluster, wish)
    if not observed(daemonset):
        return "its controller has not taken up the change"
    wanted, updated, ready = counts(daemonset)
    if updated == ready == wanted or 0 < wanted - min(updated, ready) <= len(lost(cluster, wish, daemonset)):
        return None
    return "{0} of {1} nodes have a Ready pod of it".format(min(updated, ready), wanted)


def lost(cluster: Cluster, wish: Switch, daemonset: dict) -> List[str]:
    """Nodes that fit and are not Ready, and have no Ready pod of it."""
    selector = kube_proxy_facts.node_selector(daemonset)
    served = {kube_proxy_facts.node_of(pod) for pod in own_pods(cluster, wish, daemonset) if cilium_agents.is_ready(pod)}
    nodes = [cilium_facts.describe_node(item) for item in cluster.list("/api/v1/nodes")]
    return [node["name"] for node in nodes
            if not node["ready"] and node["name"] not in served and selector.items() <= node["labels"].items()]


def observed(daemonset: dict) -> bool:
    """Whether the status is that of the spec as it is now."""
    return bool(kube_proxy_facts.observed(daemonset))


def counts(daemonset: dict) -> Tuple[int, int, int]:
    """How many pods there shall be, are of the newest template, and are Ready."""
    status = daemonset["status"]
    return (status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0), status.get("numberReady", 0))


def wait(wish: Switch, missing: Callable[[], Optional[str]]) -> None:
    """Until nothing is missing; an API server that is away for a moment is waited for."""
    deadline = time.monotonic() + wish.timeout
    while True:
        try:
            found = missing()
        except (Conflict, NotFound):
            raise
        except KubeError as error:
            if error.kind not in ("unreachable", "timeout", "throttled"):
                raise
            found = error.message
        if found is None:
            return
        if time.monotonic() >= deadline:
            raise Timeout("DaemonSet {0}/{1} did not get where it should within {2:g} s: {3}.".format(
                wish.namespace, wish.name, wish.timeout, found.rstrip(".")))
        time.sleep(min(POLL, wish.timeout / 20))
