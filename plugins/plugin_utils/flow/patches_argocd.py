# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What to change in an Application of Argo CD, whose Helm values stand in one of several places. Pure.

valuesObject wins over the text `values`, which is then not looked at; parameters win over both.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils import yaml_values
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_values import split_path, with_changes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read

API = "argoproj.io/v1alpha1"


def helm_source(owner: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The one source that renders Cilium's chart; None where that is not told."""
    resource = read.mapping(owner.get("resource")) or {}
    sources = [entry for entry in map(read.mapping, read.listing(resource.get("sources")) or []) if entry]
    rendered = [entry for entry in sources if entry.get("kind") == "helm"]
    cilium = [entry for entry in rendered if "cilium" in str(entry.get("chart"))]
    found = cilium or rendered
    return found[0] if len(found) == 1 else None


def patch(owner: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]], nested: Callable[[Any], dict[str, Any]],
          has_hidden: Callable[[Any], bool]) -> tuple[list[str], Any]:
    """(sentences, document); `changes`: {step: {dotted: value} of this step, all: of this and the steps before}."""
    source = helm_source(owner)
    values = read.mapping((source or {}).get("values"))
    name = str(owner.get("name") or "cilium")
    if source is None or values is None or (source.get("place") == "values" and has_hidden(values)):
        return ([f"Merge this into the Helm values of the Application {name} by hand, in the repository that Argo CD reads: "
                 "where they stand could not be read, or they hold secrets, which are not written to files."],
                nested(changes["all"]))
    sentences, document = _for(owner, name, source, changes, nested, dict(values))
    return [sentences, *_notes(owner, source, changes["all"])], document


def _for(owner: Mapping, name: str, source: Mapping, changes: Mapping[str, Mapping[str, Any]], nested: Callable[[Any], dict],
         values: dict[str, Any]) -> tuple[str, Any]:
    namespace = str((read.mapping(owner.get("resource")) or {}).get("namespace") or owner.get("namespace") or "argocd")
    try_it = f"To try it: kubectl patch application {name} -n {namespace} --type {{}} --patch-file this file."
    text = source.get("place") == "values"
    if read.number(source.get("index")) is not None:
        return ("These are changes to one of the Application's sources, in the repository that Argo CD reads. "
                + try_it.format("json"), _operations(source, changes["all"], values))
    if text:
        helm = {"values": yaml_values.write(with_changes(values, dict(changes["all"])))}
    else:
        helm = {"valuesObject": nested(changes["step"])}
    document = {"apiVersion": API, "kind": "Application", "metadata": {"name": name, "namespace": namespace},
                "spec": {"source": {"helm": helm}}}
    return (f"Merge this into the Application {name}, in the repository that Argo CD reads. {try_it.format('merge')}",
            document)


def _operations(source: Mapping, changes: Mapping[str, Any], values: dict[str, Any]) -> list[dict[str, Any]]:
    """A JSON patch: a merge patch would replace the whole list of sources."""
    place = ["spec", "sources", str(source["index"])]
    if source.get("place") == "values":
        return [{"op": "replace", "path": _pointer([*place, "helm", "values"]),
                 "value": yaml_values.write(with_changes(values, dict(changes)))}]
    if source.get("place") is None:
        tree: Any = {"valuesObject": with_changes({}, dict(changes))}
        if source.get("helm"):
            return [{"op": "add", "path": _pointer([*place, "helm", "valuesObject"]), "value": tree["valuesObject"]}]
        return [{"op": "add", "path": _pointer([*place, "helm"]), "value": tree}]
    return _additions([*place, "helm", "valuesObject"], changes, values)


def _additions(place: list[str], changes: Mapping[str, Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One operation for each path, at the first part of it that is not there."""
    found, tree = [], dict(values)
    for path, value in sorted(changes.items()):
        keys, depth, here = split_path(path), 0, tree
        while depth < len(keys) - 1 and isinstance(here.get(keys[depth]), Mapping):
            here, depth = here[keys[depth]], depth + 1
        if value is not None:
            rest: Any = value
            for key in reversed(keys[depth + 1:]):
                rest = {key: rest}
            found.append({"op": "add", "path": _pointer([*place, *keys[:depth + 1]]), "value": rest})
        elif depth == len(keys) - 1 and keys[-1] in here:
            found.append({"op": "remove", "path": _pointer([*place, *keys])})
        tree = with_changes(tree, {path: value})
    return found


def _pointer(parts: list[str]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _notes(owner: Mapping, source: Mapping, changes: Mapping[str, Any]) -> list[str]:
    overruled = [f"The Application sets {path} by a parameter, which wins: change it there."
                 for path in changes if path in (read.listing(source.get("parameters")) or [])]
    files = read.listing(source.get("value_files")) or []
    if files:
        overruled.append(f"Values also come from the files {', '.join(map(str, files))}; those written here win over them.")
    if source.get("place") == "values":
        overruled.append("The comments of its values are lost by this.")
    resource = read.mapping(owner.get("resource")) or {}
    if resource.get("self_heal"):
        overruled.append("Argo CD heals by itself here: a change of cilium-config in the cluster is taken back at once.")
    elif resource.get("automated") is False:
        overruled.append("It is not synced automatically: sync it after the change.")
    return overruled
