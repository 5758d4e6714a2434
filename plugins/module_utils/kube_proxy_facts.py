# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who serves Services besides Cilium (kube-proxy in its forms), and by which address agents reach the Kubernetes API."""
from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Failed, NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

NAMESPACE, NAME = "kube-system", "kube-proxy"
# kubeadm, k0s and EKS label it with the first, AKS, GKE and RKE2 with the second.
LABELS = (("k8s-app", NAME), ("component", NAME))
MIRROR = "kubernetes.io/config.mirror"
K3S, K3S_ARGUMENTS, K3S_SWITCH = "+k3s", "k3s.io/node-args", "--disable-kube-proxy"
# What agents use where nothing else is set for them: the kubelet puts this Service's address into every container.
OWN_SERVICE = "default/kubernetes"
HOST, PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


def read_kube_proxy(cluster: Cluster, nodes: Optional[List[dict]]) -> Dict[str, Any]:
    """{kind, namespace, name, node_selector, desired, ready, nodes, evidence}; `nodes` is what read_nodes returned.

    A kube-proxy that somebody starts on the hosts by hand cannot be seen. Raises KubeError.
    """
    daemonset = find_daemonset(cluster)
    if daemonset is not None and observed(daemonset).get("desiredNumberScheduled") != 0:
        return describe_daemonset(daemonset, None)
    pods = list_pods(cluster)
    static = sorted(node_of(pod) for pod in pods if MIRROR in (pod["metadata"].get("annotations") or {}))
    if static:
        return finding("static_pod", static, "static pod {0}/{1}-{2}".format(NAMESPACE, NAME, static[0]))
    if daemonset is not None:
        return describe_daemonset(daemonset, sorted(node_of(pod) for pod in pods))
    if pods:
        raise Failed("Pods of kube-proxy run in {0} ({1}) that are neither static nor those of a DaemonSet of its name "
                     "or labels.".format(NAMESPACE, one_line(pods[0]["metadata"]["name"], 80)))
    return read_built_in(nodes)


def finding(kind: str, nodes: Optional[List[str]], evidence: str) -> Dict[str, Any]:
    """A kube-proxy that is no DaemonSet."""
    return {"kind": kind, "namespace": None, "name": None, "node_selector": None, "desired": None, "ready": None,
            "nodes": nodes, "evidence": one_line(evidence, 200)}


def find_daemonset(cluster: Cluster) -> Optional[dict]:
    """kube-proxy's DaemonSet by its name or labels; None where there is none."""
    items = cluster.list("/apis/apps/v1/namespaces/{0}/daemonsets".format(NAMESPACE))
    found = [item for item in items if is_kube_proxy(item)]
    if len(found) > 1:
        names = ", ".join(sorted(one_line(item["metadata"]["name"], 60) for item in found))
        raise Failed("Several DaemonSets in {0} could be kube-proxy's: {1}.".format(NAMESPACE, names))
    return found[0] if found else None


def is_kube_proxy(item: dict) -> bool:
    """Whether an object is kube-proxy's by its name or labels."""
    labels = item["metadata"].get("labels") or {}
    return item["metadata"]["name"] == NAME or any(labels.get(key) == value for key, value in LABELS)


def describe_daemonset(item: dict, nodes: Optional[List[str]]) -> Dict[str, Any]:
    """The DaemonSet; its counts are null while the controller has not taken up its last change."""
    metadata, status = item["metadata"], observed(item)
    return {
        "kind": "daemonset", "namespace": metadata["namespace"], "name": metadata["name"],
        "node_selector": node_selector(item), "desired": status.get("desiredNumberScheduled"),
        "ready": status.get("numberReady"), "nodes": nodes,
        "evidence": "DaemonSet {0}/{1}".format(metadata["namespace"], one_line(metadata["name"], 80)),
    }


def observed(daemonset: dict) -> Dict[str, Any]:
    """The status, empty while it is one of an earlier generation."""
    status = daemonset.get("status") or {}
    return status if status.get("observedGeneration", 0) >= daemonset["metadata"].get("generation", 0) else {}


def node_selector(daemonset: dict) -> Dict[str, str]:
    """The labels that a node must have for the DaemonSet's pods."""
    return dict(daemonset["spec"]["template"]["spec"].get("nodeSelector") or {})


def list_pods(cluster: Cluster) -> List[dict]:
    """Pods that are kube-proxy's by their labels."""
    path = "/api/v1/namespaces/{0}/pods".format(NAMESPACE)
    found = [pod for key, value in LABELS for pod in cluster.list(path, label_selector="{0}={1}".format(key, value))]
    return list({pod["metadata"]["uid"]: pod for pod in found}.values())


def node_of(pod: dict) -> str:
    """The pod's node; empty while it has none."""
    return (pod.get("spec") or {}).get("nodeName") or ""


def read_built_in(nodes: Optional[List[dict]]) -> Dict[str, Any]:
    """K3s runs kube-proxy inside its own process, on servers and agents, unless its servers say otherwise."""
    if nodes is None:
        raise Failed("Without the nodes it cannot be told whether K3s runs kube-proxy by itself.")
    of_k3s = [node for node in nodes if K3S in str(node.get("kubelet_version"))]
    if not of_k3s:
        return finding("none", [], "no DaemonSet and no static pod of kube-proxy, and no K3s")
    servers = {node["name"]: node["built_in_kube_proxy"] for node in of_k3s
               if node.get("built_in_kube_proxy") is not None}
    if not servers:
        raise NotFound("No K3s server among the nodes tells by its annotation {0} whether it runs kube-proxy.".format(
            K3S_ARGUMENTS))
    running = sorted(name for name, runs in servers.items() if runs)
    if not running:
        return finding("none", [], "K3s server {0} has {1}".format(sorted(servers)[0], K3S_SWITCH.lstrip("-")))
    return finding("k3s", sorted(node["name"] for node in of_k3s),
                   "K3s server {0} is without {1}".format(running[0], K3S_SWITCH.lstrip("-")))


def built_in(node: dict) -> Optional[bool]:
    """Whether a K3s server runs kube-proxy, by its arguments; None for other nodes and where they cannot be read.

    Arguments may hold secrets: nothing else of them is kept.
    """
    version = ((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion")
    if K3S not in str(version):
        return None
    try:
        arguments = json.loads((node["metadata"].get("annotations") or {})[K3S_ARGUMENTS])
    except (KeyError, TypeError, ValueError):
        return None
    if not isinstance(arguments, list) or not arguments or arguments[0] != "server":
        return None
    return not switched_on(arguments)


def switched_on(arguments: List[Any]) -> bool:
    """Whether the switch is given, alone or with a value behind it or after an equals sign; the last one counts."""
    result = False
    for place, word in enumerate(str(argument) for argument in arguments):
        name, equals, value = word.partition("=")
        if name == K3S_SWITCH:
            following = str(arguments[place + 1]) if place + 1 < len(arguments) else ""
            result = (value if equals else following).lower() not in ("false", "0", "f")
    return result


def read_endpoints(cluster: Cluster) -> List[str]:
    """`address:port` of each API server, as they themselves tell the cluster."""
    slices = cluster.list("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                          label_selector="kubernetes.io/service-name=kubernetes")
    return sorted({joined(address, port.get("port")) for one in slices for port in one.get("ports") or []
                   for endpoint in one.get("endpoints") or [] for address in endpoint.get("addresses") or []})


def joined(address: str, port: Any) -> str:
    """`address:port`, with brackets around IPv6."""
    return "{0}:{1}".format("[{0}]".format(address) if ":" in address else address, port)


def read_service_addresses(cluster: Cluster) -> List[str]:
    """Every address and host name that stands for a Service, whoever serves it."""
    return sorted({address for item in cluster.list("/api/v1/services") for address in addresses_of(item)})


def addresses_of(service: dict) -> List[str]:
    """A Service's own addresses; headless ones have none."""
    spec = service.get("spec") or {}
    found = [spec.get("clusterIP"), spec.get("loadBalancerIP")]
    found += (spec.get("clusterIPs") or []) + (spec.get("externalIPs") or [])
    for entry in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []:
        found += [entry.get("ip"), entry.get("hostname")]
    return [address for address in found if address and address != "None"]


def server_of(spec: dict, container: str) -> Dict[str, Any]:
    """{explicit, host, port} that a pod's (or template's) container is given for the API server.

    `explicit` False: none of its own. Host or port is null where it comes from elsewhere, or is not given.
    """
    variables = {entry.get("name"): entry for one in spec.get("containers") or [] if one.get("name") == container
                 for entry in one.get("env") or []}
    return {"explicit": HOST in variables, "host": (variables.get(HOST) or {}).get("value"),
            "port": (variables.get(PORT) or {}).get("value")}


def options_of(pod: dict, container: str) -> Dict[str, Optional[str]]:
    """The same of a running agent, as {api_host, api_port}; without one of its own it is the Service of the API server."""
    server = server_of(pod["spec"], container)
    if not server["explicit"]:
        return {"api_host": OWN_SERVICE, "api_port": server["port"] or OWN_SERVICE}
    return {"api_host": server["host"], "api_port": server["port"] or OWN_SERVICE}
