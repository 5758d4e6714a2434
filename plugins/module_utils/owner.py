# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who would change Cilium's values back: Helm alone, K3s/RKE2's HelmChart, Flux, Argo CD, a cloud, or nobody."""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Denied, NotFound

HELM_API = "/apis/helm.cattle.io/v1"
FLUX_RELEASE, FLUX_KUSTOMIZATION = "helm.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/name"
ARGO_TRACKING, ARGO_INSTANCE = "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"
HELM_RELEASE, MANAGED_BY = "meta.helm.sh/release-name", "app.kubernetes.io/managed-by"
# Labels that clouds put on the agents' DaemonSet where Cilium is part of their product.
CLOUD_LABELS = {
    "kubernetes.azure.com/managedby": "AKS", "components.gke.io/component-name": "GKE",
    "eks.amazonaws.com/component": "EKS", "addonmanager.kubernetes.io/mode": "the cloud's add-on manager"}


class Evidence(NamedTuple):
    """What an owner can be told from."""

    release_name: str
    release_namespace: str
    release_found: Optional[bool]
    objects: List[dict]
    helm_charts: List[dict]


def read_helm_charts(cluster: Cluster) -> List[dict]:
    """HelmChart objects of K3s and RKE2; none where their API is not installed."""
    try:
        # Discovery is open to every account, so that "not installed" needs no further right.
        cluster.get(HELM_API)
    except NotFound:
        return []
    try:
        return cluster.list(HELM_API + "/helmcharts")
    except Denied:
        # An account for one namespace: that is where K3s and RKE2 keep the charts they bring.
        return cluster.list(HELM_API + "/namespaces/kube-system/helmcharts")


def detect(evidence: Evidence) -> Optional[Dict[str, str]]:
    """{kind, name, evidence} as in docs/design.md; None where nothing of Cilium was there to judge by."""
    for judge in (helm_chart_object, flux, argocd, managed, helm):
        owner = judge(evidence)
        if owner is not None:
            return owner
    if not evidence.objects or evidence.release_found is None:
        return None
    return found("none", "", "no Helm release, and no owner's label on the DaemonSet or cilium-config")


def found(kind: str, name: str, evidence: str) -> Dict[str, str]:
    """One owner."""
    return {"kind": kind, "name": name, "evidence": evidence}


def helm_chart_object(evidence: Evidence) -> Optional[Dict[str, str]]:
    """HelmChart of the helm-controller in K3s and RKE2."""
    for chart in evidence.helm_charts:
        name, namespace = chart["metadata"]["name"], chart["metadata"].get("namespace", "")
        # RKE2 carries its chart inside the object, so that only the object's name tells.
        if name == evidence.release_name or "cilium" in name + chart_name(chart.get("spec") or {}):
            return found("k3s_helm_chart", name, "HelmChart {0}/{1}".format(namespace, name))
    return None


def chart_name(spec: Dict[str, Any]) -> str:
    """Last part of a chart reference, which is a name or a URL."""
    return str(spec.get("chart") or "").rstrip("/").rsplit("/", 1)[-1].lower()


def flux(evidence: Evidence) -> Optional[Dict[str, str]]:
    """HelmRelease or Kustomization of Flux."""
    for label, kind in ((FLUX_RELEASE, "HelmRelease"), (FLUX_KUSTOMIZATION, "Kustomization")):
        name = first(evidence.objects, "labels", label)
        if name:
            return found("flux", name, "label {0} of Flux ({1})".format(label, kind))
    return None


def argocd(evidence: Evidence) -> Optional[Dict[str, str]]:
    """Application of Argo CD; the tracking id reads <application>:<group>/<kind>:<namespace>/<name>."""
    tracking = first(evidence.objects, "annotations", ARGO_TRACKING)
    if tracking:
        return found("argocd", tracking.split(":")[0], "annotation {0}".format(ARGO_TRACKING))
    name = first(evidence.objects, "labels", ARGO_INSTANCE)
    return found("argocd", name, "label {0}".format(ARGO_INSTANCE)) if name else None


def managed(evidence: Evidence) -> Optional[Dict[str, str]]:
    """A cloud that runs Cilium itself; such clusters have no release."""
    if evidence.release_found:
        return None
    for label, cloud in CLOUD_LABELS.items():
        if first(evidence.objects, "labels", label):
            return found("managed", cloud, "label {0}".format(label))
    return None


def helm(evidence: Evidence) -> Optional[Dict[str, str]]:
    """Helm alone: a release, or objects that Helm marked as its own."""
    if evidence.release_found:
        where = "{0}/{1}".format(evidence.release_namespace, evidence.release_name)
        return found("helm", evidence.release_name, "release {0}".format(where))
    name = first(evidence.objects, "annotations", HELM_RELEASE)
    # Without a release the annotation is a left-over of `helm template` or of a release elsewhere.
    if name and evidence.release_found is None:
        return found("helm", name, "annotation {0}".format(HELM_RELEASE))
    return None


def first(objects: List[dict], part: str, key: str) -> Optional[str]:
    """The first value of a label or annotation among objects."""
    values = ((item.get("metadata", {}).get(part) or {}).get(key) for item in objects)
    return next((value for value in values if value), None)
