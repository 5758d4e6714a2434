# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the object says in which an owner keeps Cilium's values: HelmChart and HelmChartConfig, HelmRelease, Application.

An account that may not see it leaves `resource` null, with an entry in `unread`.
"""
from __future__ import annotations

from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import chart_config, yaml_values
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, KubeError, NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import masked
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

FLUX_GROUP, ARGO_API = "helm.toolkit.fluxcd.io", "argoproj.io/v1alpha1"


def read_resource(cluster: Cluster, owner: Dict[str, Any], helm_charts: List[dict]) -> Optional[Dict[str, Any]]:
    """The owner's `resource` of docs/design.md; None for owners without one. Raises KubeError."""
    if owner["kind"] == "k3s_helm_chart":
        return helm_chart(cluster, owner, helm_charts)
    if owner["kind"] == "flux" and owner["evidence"].endswith("(HelmRelease)"):
        return helm_release(cluster, owner)
    return application(cluster, owner) if owner["kind"] == "argocd" else None


def helm_chart(cluster: Cluster, owner: Dict[str, Any], helm_charts: List[dict]) -> Dict[str, Any]:
    """HelmChart with the HelmChartConfig beside it."""
    chart = next(item for item in helm_charts if item["metadata"]["name"] == owner["name"]
                 and item["metadata"].get("namespace", "") == owner["namespace"])
    config = chart_config.read_config(cluster, owner["namespace"], owner["name"])
    return dict(chart_config.describe_chart(chart), config=chart_config.describe_config(config))


def helm_release(cluster: Cluster, owner: Dict[str, Any]) -> Dict[str, Any]:
    """{api_version, values, values_from: [{kind, name, key}], post_renderers: int, suspended: bool} of a HelmRelease."""
    version = cluster.get("/apis/" + FLUX_GROUP)["preferredVersion"]["groupVersion"]
    place = "/apis/{0}/namespaces/{1}/helmreleases/{2}".format(version, owner["namespace"] or "flux-system", owner["name"])
    spec = cluster.get(place).get("spec") or {}
    return {"api_version": version, "values": masked(spec.get("values") or {}),
            "values_from": [source(entry) for entry in spec.get("valuesFrom") or []],
            "post_renderers": len(spec.get("postRenderers") or []), "suspended": bool(spec.get("suspend"))}


def source(entry: Dict[str, Any]) -> Dict[str, str]:
    """Where a HelmRelease takes further values from, below its own."""
    return {"kind": one_line(entry.get("kind"), 40), "name": one_line(entry.get("name"), 100),
            "key": one_line(entry.get("valuesKey") or "values.yaml", 100)}


def application(cluster: Cluster, owner: Dict[str, Any]) -> Dict[str, Any]:
    """{api_version, namespace, automated, self_heal, sources} of an Application."""
    found = find_application(cluster, owner)
    spec = found.get("spec") or {}
    policy = (spec.get("syncPolicy") or {}).get("automated")
    single, several = spec.get("source"), spec.get("sources")
    sources = [describe_source(item, number) for number, item in enumerate(several)] if several else [
        describe_source(single, None)] if single else []
    return {"api_version": ARGO_API, "namespace": found["metadata"].get("namespace"), "automated": policy is not None,
            "self_heal": bool((policy or {}).get("selfHeal")), "sources": sources}


def find_application(cluster: Cluster, owner: Dict[str, Any]) -> dict:
    """The Application; by its name alone where its namespace is not told."""
    if owner["namespace"]:
        return cluster.get("/apis/{0}/namespaces/{1}/applications/{2}".format(ARGO_API, owner["namespace"], owner["name"]))
    named = [item for item in cluster.list("/apis/{0}/applications".format(ARGO_API))
             if item["metadata"]["name"] == owner["name"]]
    if len(named) != 1:
        raise NotFound("{0} Application of Argo CD is named {1}: it may be in another cluster.".format(
            "More than one" if named else "No", one_line(owner["name"], 100)))
    return named[0]


def describe_source(item: Dict[str, Any], number: Optional[int]) -> Dict[str, Any]:
    """One source: {index: None where it is the only one, kind, chart, helm: bool, place, values, parameters,
    value_files}.

    `place` says where its Helm values stand: valuesObject, values (a text, not looked at beside valuesObject), or None.
    """
    helm = item.get("helm") or {}
    chart = item.get("chart")
    kinds = [kind for kind in ("kustomize", "directory", "plugin") if item.get(kind) is not None]
    place = "valuesObject" if helm.get("valuesObject") else "values" if helm.get("values") else None
    return {"index": number, "kind": "helm" if chart or helm else kinds[0] if kinds else "unknown",
            "chart": one_line(chart, 100) if chart else None, "helm": item.get("helm") is not None, "place": place,
            "values": values_of(helm, place),
            "parameters": [one_line(entry.get("name"), 200) for entry in helm.get("parameters") or []],
            "value_files": [one_line(name, 200) for name in helm.get("valueFiles") or []]}


def values_of(helm: Dict[str, Any], place: Optional[str]) -> Optional[Dict[str, Any]]:
    """Its values, secrets hidden; None where they cannot be read."""
    if place == "values":
        try:
            return masked(yaml_values.read(str(helm["values"]), "spec.source.helm.values"))
        except KubeError:
            return None
    values = helm.get("valuesObject") or {}
    return masked(values) if isinstance(values, dict) else None
