# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an object was before a run changed it, kept in the cluster: a Secret for each run, with an entry for each step.

Not in the record of the run: Helm values may be secrets, and those stand in no file. Written before the change, and the
first original is never written over.
"""
from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Dict, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Garbled, NotFound

TYPE = "fastpath.cilium/former"


def path(namespace: str, run_id: str = "") -> str:
    name = "/fastpath-cilium-" + run_id.lower() if run_id else ""
    return "/api/v1/namespaces/{0}/secrets{1}".format(namespace, name)


def load(cluster: Cluster, namespace: str, run_id: str) -> Optional[dict]:
    """The run's Secret; None where there is none. Raises KubeError."""
    try:
        return cluster.get(path(namespace, run_id))
    except NotFound:
        return None


def remember(cluster: Cluster, namespace: str, run_id: str, step: str, former: Optional[dict]) -> None:
    """Keep what was there before a step (None: nothing), unless that is kept already. Raises KubeError."""
    entry = base64.b64encode(json.dumps({"object": former}).encode("utf-8")).decode("ascii")
    secret = load(cluster, namespace, run_id)
    if secret is None:
        metadata = {"name": path(namespace, run_id).rsplit("/", 1)[1], "namespace": namespace,
                    "labels": {"app.kubernetes.io/managed-by": "fastpath.cilium"}}
        cluster.post(path(namespace), {
            "apiVersion": "v1", "kind": "Secret", "type": TYPE, "metadata": metadata, "data": {step: entry}})
    elif step not in (secret.get("data") or {}):
        cluster.put(path(namespace, run_id), dict(secret, data=dict(secret.get("data") or {}, **{step: entry})))


def recall(cluster: Cluster, namespace: str, run_id: str, step: str) -> Dict[str, Any]:
    """{object: what there was before the step, or None}; {} where nothing is kept of it. Raises KubeError."""
    entry = ((load(cluster, namespace, run_id) or {}).get("data") or {}).get(step)
    if entry is None:
        return {}
    try:
        found = json.loads(base64.b64decode(entry).decode("utf-8"))
        return {"object": found["object"]}
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise Garbled("Secret {0} does not hold what step {1} changed: it was edited.".format(
            path(namespace, run_id).rsplit("/", 1)[1], step)) from None


def forget(cluster: Cluster, namespace: str, run_id: str, step: str) -> None:
    """A step that was taken back needs its entry no more; with the last one the Secret goes. Raises KubeError."""
    secret = load(cluster, namespace, run_id)
    if secret is None:
        return
    data = {name: entry for name, entry in (secret.get("data") or {}).items() if name != step}
    if data:
        cluster.put(path(namespace, run_id), dict(secret, data=data))
        return
    precondition = {"uid": secret["metadata"]["uid"]}
    try:
        cluster.delete(path(namespace, run_id), {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": precondition})
    except NotFound:
        pass
