# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The objects of a probe: a namespace, one pinned backend per node, and a NodePort Service for each of them."""
from __future__ import annotations

import hashlib
from typing import Any, Dict, List, NamedTuple, Optional

OWNER = ("app.kubernetes.io/managed-by", "fastpath.cilium")
RUN, BACKEND = "fastpath.cilium/run", "fastpath.cilium/backend"
IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"
HTTP, UDP = 8080, 8081
USER = 65532  # not root, and nobody on any node


class Wish(NamedTuple):
    """What is to be deployed. `nodes`: names, None for all; `lifetime`: seconds after which kubelets end the pods by
    themselves; `pull_secret`: (namespace, name) of a Secret that is copied; `annotations`: of the Services."""

    namespace: str
    run_id: str
    image: str = IMAGE
    nodes: Optional[List[str]] = None
    pull_secret: Optional[Any] = None
    annotations: Optional[Dict[str, str]] = None
    timeout: float = 120.0
    lifetime: int = 3600
    address_type: str = "InternalIP"


def labels(run_id: str) -> Dict[str, str]:
    """By which everything of a run is known."""
    return {OWNER[0]: OWNER[1], RUN: run_id}


def mirrored(image: str, registry: Optional[str]) -> str:
    """The image as a mirror has it: the same path at another registry."""
    return "{0}/{1}".format(registry.rstrip("/"), image.partition("/")[2]) if registry else image


def name_of(run_id: str, node: str) -> str:
    """Name of a node's pod and Service, which is what the backend answers as its host name: of this run and node alone."""
    return "probe-{0}".format(hashlib.sha256("{0}/{1}".format(run_id, node).encode("utf-8")).hexdigest()[:16])


def namespace(wish: Wish) -> Dict[str, Any]:
    """Its pods comply with the restricted Pod Security Standard."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": wish.namespace, "labels": labels(wish.run_id)}}


def secret(wish: Wish, found: Dict[str, Any]) -> Dict[str, Any]:
    """The copy of a pull secret."""
    return {"apiVersion": "v1", "kind": "Secret", "type": found.get("type"), "data": found.get("data"),
            "metadata": {"name": "pull", "namespace": wish.namespace, "labels": labels(wish.run_id)}}


def pod(wish: Wish, node: str) -> Dict[str, Any]:
    """The backend of one node; it comes past the scheduler, so cordons and taints do not keep it away."""
    name = name_of(wish.run_id, node)
    container = {
        "name": "netexec", "image": wish.image, "imagePullPolicy": "IfNotPresent",
        "args": ["netexec", "--http-port={0}".format(HTTP), "--udp-port={0}".format(UDP)],
        "ports": [{"name": "tcp", "containerPort": HTTP, "protocol": "TCP"},
                  {"name": "udp", "containerPort": UDP, "protocol": "UDP"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": HTTP}, "periodSeconds": 1, "failureThreshold": 3},
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]}},
    }
    spec: Dict[str, Any] = {
        "nodeName": node, "containers": [container], "tolerations": [{"operator": "Exists"}], "restartPolicy": "Always",
        "automountServiceAccountToken": False, "enableServiceLinks": False, "terminationGracePeriodSeconds": 0,
        "activeDeadlineSeconds": wish.lifetime,
        "securityContext": {"runAsNonRoot": True, "runAsUser": USER, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    if wish.pull_secret:
        spec["imagePullSecrets"] = [{"name": "pull"}]
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec, "metadata": {
        "name": name, "namespace": wish.namespace, "labels": dict(labels(wish.run_id), **{BACKEND: name})}}


def service(wish: Wish, node: str) -> Dict[str, Any]:
    """The Service of one backend, of every family that the cluster has."""
    name = name_of(wish.run_id, node)
    ports = [{"name": "tcp", "port": HTTP, "targetPort": HTTP, "protocol": "TCP"},
             {"name": "udp", "port": UDP, "targetPort": UDP, "protocol": "UDP"}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {
        "name": name, "namespace": wish.namespace, "labels": labels(wish.run_id),
        "annotations": dict(wish.annotations or {})},
        "spec": {"type": "NodePort", "externalTrafficPolicy": "Cluster", "ipFamilyPolicy": "PreferDualStack",
                 "selector": {BACKEND: name}, "ports": ports}}
