# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The facts document of docs/design.md: a small reader for each source; what cannot be read is null and in `unread`."""
from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils import (
    cilium_agents, helm_release, kube_proxy_facts, node_config, owner, owner_objects)
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import (
    Cluster, Down, Failed, Garbled, KubeError, NotFound, Timeout, Unauthorized)
from ansible_collections.fastpath.cilium.plugins.module_utils.manifests import config_map_of
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import masked

DAEMONSET, CONFIG = "cilium", "cilium-config"
CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master",
                        "node-role.kubernetes.io/controlplane")
# Seconds: how long to wait for the DaemonSet controller, and between two looks.
PATIENCE, POLL = 10.0, 0.5
UNKNOWN_SERVER = {"explicit": None, "host": None, "port": None}


class Scope(NamedTuple):
    """Where to look and how."""

    release_name: str = "cilium"
    namespace: str = "kube-system"
    ask_agents: bool = True
    concurrency: int = 32
    agent_timeout: float = 10.0


class Unread:
    """What could not be read, in the order it was tried."""

    def __init__(self) -> None:
        self.entries: List[dict] = []

    def add(self, what: str, error: KubeError) -> None:
        """Note a failure."""
        self.entries.append(error.as_entry(what))

    def attempt(self, what: str, reader: Callable[..., Any], *args: Any) -> Any:
        """The reader's result, or None and an entry. A refused credential goes on: nothing else can be read then."""
        try:
            return reader(*args)
        except Unauthorized:
            raise
        except KubeError as error:
            self.add(what, error)
        except (AttributeError, KeyError, TypeError, IndexError, ValueError) as error:
            # A document without what every such object has.
            self.add(what, Garbled("What was read for {0} lacks what it must have ({1}).".format(
                what, type(error).__name__)))
        return None


def read_facts(cluster: Cluster, scope: Scope) -> Dict[str, Any]:
    """The whole document. Raises KubeError only where there is no connection or no accepted credential."""
    unread = Unread()
    facts: Dict[str, Any] = {"schema": 1, "cluster": read_cluster(cluster, unread)}
    facts.update(read_release(cluster, scope, unread))
    attempt = unread.attempt
    daemonset = attempt("daemonset", settled_daemonset, cluster, scope.namespace)
    config = attempt("config", get_config, cluster, scope.namespace)
    facts["config"] = attempt("config", describe_config, config) if config else None
    api_version, facts["node_configs"] = attempt("node_configs", read_node_configs, cluster, scope.namespace) or (None, None)
    facts["node_config_api"] = api_version
    facts["nodes"] = attempt("nodes", read_nodes, cluster)
    facts["daemonset"] = attempt("daemonset", describe_daemonset, daemonset) if daemonset else None
    facts["owner"] = read_owner(cluster, scope, facts["release_found"], [daemonset, config], unread)
    facts.update(read_owned_release(cluster, scope, facts, unread))
    facts["kube_proxy"] = attempt("kube_proxy", kube_proxy_facts.read_kube_proxy, cluster, facts["nodes"])
    facts["api"] = dict((attempt("api", read_server, daemonset) if daemonset else None) or UNKNOWN_SERVER,
                        endpoints=attempt("api/endpoints", kube_proxy_facts.read_endpoints, cluster))
    facts["service_addresses"] = attempt("service_addresses", kube_proxy_facts.read_service_addresses, cluster)
    facts["agents"] = attempt("agents", read_agents, cluster, scope, daemonset, config, unread)
    facts["unread"] = unread.entries
    return facts


def read_cluster(cluster: Cluster, unread: Unread) -> Dict[str, Any]:
    """The cluster's identity; raises KubeError where nothing answers as an API server would."""
    try:
        uid = cluster.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    except (Down, Timeout, Garbled, Unauthorized):
        raise
    except (KeyError, TypeError):
        raise Garbled("{0} does not answer as a Kubernetes API server would.".format(cluster.server)) from None
    except KubeError as error:
        unread.add("cluster/uid", error)
        uid = None
    version = unread.attempt("cluster/version", lambda: cluster.get("/version")["gitVersion"])
    return {"uid": uid, "version": version, "server": cluster.server}


def read_release(cluster: Cluster, scope: Scope, unread: Unread) -> Dict[str, Any]:
    """release, release_found and manifest_config."""
    facts: Dict[str, Any] = {"release": None, "release_found": None, "manifest_config": None}
    history = unread.attempt("release", helm_release.release_history, cluster, scope.release_name, scope.namespace)
    if history is None:
        return facts
    facts["release_found"] = bool(history)
    if not history:
        return facts
    revision = history[-1]["revision"]
    release = unread.attempt(
        "release", helm_release.read_release, cluster, scope.release_name, scope.namespace, revision)
    if release:
        facts["release"] = unread.attempt("release", helm_release.describe, release, history)
        facts["manifest_config"] = unread.attempt("manifest_config", manifest_config, release)
    return facts


def manifest_config(release: dict) -> Dict[str, str]:
    """cilium-config as the release's manifest has it."""
    data = config_map_of(release["manifest"], CONFIG)
    if data is None:
        raise NotFound("The release's manifest has no ConfigMap {0}.".format(CONFIG))
    return masked(data)


def get_daemonset(cluster: Cluster, namespace: str) -> dict:
    """The agents' DaemonSet: the one named cilium, or the only one that is labelled as such (clouds rename it)."""
    sets = cluster.list("/apis/apps/v1/namespaces/{0}/daemonsets".format(namespace))
    named = [item for item in sets if item["metadata"]["name"] == DAEMONSET]
    labelled = [item for item in sets if (item["metadata"].get("labels") or {}).get("k8s-app") == "cilium"]
    found = named or labelled
    if len(found) != 1:
        what = "several DaemonSets that could be Cilium's" if found else "no DaemonSet of Cilium"
        raise NotFound("Namespace {0} has {1}: is this the right cluster, and release_namespace Cilium's "
                       "namespace?".format(namespace, what))
    return found[0]


def settled_daemonset(cluster: Cluster, namespace: str) -> dict:
    """The same once its controller has seen its last change, which takes a second or two, or as it is after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = get_daemonset(cluster, namespace)
        seen = (found.get("status") or {}).get("observedGeneration") or 0
        if seen >= found["metadata"].get("generation", 0) or time.monotonic() >= deadline:
            return found
        time.sleep(POLL)


def describe_daemonset(document: dict) -> Dict[str, Any]:
    """Roll-out state of the agents."""
    status, spec = document.get("status") or {}, document["spec"]
    strategy = spec.get("updateStrategy") or {}
    return {
        "name": document["metadata"]["name"], "generation": document["metadata"]["generation"],
        "observed_generation": status.get("observedGeneration"), "desired": status.get("desiredNumberScheduled"),
        "current": status.get("currentNumberScheduled"), "updated": status.get("updatedNumberScheduled", 0),
        "ready": status.get("numberReady"), "available": status.get("numberAvailable", 0),
        "unavailable": status.get("numberUnavailable", 0), "update_strategy": strategy.get("type"),
        "max_unavailable": (strategy.get("rollingUpdate") or {}).get("maxUnavailable"),
        "restarts_on_config_change": checksum_of(document) is not None,
    }


def checksum_of(daemonset: dict) -> Optional[str]:
    """Checksum of cilium-config in the pod template, which makes agents restart on its change."""
    template = daemonset["spec"]["template"].get("metadata") or {}
    return (template.get("annotations") or {}).get(cilium_agents.CHECKSUM)


def read_server(daemonset: dict) -> Dict[str, Any]:
    """{explicit, host, port} of the API server, as the DaemonSet gives it to agents."""
    return kube_proxy_facts.server_of(daemonset["spec"]["template"].get("spec") or {}, cilium_agents.CONTAINER)


def get_config(cluster: Cluster, namespace: str) -> dict:
    """The ConfigMap that agents read when they start."""
    return cluster.get("/api/v1/namespaces/{0}/configmaps/{1}".format(namespace, CONFIG))


def describe_config(document: dict) -> Dict[str, Any]:
    """Content and last change of cilium-config."""
    metadata = document["metadata"]
    return {"name": metadata["name"], "namespace": metadata["namespace"],
            "resource_version": metadata["resourceVersion"], "changed_at": changed_at(metadata),
            "data": masked(document.get("data") or {})}


def changed_at(metadata: dict, field: str = "f:data") -> Optional[str]:
    """When the data last changed: the newest time among the managers that own data; None when nobody tells.

    Removing a key leaves no trace of its time, and relabelling by an owner of data counts as a change.
    """
    times = data_times(metadata, field)
    return max(times) if times else None


def data_times(metadata: dict, field: str = "f:data") -> List[str]:
    """When each manager that owns data (or another part of an object) last changed anything."""
    return [entry["time"] for entry in metadata.get("managedFields") or []
            if field in (entry.get("fieldsV1") or {}) and entry.get("time")]


def last_change(config: Optional[dict], daemonset: Optional[dict]) -> cilium_agents.LastChange:
    """What tells whether an agent runs the current cilium-config, from the two objects."""
    metadata = (config or {}).get("metadata") or {}
    times = data_times(metadata)
    return cilium_agents.LastChange(changed_at(metadata), times == [metadata.get("creationTimestamp")],
                                    checksum_of(daemonset) if daemonset else None)


def read_node_configs(cluster: Cluster, namespace: str) -> Tuple[Optional[str], List[dict]]:
    """The version of the API that serves CiliumNodeConfigs, None where there is none, and those of Cilium's namespace."""
    for api_version in node_config.APIS:
        try:
            items = cluster.list("/apis/{0}/namespaces/{1}/ciliumnodeconfigs".format(api_version, namespace))
        except NotFound:
            continue
        return api_version, [describe_node_config(item, api_version) for item in items]
    return None, []


def describe_node_config(item: dict, api_version: str) -> Dict[str, Any]:
    """Overrides for some nodes."""
    spec, metadata = item.get("spec") or {}, item["metadata"]
    return {"name": metadata["name"], "namespace": metadata["namespace"], "api_version": api_version,
            "labels": metadata.get("labels") or {},
            "changed_at": changed_at(metadata, "f:spec") or metadata.get("creationTimestamp"),
            "node_selector": spec.get("nodeSelector") or {}, "defaults": masked(spec.get("defaults") or {})}


def read_nodes(cluster: Cluster) -> List[dict]:
    """All nodes, by name."""
    return sorted((describe_node(item) for item in cluster.list("/api/v1/nodes")), key=lambda node: node["name"])


def describe_node(item: dict) -> Dict[str, Any]:
    """One node as its kubelet reports it."""
    metadata, status, spec = item["metadata"], item.get("status") or {}, item.get("spec") or {}
    info, labels = status.get("nodeInfo") or {}, metadata.get("labels") or {}
    ready = [entry.get("status") == "True" for entry in status.get("conditions") or [] if entry.get("type") == "Ready"]
    return {
        "name": metadata["name"], "kernel": info.get("kernelVersion"), "os_image": info.get("osImage"),
        "architecture": info.get("architecture"), "provider_id": spec.get("providerID"), "boot_id": info.get("bootID"),
        "labels": labels, "addresses": [entry["address"] for entry in status.get("addresses") or []],
        "ready": any(ready), "unschedulable": bool(spec.get("unschedulable")),
        "control_plane": any(label in labels for label in CONTROL_PLANE_LABELS),
        "kubelet_version": info.get("kubeletVersion"), "built_in_kube_proxy": kube_proxy_facts.built_in(item),
    }


def read_owner(cluster: Cluster, scope: Scope, release_found: Optional[bool], objects: List[Optional[dict]],
               unread: Unread) -> Optional[Dict[str, Any]]:
    """Who manages Cilium; None where that cannot be told for sure."""
    charts = unread.attempt("owner", owner.read_helm_charts, cluster)
    there = [item for item in objects if item]
    found = owner.detect(owner.Evidence(scope.release_name, scope.namespace, release_found, there, charts or []))
    # A HelmChart object that we may not see would own a release that looks like any other.
    if charts is None and (found is None or found["kind"] in ("helm", "none")):
        return None
    if found is None:
        unread.add("owner", Failed("Neither a release nor the DaemonSet or cilium-config could be read to tell."))
        return None
    if found["kind"] == "helm" and release_found is False and not unread.attempt(
            "owner", helm_release.release_history, cluster, found["name"], found["namespace"] or scope.namespace):
        # Helm's mark of a release that is gone, or that was only rendered.
        found = owner.found("none", "", "no Helm release, only Helm's mark of release {0}".format(found["name"]))
    found["resource"] = unread.attempt("owner/resource", owner_objects.read_resource, cluster, found, charts or [])
    return found


def read_owned_release(cluster: Cluster, scope: Scope, facts: Dict[str, Any], unread: Unread) -> Dict[str, Any]:
    """The release facts again, of the release that a foreign owner made under another name than the one asked for.

    RKE2 names it rke2-cilium. Nothing is lost by looking there: a foreign owner's release is never changed with Helm alone.
    """
    release = (facts["owner"] or {}).get("release")
    if facts["release_found"] is not False or not release or facts["owner"]["kind"] == "helm":
        return {}
    named = scope._replace(release_name=release["name"], namespace=release["namespace"] or scope.namespace)
    return read_release(cluster, named, unread)


def read_agents(cluster: Cluster, scope: Scope, daemonset: Optional[dict], config: Optional[dict],
                unread: Unread) -> List[dict]:
    """All agents, by node, each with its own answer or error."""
    name = daemonset["metadata"]["name"] if daemonset else None
    pods = cilium_agents.list_pods(cluster, scope.namespace, name)
    change = last_change(config, daemonset)
    agents = [cilium_agents.describe(pod, change) for pod in pods]
    if not scope.ask_agents:
        return agents
    answers = cilium_agents.ask_all(cluster, scope.namespace, agents, scope.concurrency, scope.agent_timeout)
    for agent, answer in zip(agents, answers):
        fill_in(agent, answer, unread)
    return agents


def fill_in(agent: Dict[str, Any], answer: cilium_agents.Answer, unread: Unread) -> None:
    """Put an agent's answer into its facts."""
    agent["status"], agent["source"] = answer.status, answer.source
    agent["options"]["routing_mode"] = answer.routing_mode
    errors: List[Tuple[str, Optional[KubeError]]] = [("status", answer.error), ("options", answer.options_error)]
    for part, error in errors:
        if error is not None:
            unread.add("agents/{0}/{1}".format(agent["node"], part), error)
    if answer.error is not None:
        agent["error"] = {"class": answer.error.kind, "message": answer.error.message}
