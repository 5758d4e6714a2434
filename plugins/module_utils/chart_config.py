# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""HelmChart and HelmChartConfig of K3s and RKE2 as facts: what stands where, who else keeps it, and what is ours of it.

helm-controller runs Helm with the values of the HelmChart, then of the HelmChartConfig of the same name and namespace
(valuesContent, values, valuesSecrets in this order), and with the HelmChart's `set` over all of them.
"""
from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import yaml_values
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_values import changed_values, with_changes
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, KubeError, NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import masked
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

API_VERSION = "helm.cattle.io/v1"
# Ours, on a HelmChartConfig: {run, content: digest of what we wrote, held: bool, back: bool, was: {strategy,
# release_strategy, policy} while the change is not closed}. A strategy is {"set": bool, "value": ..}.
MARK = "fastpath.cilium/change"
# What the controller of K3s and RKE2 does about a Helm run that failed where nothing is said: it uninstalls the chart.
DEFAULT_POLICY = "reinstall"
ADDON_KIND, ADDON_NAME = "objectset.rio.cattle.io/owner-gvk", "objectset.rio.cattle.io/owner-name"
# Flux's HelmReleases and Fleet's bundles bring objects by Helm too, so its mark comes last.
KEEPERS = (("labels", "kustomize.toolkit.fluxcd.io/name", "flux"), ("labels", "helm.toolkit.fluxcd.io/name", "flux"),
           ("annotations", "argocd.argoproj.io/tracking-id", "argocd"), ("labels", "argocd.argoproj.io/instance", "argocd"),
           ("annotations", "meta.helm.sh/release-name", "helm"))


def path(kind: str, namespace: str, name: str = "") -> str:
    """Path of an object, or of its collection; `kind`: helmcharts or helmchartconfigs."""
    return "/apis/{0}/namespaces/{1}/{2}{3}".format(API_VERSION, namespace, kind, "/" + name if name else "")


def read_config(cluster: Cluster, namespace: str, name: str) -> Optional[dict]:
    """The HelmChartConfig; None where there is none. Raises KubeError."""
    try:
        return cluster.get(path("helmchartconfigs", namespace, name))
    except NotFound:
        return None


def describe_chart(chart: dict) -> Dict[str, Any]:
    """The HelmChart's part of the facts: {api_version, values, set, secrets, failure_policy}; values None = no YAML."""
    spec = chart.get("spec") or {}
    return {"api_version": API_VERSION, "values": masked_values(spec), "set": masked(dict(spec.get("set") or {})),
            "secrets": secret_names(spec), "failure_policy": spec.get("failurePolicy") or DEFAULT_POLICY}


def describe_config(config: Optional[dict]) -> Optional[Dict[str, Any]]:
    """The HelmChartConfig's part of the facts; None where there is none."""
    if config is None:
        return None
    spec, mark = config.get("spec") or {}, mark_of(config)
    return {
        "resource_version": config["metadata"].get("resourceVersion"), "values": masked_values({
            "valuesContent": spec.get("valuesContent")}), "structured": masked(spec.get("values") or {}),
        "secrets": secret_names(spec), "failure_policy": spec.get("failurePolicy"), "comments": has_comments(spec),
        "keeper": keeper(config), "run": mark.get("run"), "open": "was" in mark,
        "held": bool(mark.get("held")), "back": bool(mark.get("back")),
        "intact": not mark or mark.get("content") == digest(spec),
    }


def masked_values(spec: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """valuesContent with `values` over it, secrets hidden; None where it is no YAML."""
    try:
        return masked(layered(spec))
    except KubeError:
        return None


def layered(spec: Dict[str, Any]) -> Dict[str, Any]:
    """The same with its secrets. Raises Garbled."""
    content = yaml_values.read(str(spec.get("valuesContent") or ""), "spec.valuesContent")
    return merged(content, spec.get("values") if isinstance(spec.get("values"), dict) else {})


def merged(below: Dict[str, Any], above: Dict[str, Any]) -> Dict[str, Any]:
    """Values as Helm lays one file over another."""
    result = dict(below)
    for key, value in above.items():
        former = result.get(key)
        result[key] = merged(former, value) if isinstance(former, dict) and isinstance(value, dict) else value
    return result


def secret_names(spec: Dict[str, Any]) -> List[str]:
    """Names of the Secrets that hold further values."""
    return [one_line(entry.get("name"), 100) for entry in spec.get("valuesSecrets") or [] if isinstance(entry, dict)]


def has_comments(spec: Dict[str, Any]) -> bool:
    """Whether a line of valuesContent is a comment, which is lost where the values are written anew."""
    return any(line.lstrip().startswith("#") for line in str(spec.get("valuesContent") or "").splitlines())


def keeper(config: dict) -> Optional[Dict[str, str]]:
    """{kind: addon|flux|argocd|helm, name} of who would put this object back; None where nobody is known to.

    An addon is a file in the servers' folder `server/manifests`, which is applied again whenever a server starts.
    """
    metadata = config.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if str(annotations.get(ADDON_KIND) or "").endswith("Kind=Addon"):
        return {"kind": "addon", "name": one_line(annotations.get(ADDON_NAME), 100)}
    for part, key, kind in KEEPERS:
        value = (metadata.get(part) or {}).get(key)
        if value:
            return {"kind": kind, "name": one_line(str(value).split(":", maxsplit=1)[0], 100)}
    return None


def mark_of(config: Optional[dict]) -> Dict[str, Any]:
    """What we wrote on the object; {} where it is not ours, or not readable."""
    annotations = ((config or {}).get("metadata") or {}).get("annotations") or {}
    try:
        mark = json.loads(annotations.get(MARK) or "{}")
    except ValueError:
        return {}
    return mark if isinstance(mark, dict) else {}


def digest(spec: Dict[str, Any]) -> str:
    """A hash over the values of a spec: tells an object that somebody edited after us."""
    values = [spec.get("valuesContent") or "", spec.get("values") or {}]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode("utf-8")).hexdigest()[:32]


def marked(config: dict, mark: Optional[Dict[str, Any]]) -> dict:
    """A copy of the object with this mark of ours, its digest filled in; None takes the mark away."""
    metadata = dict(config["metadata"], annotations=dict(config["metadata"].get("annotations") or {}))
    metadata["annotations"].pop(MARK, None)
    if mark is not None:
        metadata["annotations"][MARK] = json.dumps(dict(mark, content=digest(config["spec"])), sort_keys=True)
    if not metadata["annotations"]:
        del metadata["annotations"]
    return dict(config, metadata=metadata)


def content_with(content: str, changes: Dict[str, Any]) -> str:
    """valuesContent with dotted paths set, or removed with None. Order of keys is kept, comments are lost."""
    values = yaml_values.read(content, "spec.valuesContent")
    return yaml_values.write(with_changes(values, changes))


def content_changes(former: str, new: str) -> List[dict]:
    """[{path, former, value}] between two texts, secrets hidden."""
    return changed_values(*(yaml_values.read(text, "spec.valuesContent") for text in (former, new)))
