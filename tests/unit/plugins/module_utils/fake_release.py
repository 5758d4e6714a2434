# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Helm releases in the small API server, packed as Helm packs them."""
from __future__ import annotations

import base64
import gzip
import json
from typing import Any, Dict, Optional

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi

SPACE = "/api/v1/namespaces/kube-system"
DAEMONSET = "/apis/apps/v1/namespaces/kube-system/daemonsets/cilium"


def manifest(config: Dict[str, Any], image: str = "agent:v1.13.4", strategy: Optional[dict] = None) -> str:
    """Two resources, as `helm get manifest` prints them."""
    documents = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cilium-config", "namespace": "kube-system"},
         "data": config},
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "cilium", "namespace": "kube-system"},
         "spec": {"updateStrategy": strategy or {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}},
                  "template": {"spec": {"containers": [{"name": "cilium-agent", "image": image}]}}}}]
    return "".join("---\n# Source: cilium/templates/x.yaml\n{0}\n".format(json.dumps(one)) for one in documents)


def release(revision: int = 1, status: str = "deployed", config: Optional[dict] = None, text: Optional[str] = None,
            **info: Any) -> dict:
    """The document that Helm stores."""
    stamp = "2026-01-02T03:04:05.123456789+02:00"
    return {"name": "cilium", "namespace": "kube-system", "version": revision, "config": config,
            "info": dict({"status": status, "description": "Install complete", "last_deployed": stamp}, **info),
            "manifest": manifest({"bpf-lb-mode": "snat"}) if text is None else text,
            "chart": {"metadata": {"name": "cilium", "version": "1.13.4", "appVersion": "1.13.4", "apiVersion": "v2"},
                      "values": {"loadBalancer": {}}, "lock": None, "schema": "",
                      "templates": [{"name": "templates/a.yaml", "data": base64.b64encode(b"a: 1\n").decode()}],
                      "files": [{"name": "files/x/y.txt", "data": base64.b64encode(b"\x00\xff").decode()}]}}


def packed(document: Any) -> str:
    """A release as the value of its Secret."""
    return base64.b64encode(base64.b64encode(gzip.compress(json.dumps(document).encode()))).decode()


def put_release(api: FakeApi, document: dict) -> None:
    """Stores a release's Secret."""
    name = "sh.helm.release.v1.cilium.v{0}".format(document["version"])
    api.put("{0}/secrets/{1}".format(SPACE, name), {
        "metadata": {"creationTimestamp": "2026-01-02T01:04:05Z", "labels": {
            "owner": "helm", "name": "cilium", "version": str(document["version"]),
            "status": document["info"]["status"]}},
        "type": "helm.sh/release.v1", "data": {"release": packed(document)}})


def put_live(api: FakeApi, config: Dict[str, str], updated: int = 3, **labels: str) -> None:
    """cilium-config and the DaemonSet as they are in the cluster."""
    api.put(SPACE + "/configmaps/cilium-config", {"metadata": {"labels": labels}, "data": config})
    template = {"spec": {"containers": [{"name": "cilium-agent", "image": "agent:v1.13.4"}]}}
    api.put(DAEMONSET, {"metadata": {"generation": 1}, "spec": {"template": template},
                        "status": {"desiredNumberScheduled": 3, "updatedNumberScheduled": updated,
                                   "observedGeneration": 1}})
