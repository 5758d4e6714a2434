# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who would change Cilium's values back: Helm alone, K3s/RKE2's HelmChart, Flux, Argo CD, a cloud, or nobody."""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Denied, NotFound

HELM_API = "/apis/helm.cattle.io/v1"
FLUX = (("helm.toolkit.fluxcd.io/", "HelmRelease"), ("kustomize.toolkit.fluxcd.io/", "Kustomization"))
ARGO_TRACKING, ARGO_INSTANCE = "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"
HELM_RELEASE, HELM_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
# Marks of clouds on the agents' DaemonSet where Cilium is part of their product: labels, or annotations (GKE).
CLOUD_MARKS = {
    "kubernetes.azure.com/managedby": "AKS", "components.gke.io/component-name": "GKE",
    "eks.amazonaws.com/component": "EKS", "addonmanager.kubernetes.io/mode": "the cloud's add-on manager"}
# GKE Dataplane V2 names the agents' DaemonSet so; its pods carry Cilium's own label.
CLOUD_NAMES = {"anetd": "GKE"}


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


def detect(evidence: Evidence) -> Optional[Dict[str, Any]]:
    """{kind, name, namespace, evidence, release, resource: None} as in docs/design.md; None where nothing told.

    A cloud comes before Flux: AKS brings its parts with a Flux that is not in the cluster, and its labels are on them.
    """
    for judge in (helm_chart_object, managed, flux, argocd, helm):
        owner = judge(evidence)
        if owner is not None:
            return owner
    if not evidence.objects or evidence.release_found is None:
        return None
    return found("none", "", "no Helm release, and no owner's label on the DaemonSet or cilium-config")


def found(kind: str, name: str, evidence: str, namespace: Optional[str] = None,
          release: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    """One owner. `name` and `namespace` are those of the object that holds its values."""
    return {"kind": kind, "name": name, "namespace": namespace, "evidence": evidence, "release": release, "resource": None}


def named_release(objects: List[dict]) -> Optional[Dict[str, Any]]:
    """{name, namespace: None where not said} of the release that Helm wrote on its objects; None without that mark."""
    name = first(objects, "annotations", HELM_RELEASE)
    return {"name": name, "namespace": first(objects, "annotations", HELM_NAMESPACE)} if name else None


def helm_chart_object(evidence: Evidence) -> Optional[Dict[str, Any]]:
    """HelmChart of the helm-controller in K3s and RKE2, whose release has the object's own name."""
    mark = named_release(evidence.objects)
    for chart in evidence.helm_charts:
        name, namespace = chart["metadata"]["name"], chart["metadata"].get("namespace", "")
        spec = chart.get("spec") or {}
        release = {"name": name, "namespace": spec.get("targetNamespace") or namespace}
        # Without Helm's mark: RKE2 carries its chart inside the object, so that only the object's name tells.
        looks = name == evidence.release_name or "cilium" in name + chart_name(spec)
        if is_marked(mark, release) if mark else looks:
            return found("k3s_helm_chart", name, "HelmChart {0}/{1}".format(namespace, name), namespace, release)
    return None


def is_marked(mark: Dict[str, Any], release: Dict[str, Any]) -> bool:
    """Whether Helm's mark on the objects names this release."""
    return mark["name"] == release["name"] and mark["namespace"] in (None, release["namespace"])


def chart_name(spec: Dict[str, Any]) -> str:
    """Last part of a chart reference, which is a name or a URL."""
    return str(spec.get("chart") or "").rstrip("/").rsplit("/", 1)[-1].lower()


def flux(evidence: Evidence) -> Optional[Dict[str, Any]]:
    """HelmRelease or Kustomization of Flux."""
    for prefix, kind in FLUX:
        name = first(evidence.objects, "labels", prefix + "name")
        if name:
            return found("flux", name, "label {0}name of Flux ({1})".format(prefix, kind),
                         first(evidence.objects, "labels", prefix + "namespace"), named_release(evidence.objects))
    return None


def argocd(evidence: Evidence) -> Optional[Dict[str, Any]]:
    """Application of Argo CD; the tracking id reads <application>:<group>/<kind>:<namespace>/<name>.

    An application outside of Argo CD's own namespace is tracked as <namespace>_<application>.
    """
    tracking = first(evidence.objects, "annotations", ARGO_TRACKING)
    instance = tracking.split(":")[0] if tracking else first(evidence.objects, "labels", ARGO_INSTANCE)
    if not instance:
        return None
    where = "annotation " + ARGO_TRACKING if tracking else "label " + ARGO_INSTANCE
    namespace, separator, name = instance.partition("_")
    return found("argocd", name, where, namespace) if separator else found("argocd", instance, where)


def managed(evidence: Evidence) -> Optional[Dict[str, Any]]:
    """A cloud that runs Cilium itself; such clusters have no release."""
    if evidence.release_found:
        return None
    for item in evidence.objects:
        name = item.get("metadata", {}).get("name")
        if name in CLOUD_NAMES:
            return found("managed", CLOUD_NAMES[name], "DaemonSet {0}".format(name))
    for mark, cloud in CLOUD_MARKS.items():
        for part in ("labels", "annotations"):
            if first(evidence.objects, part, mark):
                return found("managed", cloud, "{0} {1}".format(part[:-1], mark))
    return None


def helm(evidence: Evidence) -> Optional[Dict[str, Any]]:
    """Helm alone (cilium-cli's Helm mode leaves the same): a release, or objects that Helm marked as its own."""
    if evidence.release_found:
        release = {"name": evidence.release_name, "namespace": evidence.release_namespace}
        return found("helm", evidence.release_name, "release {namespace}/{name}".format(**release),
                     evidence.release_namespace, release)
    mark = named_release(evidence.objects)
    if mark and (evidence.release_found is None or mark["name"] != evidence.release_name):
        return found("helm", mark["name"], "annotation {0}".format(HELM_RELEASE), mark["namespace"], mark)
    # The mark of the very release that is not there is a left-over of `helm template` or of a removed release.
    return None


def first(objects: List[dict], part: str, key: str) -> Optional[str]:
    """The first value of a label or annotation among objects."""
    values = ((item.get("metadata", {}).get(part) or {}).get(key) for item in objects)
    return next((value for value in values if value), None)
