# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the owner of a foreign release has to change: one YAML file for each step, for the owner's own place. Pure."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_values import with_changes
from ansible_collections.fastpath.cilium.plugins.module_utils.node_config import document
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

Change = Mapping[str, Any]
RESTART = ("Then restart the agents, one node at a time, and wait until each is Ready: ConfigMap changes reach an agent only "
           "when it starts. At the end, verify.yml says whether all is in line.")


def patches(view: View, steps: Sequence[Change]) -> list[dict[str, str]]:
    """[{name, text}] for `steps` ({id, values, config, nodes}) of a plan; none where Helm alone owns the release.

    `name` is a file's name without its ending.
    """
    owner = read.mapping(view.facts.get("owner")) or {}
    kind = "none" if view.has_no_release and owner.get("kind") in ("none", "helm") else str(owner.get("kind"))
    write = WRITERS.get(kind)
    if write is None:
        return []
    total = len(steps)
    values = [{"name": f"patch-{number}", "text": _text(*write(view, owner, step), number, total)}
              for number, step in enumerate(steps, 1) if step.get("values") or step.get("config")]
    return values + [patch for number, step in enumerate(steps, 1) for patch in _node_configs(view, step, number, total)]


def _node_configs(view: View, step: Change, number: int, total: int) -> Iterator[dict[str, str]]:
    """CiliumNodeConfigs of a step, a file each: they come before its values, and are nobody's but the user's."""
    namespace = str((read.mapping(view.facts.get("config")) or {}).get("namespace") or "kube-system")
    for config in read.listing(step.get("node_configs")) or []:
        made = document(view.node_config_api or "cilium.io/v2", namespace, config["name"], config["node_selector"],
                        config["defaults"])
        title = ("kubectl apply -f this file before the values of this step are changed." if config["defaults"] else
                 "kubectl delete -f this file: it is not needed any more.")
        yield {"name": f"patch-{number}-{config['name']}", "text": _text(title, made, number, total)}


def _text(title: str, document: Any, number: int, total: int) -> str:
    heading = [f"Step {number} of {total}. {title}", RESTART]
    comments = "".join(f"# {one_line(line, 400)}\n" for line in heading)
    return f"{comments}---\n{yaml.safe_dump(document, sort_keys=False, default_flow_style=False)}"


def _nested(step: Change) -> dict[str, Any]:
    """The Helm values of a step, as they stand in a values file."""
    changes = {path: value for path, value in (step.get("values") or {}).items() if value is not None}
    return with_changes({}, changes)


def _name(owner: Change) -> str:
    return str(owner.get("name") or "cilium")


def _helm_chart(_view: View, owner: Change, step: Change) -> tuple[str, Any]:
    namespace = str(owner.get("evidence") or "").removeprefix("HelmChart ").partition("/")[0] or "kube-system"
    content = yaml.safe_dump(_nested(step), sort_keys=False)
    document = {"apiVersion": "helm.cattle.io/v1", "kind": "HelmChartConfig",
                "metadata": {"name": _name(owner), "namespace": namespace}, "spec": {"valuesContent": content}}
    return ("kubectl apply -f this file; where a HelmChartConfig of this name is there already, merge valuesContent into its own "
            "first.", document)


def _flux(_view: View, owner: Change, step: Change) -> tuple[str, Any]:
    return f"Merge this into the HelmRelease {_name(owner)}, in the repository that Flux reads.", {"spec": {"values": _nested(step)}}


def _argocd(_view: View, owner: Change, step: Change) -> tuple[str, Any]:
    document = {"spec": {"source": {"helm": {"valuesObject": _nested(step)}}}}
    return f"Merge this into the Application {_name(owner)}, in the repository that Argo CD reads.", document


def _managed(_view: View, owner: Change, step: Change) -> tuple[str, Any]:
    title = f"{_name(owner)} runs Cilium as a part of its product: these are the keys of cilium-config to ask it for."
    return title, dict(step.get("config") or {})


def _manifests(view: View, _owner: Change, step: Change) -> tuple[str, Any]:
    found = read.mapping(view.facts.get("config")) or {}
    metadata = {"name": str(found.get("name") or "cilium-config"), "namespace": str(found.get("namespace") or "kube-system")}
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(step.get("config") or {})}
    return ("Merge these keys into the ConfigMap where Cilium's manifests come from (null: remove the key); to try them, kubectl "
            "patch configmap with --type merge --patch-file this file.", document)


WRITERS: Mapping[str, Callable[[View, Change, Change], tuple[str, Any]]] = {
    "k3s_helm_chart": _helm_chart, "flux": _flux, "argocd": _argocd, "managed": _managed, "none": _manifests,
}
