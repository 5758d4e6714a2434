# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the owner of a release lets it be changed here, or keeps it to itself. Pure."""
from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import patches

# Where the owner of a release keeps its values. A manual upgrade would be reverted by it.
OWNERS = {
    "k3s_helm_chart": ("the HelmChart {name} of K3s or RKE2", "Put these values into a HelmChartConfig of that name, "
                       "spec.valuesContent: {values}"),
    "flux": ("Flux ({name})", "Put these values into spec.values of the HelmRelease, in the repository Flux reads: "
             "{values}"),
    "argocd": ("Argo CD (application {name})", "Put these values into the application's Helm values, in the repository "
               "Argo CD reads: {values}"),
    "managed": ("{name}, which runs Cilium as part of the platform", "Ask the platform for these values: {values}"),
}
OWN = ("helm", "none")
APPLICABLE = "k3s_helm_chart"
OPTION = "fastpath_owner_apply: true"

Obstacle = tuple[State, str, str]


def of(view: View) -> Mapping[str, Any] | None:
    """The owner; None where it could not be told."""
    return read.mapping(view.facts.get("owner"))


def is_foreign(view: View) -> bool:
    """Whether something else than Helm, or nobody, keeps the values."""
    return (of(view) or {}).get("kind") not in (None, *OWN)


def is_print_only(view: View) -> bool:
    """Whether the owner is one whose object is never changed here."""
    return (of(view) or {}).get("kind") != APPLICABLE


def remark(view: View) -> str:
    """What changing the owner's object costs besides, for a step's reason; empty where nothing."""
    config = read.mapping((read.mapping((of(view) or {}).get("resource")) or {}).get("config")) or {}
    lost = (of(view) or {}).get("kind") == APPLICABLE and config.get("comments") is True
    return " The comments in valuesContent of the HelmChartConfig are lost by it, until it is taken back." if lost else ""


def find(view: View, wanted: str, paths: Collection[str], apply: bool) -> Iterator[Obstacle]:
    """What is in the way of applying here.

    `wanted`: the values in words; `paths`: dotted paths that the steps change; `apply`: fastpath_owner_apply.
    """
    owner = of(view)
    if owner is None:
        yield (State.UNKNOWN, f"Who owns the Helm release could not be read{view.why_unread('owner')}; an owner would "
               "revert a change.", "Give the account the rights to look, and run again.")
    elif is_foreign(view):
        yield from _foreign(view, owner, wanted, paths, apply)


def _foreign(view: View, owner: Mapping[str, Any], wanted: str, paths: Collection[str], apply: bool) -> Iterator[Obstacle]:
    what, way_out = OWNERS.get(str(owner.get("kind")), ("{name}", "Set these values there: {values}"))
    name = one_line(owner.get("name") or owner.get("kind"), 80)
    way_out = way_out.format(name=name, values=wanted)
    if owner.get("kind") != APPLICABLE:
        yield (State.BLOCKED, f"The release belongs to {what.format(name=name)}, which would revert a Helm upgrade.",
               way_out + (" (fastpath_owner_apply is for K3s and RKE2 only.)" if apply else ""))
    elif not apply:
        yield (State.BLOCKED, f"The release belongs to {what.format(name=name)}, which would revert a Helm upgrade.",
               f"{way_out}; or have it done with {OPTION}.")
    else:
        for reason, instead in _chart_config(view, owner, paths):
            yield (State.BLOCKED, reason, instead)


def _chart_config(view: View, owner: Mapping[str, Any], paths: Collection[str]) -> Iterator[tuple[str, str]]:
    """Why the HelmChartConfig may not be written here."""
    resource = read.mapping(owner.get("resource"))
    if resource is None:
        yield (f"The HelmChartConfig of {one_line(owner.get('name'), 80)} could not be read{view.why_unread('owner')}.",
               "Give the account get, create, update and delete on helmchartconfigs, and run again.")
        return
    config = read.mapping(resource.get("config")) or {}
    keeper = read.mapping(config.get("keeper"))
    if keeper:
        words = patches.KEEPERS.get(str(keeper.get("kind")), "{name} keeps it.").format(
            name=one_line(keeper.get("name"), 80))
        yield (f"The HelmChartConfig of {one_line(owner.get('name'), 80)} is kept by somebody else, who would put it back.",
               f"{words} The patch files in the run's folder hold it.")
    if config and config.get("values") is None:
        yield ("The valuesContent of the HelmChartConfig is no YAML that can be read.", "Correct it first.")
    if config.get("intact") is False:
        yield (f"The HelmChartConfig was edited after run {one_line(config.get('run'), 80)} changed it.",
               "Look at it; when it is as you want it, remove its annotation fastpath.cilium/change, and run again.")
    for path in sorted(paths):
        place = _overruling(resource, config, path)
        if place:
            yield f"{place} sets {path}, which wins over valuesContent.", f"Remove {path} there, or change it there."


def _overruling(resource: Mapping[str, Any], config: Mapping[str, Any], path: str) -> str | None:
    if path in (read.mapping(resource.get("set")) or {}):
        return "spec.set of the HelmChart"
    structured = read.mapping(config.get("structured")) or {}
    return "spec.values of the HelmChartConfig" if read.nested(structured, path)[0] is not None else None
