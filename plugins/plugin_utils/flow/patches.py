# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the owner of a foreign release has to change: one YAML file for each step, for the owner's own place. Pure.

A file can be applied as it stands; where that would need a secret, which is never written to a file, it holds the part to
be merged by hand and its first lines say so.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from ansible_collections.fastpath.cilium.plugins.module_utils import yaml_values
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_values import with_changes
from ansible_collections.fastpath.cilium.plugins.module_utils.node_config import document
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import HIDDEN
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import patches_argocd

Change = Mapping[str, Any]
RESTART = ("Then restart the agents, one node at a time, and wait until each is Ready: ConfigMap changes reach an agent only "
           "when it starts. At the end, verify.yml says whether all is in line.")
CHART_CONFIG = {"apiVersion": "helm.cattle.io/v1", "kind": "HelmChartConfig"}
# Where a HelmRelease cannot be read: the version that Flux serves since 2.3.
FLUX_API = "helm.toolkit.fluxcd.io/v2"
KEEPERS = {
    "addon": "It comes from the file {name} among the servers' manifests (server/manifests/{name}.yaml), which is applied "
             "again whenever a server starts: write this into that file, on every server.",
    "flux": "It comes from Flux ({name}): put this into the repository that Flux reads.",
    "argocd": "It comes from Argo CD ({name}): put this into the repository that Argo CD reads.",
    "helm": "It comes from the Helm release {name} (Fleet brings its bundles so): put this where the chart of that comes from.",
}


class Patch(NamedTuple):
    """What to do with a document, in sentences, the document, and what is to be done after."""

    sentences: list[str]
    document: Any
    after: str = RESTART


def patches(view: View, steps: Sequence[Change]) -> list[dict[str, str]]:
    """[{name, text}] for `steps` ({id, values, config, nodes}) of a plan; none where Helm alone owns the release.

    `name` is a file's name without its ending. A step that only restarts agents has nothing to be changed by the owner.
    """
    owner = read.mapping(view.facts.get("owner")) or {}
    kind = "none" if view.has_no_release and owner.get("kind") in ("none", "helm") else str(owner.get("kind"))
    writer = WRITERS.get(kind)
    if writer is None:
        return []
    found, before = [], {}
    for number, step in enumerate(steps, 1):
        values = {**before, **(step.get("values") or {})}
        if step.get("values") or step.get("config"):
            patch = _kube_proxy(step) if step.get("kube_proxy") else writer(view, owner, {**step, "all_values": values})
            found.append({"name": f"patch-{number}", "text": _text(patch, number, len(steps))})
        before = values
    return found + [patch for number, step in enumerate(steps, 1) for patch in _node_configs(view, step, number, len(steps))]


def _node_configs(view: View, step: Change, number: int, total: int) -> Iterator[dict[str, str]]:
    """CiliumNodeConfigs of a step, a file each: they come before its values, and are nobody's but the user's."""
    namespace = str((read.mapping(view.facts.get("config")) or {}).get("namespace") or "kube-system")
    for config in read.listing(step.get("node_configs")) or []:
        made = document(view.node_config_api or "cilium.io/v2", namespace, config["name"], config["node_selector"],
                        config["defaults"])
        title = ("kubectl apply -f this file before the values of this step are changed." if config["defaults"] else
                 "kubectl delete -f this file: it is not needed any more.")
        yield {"name": f"patch-{number}-{config['name']}", "text": _text(Patch([title], made), number, total)}


def _kube_proxy(step: Change) -> Patch:
    """What keeps kube-proxy off the nodes is the same with any owner of Cilium."""
    found = step["kube_proxy"]
    title = (f"kubectl -n {found['namespace']} patch daemonset {found['name']} --type merge --patch-file this file; null in "
             "the place of the value takes it back.")
    return Patch([title], {"spec": {"template": {"spec": {"nodeSelector": dict(found["node_selector"])}}}}, "")


def _text(patch: Patch, number: int, total: int) -> str:
    heading = [f"Step {number} of {total}. {patch.sentences[0]}", *patch.sentences[1:], *filter(None, [patch.after])]
    comments = "".join(f"# {one_line(line, 500)}\n" for line in heading)
    written = yaml.dump(patch.document, Dumper=yaml_values.Writer, sort_keys=False, allow_unicode=True, width=4096)
    return f"{comments}---\n{written}"


def _nested(changes: Change) -> dict[str, Any]:
    """Dotted paths as they stand in a values file; None stays, which a merge patch takes as removal."""
    kept = {path: value for path, value in changes.items() if value is not None}
    nested = with_changes({}, kept)
    for path in changes.keys() - kept.keys():
        here = nested
        *parents, last = path.split(".")
        for key in parents:
            here = here.setdefault(key, {})
        here[last] = None
    return nested


def _name(owner: Change) -> str:
    return str(owner.get("name") or "cilium")


def has_hidden(tree: Any) -> bool:
    """Whether a secret was left out of these values."""
    if isinstance(tree, Mapping):
        return any(has_hidden(value) for value in tree.values())
    return any(has_hidden(value) for value in tree) if isinstance(tree, list) else tree == HIDDEN or (
        isinstance(tree, str) and HIDDEN in tree)


# K3s and RKE2

def _helm_chart(_view: View, owner: Change, step: Change) -> Patch:
    resource = read.mapping(owner.get("resource"))
    config = read.mapping((resource or {}).get("config"))
    values = read.mapping((config or {}).get("values"))
    where = {"name": _name(owner), "namespace": str(owner.get("namespace") or "kube-system")}
    if resource is None or (config is not None and (values is None or has_hidden(values))):
        return _to_be_merged(where, resource, step)
    spec: dict[str, Any] = {"valuesContent": yaml_values.write(with_changes(dict(values or {}), step["all_values"]))}
    if config is None and resource.get("failure_policy") not in (None, "reinstall"):
        # Without it the API server would write `reinstall` here, which wins over what the HelmChart says.
        spec["failurePolicy"] = resource["failure_policy"]
    sentences = [f"kubectl apply --server-side --force-conflicts -f this file, for the HelmChart {where['namespace']}/"
                 f"{where['name']}.", *_kept(config or {}), *_overruled(resource, config or {}, step)]
    return Patch(sentences, {**CHART_CONFIG, "metadata": where, "spec": spec})


def _to_be_merged(where: Change, resource: Change | None, step: Change) -> Patch:
    name = f"{where['namespace']}/{where['name']}"
    why = "it could not be read" if resource is None else (
        "it holds secrets, which are not written to files, or no readable YAML")
    title = f"Merge this into spec.valuesContent of the HelmChartConfig {name} by hand, since {why}."
    return Patch([title], _nested(step["all_values"]))


def _kept(config: Change) -> list[str]:
    keeper = read.mapping(config.get("keeper"))
    told = ["The comments of its valuesContent are lost by this."] if config.get("comments") else []
    words = KEEPERS.get(str((keeper or {}).get("kind")))
    return [*told, words.format(name=one_line((keeper or {}).get("name"), 80))] if words else told


def _overruled(resource: Change, config: Change, step: Change) -> list[str]:
    """Places that win over valuesContent and set the same."""
    found = [f"The HelmChart sets {path} in spec.set, which wins: change it there."
             for path in step["all_values"] if path in (read.mapping(resource.get("set")) or {})]
    structured = read.mapping(config.get("structured")) or {}
    found += [f"Its spec.values sets {path}, which wins: change it there."
              for path in step["all_values"] if read.nested(structured, path)[0] is not None]
    names = [*(read.listing(resource.get("secrets")) or []), *(read.listing(config.get("secrets")) or [])]
    if names:
        found.append(f"Values also come from the Secrets {', '.join(map(str, names))}; those of a HelmChartConfig win.")
    return found


# Flux

def _flux(view: View, owner: Change, step: Change) -> Patch:
    if not step.get("values"):
        return _manifests(view, owner, step)
    resource = read.mapping(owner.get("resource")) or {}
    namespace = str(owner.get("namespace") or "flux-system")
    document = {"apiVersion": resource.get("api_version") or FLUX_API, "kind": "HelmRelease",
                "metadata": {"name": _name(owner), "namespace": namespace}, "spec": {"values": _nested(step["values"])}}
    sentences = [f"Merge this into the HelmRelease {_name(owner)}, in the repository that Flux reads; it can stand there as "
                 f"a patch of a Kustomization. To try it: kubectl patch helmrelease {_name(owner)} -n {namespace} --type merge "
                 "--patch-file this file, after flux suspend of the Kustomization that brings it."]
    return Patch(sentences + _flux_notes(resource), document)


def _flux_notes(resource: Change) -> list[str]:
    sources = [f"{entry.get('kind')} {entry.get('name')}" for entry in read.listing(resource.get("values_from")) or []]
    found = [f"It also takes values from {', '.join(sources)}; those written here win over them."] if sources else []
    if resource.get("post_renderers"):
        found.append("It has post-renderers: what they change in cilium-config wins over the values.")
    return found + (["It is suspended: nothing happens until flux resume."] if resource.get("suspended") else [])


# Argo CD, clouds, manifests

def _argocd(view: View, owner: Change, step: Change) -> Patch:
    if not step.get("values"):
        return _manifests(view, owner, step)
    return Patch(*patches_argocd.patch(owner, {"step": step["values"], "all": step["all_values"]}, _nested, has_hidden))


def _managed(_view: View, owner: Change, step: Change) -> Patch:
    title = (f"{_name(owner)} runs Cilium as a part of its product and puts back what is changed in the cluster: these are "
             "the keys of cilium-config to ask it for, or to set in a cluster that brings its own Cilium.")
    return Patch([title], dict(step.get("config") or {}))


def _manifests(view: View, owner: Change, step: Change) -> Patch:
    found = read.mapping(view.facts.get("config")) or {}
    metadata = {"name": str(found.get("name") or "cilium-config"), "namespace": str(found.get("namespace") or "kube-system")}
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(step.get("config") or {})}
    return Patch([f"Merge these keys into the ConfigMap where Cilium's manifests come from{_where(view, owner)} (null: remove "
                  f"the key); to try them, kubectl patch configmap {metadata['name']} -n {metadata['namespace']} --type merge "
                  "--patch-file this file."], document)


def _where(view: View, owner: Change) -> str:
    if owner.get("kind") in ("flux", "argocd"):
        return f" ({'Flux' if owner['kind'] == 'flux' else 'Argo CD'}, {_name(owner)})"
    talos = any("talos" in str(node.get("os_image")).lower() for node in view.nodes or ())
    return " (on Talos: inlineManifests or extraManifests of the machine configuration)" if talos else ""


WRITERS: Mapping[str, Callable[[View, Change, Change], Patch]] = {
    "k3s_helm_chart": _helm_chart, "flux": _flux, "argocd": _argocd, "managed": _managed, "none": _manifests,
}
