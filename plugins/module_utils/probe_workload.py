# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Deploys a probe's backends, tells how they are reached, and removes them; leaves a namespace of somebody else alone."""
from __future__ import annotations

import ipaddress
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, Iterable, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import probe_objects as objects
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import (
    Cluster, Conflict, Denied, Failed, KubeError, NotFound, Timeout)
from ansible_collections.fastpath.cilium.plugins.module_utils.probe_objects import Wish
from ansible_collections.fastpath.cilium.plugins.module_utils.progress import Progress
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

PAUSE = 0.5  # seconds between two looks
AT_ONCE = 16
NOT_READY = "the node is not Ready"
ACCOUNT_WITHIN = 20.0  # seconds in which a new namespace gets the service account that pods need
# What waiting does not mend.
HOPELESS = ("ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError")


def deploy(cluster: Cluster, wish: Wish, check_mode: bool = False, progress: Optional[Progress] = None) -> Dict[str, Any]:
    """{changed, namespace, backends: [{node, hostname, ready, why: str|null, families: [..], ports: {tcp, udp}}],
    nodes: [{node, addresses: [..], entries: {family: address}}]}, no backends in check mode.

    Raises KubeError, with nothing left behind, but for what is told in the message.
    """
    nodes = wanted_nodes(cluster, wish)
    found = look(cluster, wish.namespace)
    refuse_foreign(found, wish.namespace)
    described = [describe_node(node, wish.address_type) for node in nodes]
    if check_mode:
        return {"changed": True, "namespace": wish.namespace, "backends": [], "nodes": described}
    if found is not None and (run_of(found) != wish.run_id or leaving(found)):
        remove(cluster, wish.namespace, wish.timeout)  # what a killed run left
        found = None
    try:
        made = create(cluster, wish, nodes, found)
        backends = await_ready(cluster, wish, nodes, progress or Progress(None))
    except KubeError as error:
        raise cleaned(cluster, wish, error) from None
    return {"changed": made, "namespace": wish.namespace, "backends": backends, "nodes": described}


def cleaned(cluster: Cluster, wish: Wish, error: KubeError) -> KubeError:
    """The error, after nothing is left behind; it says so where something is."""
    try:
        remove(cluster, wish.namespace, wish.timeout)
    except KubeError as more:
        return type(error)("{0} Its namespace {1} could not be removed either: {2}".format(
            error.message, wish.namespace, more.message), error.status)
    return error


def wanted_nodes(cluster: Cluster, wish: Wish) -> List[dict]:
    """The nodes, by name. Raises NotFound for one that is not there."""
    found = {node["metadata"]["name"]: node for node in cluster.list("/api/v1/nodes")}
    missing = [name for name in wish.nodes or [] if name not in found]
    if missing:
        raise NotFound("There is no node {0} in the cluster.".format(", ".join(missing[:5])))
    return [found[name] for name in sorted(found) if wish.nodes is None or name in wish.nodes]


def look(cluster: Cluster, namespace: str) -> Optional[dict]:
    """The namespace; None where there is none."""
    try:
        return cluster.get("/api/v1/namespaces/{0}".format(namespace))
    except NotFound:
        return None


def refuse_foreign(found: Optional[dict], name: str) -> None:
    """Raises Conflict for a namespace that is not ours."""
    labels = ((found or {}).get("metadata") or {}).get("labels") or {}
    if found is not None and (labels.get(objects.OWNER[0]) != objects.OWNER[1] or not labels.get(objects.RUN)):
        raise Conflict("Namespace {0} is there and bears no labels {1}={2} and {3}, so it is somebody else's and stays as "
                       "it is: give the probe another one (fastpath_probe_namespace).".format(
                           name, *objects.OWNER, objects.RUN))


def run_of(found: dict) -> Optional[str]:
    """Id of the run that made the namespace."""
    return found["metadata"]["labels"].get(objects.RUN)


def leaving(found: dict) -> bool:
    """Whether it is being removed."""
    return bool(found["metadata"].get("deletionTimestamp"))


def remove(cluster: Cluster, namespace: str, timeout: float = 120.0, check_mode: bool = False) -> Dict[str, Any]:
    """{changed, namespace, run_id: str|null}: removed with all that is in it, whichever run made it. Raises KubeError."""
    found = look(cluster, namespace)
    refuse_foreign(found, namespace)
    if found is None:
        return {"changed": False, "namespace": namespace, "run_id": None}
    result = {"changed": True, "namespace": namespace, "run_id": run_of(found)}
    if check_mode:
        return result
    path, deadline = "/api/v1/namespaces/{0}".format(namespace), time.monotonic() + timeout
    if not leaving(found):
        try:
            conditions = {"uid": found["metadata"]["uid"]}
            cluster.delete(path, {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions})
        except NotFound:
            return result
    gone(cluster, namespace, found["metadata"]["uid"], deadline)
    return result


def gone(cluster: Cluster, namespace: str, uid: str, deadline: float) -> None:
    """Wait until it is gone. Raises Timeout with what keeps it."""
    while True:
        found = look(cluster, namespace)
        if found is None or found["metadata"]["uid"] != uid:
            return
        if time.monotonic() >= deadline:
            raise Timeout("Namespace {0} is still being removed{1}: see kubectl get namespace {0} -o yaml.".format(
                namespace, kept_by(found)))
        time.sleep(PAUSE)


def kept_by(found: dict) -> str:
    """What its conditions say."""
    conditions = (found.get("status") or {}).get("conditions") or []
    said = [one_line(entry.get("message"), 200) for entry in conditions if entry.get("status") == "True"]
    return " ({0})".format("; ".join(said)) if said else ""


def create(cluster: Cluster, wish: Wish, nodes: List[dict], found: Optional[dict]) -> bool:
    """Everything that is not there; whether anything was not."""
    base = "/api/v1/namespaces/{0}".format(wish.namespace)
    copy = pull_secret(cluster, wish)
    made = [] if found else [cluster.post("/api/v1/namespaces", objects.namespace(wish))]
    if copy is not None:
        made += filter(None, [once(cluster, base + "/secrets", copy)])
    names = [node["metadata"]["name"] for node in nodes if is_ready(node)]
    if names:
        made += filter(None, [patiently(cluster, base + "/pods", objects.pod(wish, names[0]))])
    made += in_parallel(lambda name: once(cluster, base + "/pods", objects.pod(wish, name)), names[1:])
    made += in_parallel(lambda name: once(cluster, base + "/services", objects.service(wish, name)), names)
    return bool(made)


def in_parallel(call: Callable[[str], Any], names: Iterable[str]) -> List[Any]:
    """What the calls made. Raises the first error."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return [result for result in pool.map(call, names) if result]


def once(cluster: Cluster, path: str, body: dict) -> Optional[dict]:
    """The object that was made; None where it was there."""
    try:
        return cluster.post(path, body)
    except Conflict:
        return None


def patiently(cluster: Cluster, path: str, body: dict) -> Optional[dict]:
    """The first pod: a new namespace lacks its service account for a moment."""
    deadline = time.monotonic() + ACCOUNT_WITHIN
    while True:
        try:
            return once(cluster, path, body)
        except Denied as error:
            if "serviceaccount" not in error.message.lower() or time.monotonic() >= deadline:
                raise
            time.sleep(PAUSE)


def pull_secret(cluster: Cluster, wish: Wish) -> Optional[dict]:
    """A copy of it. Raises Failed for what is no pull secret."""
    if not wish.pull_secret:
        return None
    where, name = wish.pull_secret
    found = cluster.get("/api/v1/namespaces/{0}/secrets/{1}".format(where, name))
    if found.get("type") not in ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"):
        raise Failed("Secret {0}/{1} is no pull secret: its type is {2}.".format(
            where, name, one_line(found.get("type"), 60)))
    return objects.secret(wish, found)


def await_ready(cluster: Cluster, wish: Wish, nodes: List[dict], progress: Progress) -> List[Dict[str, Any]]:
    """The backends, once all that can be are ready, or the time is over."""
    deadline, base = time.monotonic() + wish.timeout, "/api/v1/namespaces/{0}".format(wish.namespace)
    while True:
        pods = {pod["metadata"]["name"]: pod for pod in cluster.list(base + "/pods")}
        reasons = {node["metadata"]["name"]: why_not(node, pods.get(objects.name_of(wish.run_id, node["metadata"]["name"])))
                   for node in nodes}
        open_ones = [name for name, why in reasons.items()
                     if why and not any(word in why for word in HOPELESS + (NOT_READY,))]
        if not open_ones or time.monotonic() >= deadline:
            break
        progress.waiting("probe", "waiting for {0} backends, such as that of {1}: {2}".format(
            len(open_ones), open_ones[0], reasons[open_ones[0]]))
        time.sleep(PAUSE)
    services = {service["metadata"]["name"]: service for service in cluster.list(base + "/services")}
    return [describe(wish, name, why, services) for name, why in reasons.items()]


def is_ready(node: dict) -> bool:
    """Whether the node is Ready."""
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(entry.get("type") == "Ready" and entry.get("status") == "True" for entry in conditions)


def why_not(node: dict, pod: Optional[dict]) -> Optional[str]:
    """Why a node's backend cannot answer yet; None where it can."""
    if pod is None:
        return NOT_READY if not is_ready(node) else "its pod is not there"
    status = pod.get("status") or {}
    if any(entry.get("type") == "Ready" and entry.get("status") == "True" for entry in status.get("conditions") or []):
        return None
    for container in status.get("containerStatuses") or []:
        for state in ("waiting", "terminated"):
            said = (container.get("state") or {}).get(state)
            if said:
                return one_line(": ".join(filter(None, [said.get("reason"), said.get("message")])), 300) or "it does not run"
    # A kubelet that does not take the pod in says why in the pod itself.
    said = [one_line(status.get(key), 200) for key in ("reason", "message") if status.get(key)]
    return ": ".join(said) or "it is {0}".format(one_line(status.get("phase") or "Pending", 40))


def describe(wish: Wish, node: str, why: Optional[str], services: Dict[str, dict]) -> Dict[str, Any]:
    """One backend as it is told."""
    name = objects.name_of(wish.run_id, node)
    spec = (services.get(name) or {}).get("spec") or {}
    ports = {entry.get("protocol", "").lower(): entry.get("nodePort") for entry in spec.get("ports") or []}
    return {"node": node, "hostname": name, "ready": why is None, "why": why, "ports": ports,
            "families": [family.lower() for family in spec.get("ipFamilies") or ["IPv4"]]}


def describe_node(node: dict, address_type: str) -> Dict[str, Any]:
    """One node as an entry: the first address of each family, of the type that is asked for."""
    found = [entry for entry in (node.get("status") or {}).get("addresses") or [] if family_of(entry.get("address"))]
    entries: Dict[str, str] = {}
    for entry in found:
        if entry.get("type") == address_type:
            entries.setdefault(family_of(entry["address"]) or "", entry["address"])
    return {"node": node["metadata"]["name"], "addresses": [entry["address"] for entry in found], "entries": entries}


def family_of(address: Any) -> Optional[str]:
    """ipv4 or ipv6; None for host names and the like."""
    try:
        return "ipv{0}".format(ipaddress.ip_address(str(address)).version)
    except ValueError:
        return None
