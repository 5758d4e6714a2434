# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options that every module of this collection that talks to a cluster has (documented in doc_fragments/cluster.py)."""
from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.basic import env_fallback

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster

CLUSTER_OPTIONS: Dict[str, Dict[str, Any]] = {
    "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
    "context": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_CONTEXT"])},
    "release_name": {"type": "str", "default": "cilium"},
    "release_namespace": {"type": "str", "default": "kube-system"},
    "api_timeout": {"type": "float", "default": 30.0},
}


def connect(module: Any, connections: int = 32) -> Cluster:
    """Cluster for a module's parameters; raises KubeError."""
    params = module.params
    return Cluster.connect(params["kubeconfig"], params["context"], params["api_timeout"], connections, module.tmpdir)
