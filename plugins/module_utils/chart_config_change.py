# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes Helm values through the HelmChartConfig of K3s and RKE2, whose helm-controller then runs Helm in a job.

A step writes twice: `apply` (the values, with a hold where the agents would restart by themselves, and with failurePolicy
abort, since what is done about a failed Helm run by default is to uninstall Cilium), and when the agents have restarted,
`close` (without hold, the policy as it was). The way back is alike: `revert` (the former values), then `restore` (the very
object there was, or none).
"""
from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import (
    chart_config, former_objects, helm_values, release_guard, release_write, rollout_hold, yaml_values)
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_chart import chart_for
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_job import HelmJob
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import masked
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import Moved, Refused

ABORT = "abort"
OPTIONAL = ("labels", "annotations")


class Options(NamedTuple):
    """Which chart, and for whom. `release`: (name, namespace)."""

    name: str
    namespace: str
    release: Any
    run_id: str
    step: str = ""
    expected_revision: Optional[int] = None
    chart: Optional[str] = None
    timeout: float = 300.0
    check: bool = False


class ChartConfigChange:
    """One change of one HelmChartConfig. The four entrances return {changed, former_revision, revision, held,
    changed_values, changed_resources, certificates_reissued, config, before, after} and raise KubeError."""

    def __init__(self, cluster: Any, options: Options, helm: Callable[[], Any], directory: str) -> None:
        self.cluster, self.options, self.directory = cluster, options, directory
        name, namespace = options.release
        self.write = release_write.ReleaseWrite(
            cluster, release_write.Options(name, namespace, options.run_id, check=options.check), helm, directory)
        self.job = HelmJob(cluster, options.namespace, options.name, options.timeout)
        self.chart: Dict[str, Any] = {}
        self.config: Optional[dict] = None
        self.package: Optional[str] = None

    # The entrances

    def apply(self, changes: Dict[str, Any]) -> dict:
        """Sets dotted paths of valuesContent; None removes what is set there."""
        self.read()
        self.require_ready(changes)
        release = self.write.release
        values = helm_values.with_changes(release["config"], changes)
        if helm_values.same(values, release["config"]):
            return self.unchanged()
        content = chart_config.content_with(self.content(), changes)
        manifest, held = self.rendered(values), bool(self.mark().get("held"))
        if not held and self.write.would_restart(release["manifest"], manifest):
            values, content, held = rollout_hold.held(values), with_strategy(content, rollout_hold.HELD_STRATEGY), True
            manifest = self.rendered(values)
        release_guard.require_text(manifest)
        new = self.marked(self.with_spec(content, ABORT), {"held": held, "was": self.was()})
        if self.options.check:
            return self.outcome(values, manifest, held, new)
        former_objects.remember(self.cluster, self.options.namespace, self.options.run_id, self.options.step, self.config)
        return self.written(new, values, held)

    def close(self) -> dict:
        """Ends a change: no hold, and the policy as it was. Refused while an agent would be restarted by that."""
        self.read()
        mark = self.mark()
        if "was" not in mark:
            return self.unchanged()
        self.require_ours(mark.get("run"))
        release_guard.require_deployed(self.write.release, self.write.history)
        was = mark["was"]
        values, content = self.write.release["config"], self.content()
        if mark.get("held"):
            values, content = without_hold(values, was["release_strategy"]), without_hold_text(content, was["strategy"])
            self.require_rolled(values)
        kept = {key: mark[key] for key in ("run", "back") if key in mark}
        new = chart_config.marked(self.with_spec(content, was["policy"]), kept)
        if self.options.check:
            return self.outcome(values, self.write.release["manifest"], False, new)
        return self.written(new, values, False)

    def revert(self, former_revision: int, former_values: Dict[str, Any]) -> dict:
        """Brings back the values that were there before a step, with a hold where the agents would restart by themselves."""
        self.read()
        kept = self.kept()
        if not kept or self.is_former(kept["object"]):
            return self.unchanged()
        self.require_ours(self.options.run_id)
        former = kept["object"]
        target = self.write.stored(former_revision)
        text = str(((former or {}).get("spec") or {}).get("valuesContent") or "")
        if release_guard.is_broken(self.write.release) and not self.options.check:
            self.settle(text, self.former(target, former_values)[1])
        release, (values, manifest) = self.write.release, self.former(target, former_values)
        held = self.write.would_restart(release["manifest"], manifest)
        if held:
            values, text = rollout_hold.held(values), with_strategy(text, rollout_hold.HELD_STRATEGY)
        new = self.marked(self.with_spec(text, ABORT), {"held": held, "back": True, "was": self.was()})
        if self.options.check:
            return self.outcome(values, manifest, held, new)
        return self.written(new, values, held)

    def restore(self) -> dict:
        """Puts the object back that was there before a step, to the byte, or removes it; needs `revert` before it."""
        self.read()
        kept = self.kept()
        if not kept:
            return self.unchanged()
        if not self.is_former(kept["object"]):
            result = self.put_back(kept["object"])
        else:
            result = self.unchanged()
        if not self.options.check:
            former_objects.forget(self.cluster, self.options.namespace, self.options.run_id, self.options.step)
        return result

    # Reading

    def read(self) -> None:
        """Reads HelmChart, HelmChartConfig and release."""
        options = self.options
        try:
            self.chart = self.cluster.get(chart_config.path("helmcharts", options.namespace, options.name))
        except NotFound:
            raise Refused("There is no HelmChart {0}/{1}: read the cluster again, its owner has changed.".format(
                options.namespace, options.name)) from None
        self.config = chart_config.read_config(self.cluster, options.namespace, options.name)
        self.write.read()

    def content(self) -> str:
        return str(((self.config or {}).get("spec") or {}).get("valuesContent") or "")

    def mark(self) -> Dict[str, Any]:
        return chart_config.mark_of(self.config)

    def was(self) -> Dict[str, Any]:
        """What closing a change has to bring back; that of a change that is not closed stays."""
        found = self.mark().get("was")
        if found is not None:
            return found
        policy = self.policy_of(self.config)
        return {"strategy": strategy_in(yaml_values.read(self.content(), "spec.valuesContent")),
                "release_strategy": strategy_in(self.write.release["config"]), "policy": policy}

    def former(self, target: Optional[dict], former_values: Dict[str, Any]) -> Any:
        """(values, manifest) from before a step; `target`: the revision that had them, None where Helm has forgotten it."""
        if target:
            return target["config"], target["manifest"]
        values = helm_values.with_changes(
            without_hold(self.write.release["config"], self.was()["release_strategy"]), former_values)
        return values, self.rendered(values)

    def policy_of(self, config: Optional[dict]) -> str:
        """What is done about a failed Helm run with this HelmChartConfig: its word wins over the HelmChart's."""
        specs = [(document or {}).get("spec") or {} for document in (config, self.chart)]
        return next((spec["failurePolicy"] for spec in specs if spec.get("failurePolicy")), chart_config.DEFAULT_POLICY)

    def kept(self) -> Dict[str, Any]:
        options = self.options
        return former_objects.recall(self.cluster, options.namespace, options.run_id, options.step)

    def is_former(self, former: Optional[dict]) -> bool:
        """Whether the object is as it was before the step: values, policy, and our mark if there was one."""
        if former is None or self.config is None:
            return former is self.config
        return (former.get("spec") == self.config.get("spec")
                and chart_config.mark_of(former) == self.mark())

    # What must hold

    def require_ready(self, changes: Dict[str, Any]) -> None:
        """Refuses where the release is not at rest, or where what we would write would not come into force or not stay."""
        release = self.write.release
        release_guard.require_deployed(release, self.write.history)
        release_guard.require_expected(release, self.options.expected_revision)
        live = release_guard.read_config(self.cluster, release["namespace"])
        release_guard.require_live_config([release], live.get("data") or {})
        if self.mark():
            self.require_ours(self.mark().get("run"))
        keeper = chart_config.keeper(self.config) if self.config else None
        if keeper:
            raise Refused("HelmChartConfig {0}/{1} is kept by {2} {3}, which would put it back: change it there.".format(
                self.options.namespace, self.options.name, keeper["kind"], keeper["name"]))
        self.require_effective(changes)

    def require_effective(self, changes: Dict[str, Any]) -> None:
        """Other places that win over valuesContent, or that set what is to be removed."""
        chart, config = self.chart.get("spec") or {}, (self.config or {}).get("spec") or {}
        below = chart_config.layered(chart)
        for path in sorted(changes):
            if path in (chart.get("set") or {}) or helm_values.lookup(config.get("values") or {}, path)[0]:
                raise Refused("{0} is set in a place that wins over valuesContent (spec.set of the HelmChart, or spec.values "
                              "of the HelmChartConfig): change it there.".format(path))
            if changes[path] is None and helm_values.lookup(below, path)[0]:
                raise Refused("{0} is set by the HelmChart itself, so that it cannot be removed here: change it "
                              "there.".format(path))

    def require_ours(self, run: Optional[str]) -> None:
        """Refuses where the object is not as this run left it."""
        mark, spec = self.mark(), (self.config or {}).get("spec") or {}
        if mark.get("run") != run or mark.get("content") != chart_config.digest(spec):
            raise Moved("HelmChartConfig {0}/{1} is not as run {2} left it: somebody else changed it, and that is kept. "
                        "Look at it; to go on, bring it to what you want and remove its annotation {3}.".format(
                            self.options.namespace, self.options.name, run, chart_config.MARK))

    def require_rolled(self, values: dict) -> None:
        if self.write.would_restart(self.write.release["manifest"], self.rendered(values)):
            raise Refused("Not all agents run the newest pod template yet, and without the hold the DaemonSet would restart "
                          "the rest by itself: restart them first (cilium_rollout), then close the change.")

    def rendered(self, values: dict) -> str:
        """The manifest that Helm makes of these values with the release's own chart."""
        if self.package is None:
            self.package = chart_for(self.write.release, self.options.chart, self.directory)
        return self.write.helm().render(self.package, values)["manifest"]

    # Writing

    def with_spec(self, content: str, policy: str) -> dict:
        """The object with these values and this policy, all else as it is."""
        former = self.config or {"apiVersion": chart_config.API_VERSION, "kind": "HelmChartConfig", "metadata": {
            "name": self.options.name, "namespace": self.options.namespace}}
        return dict(former, spec=dict(former.get("spec") or {}, valuesContent=content, failurePolicy=policy))

    def marked(self, config: dict, mark: Dict[str, Any]) -> dict:
        return chart_config.marked(config, dict(mark, run=self.options.run_id))

    def put(self, new: dict) -> Any:
        """Writes the object; its resourceVersion, or its absence, guards against somebody who does the same."""
        namespace, name = self.options.namespace, self.options.name
        if self.config is None:
            return self.cluster.post(chart_config.path("helmchartconfigs", namespace), new).get("spec")
        return self.cluster.put(chart_config.path("helmchartconfigs", namespace, name), new).get("spec")

    def written(self, new: dict, values: dict, held: bool) -> dict:
        """Writes, and waits for Helm where there is something for it to do."""
        uid, former, before = self.job.uid(), self.write.release, self.config
        spec = self.put(new)
        if spec == (before or {}).get("spec"):
            # Written before, by a run that was killed while it waited.
            done = helm_values.same(former["config"], values)
            return self.unchanged(held) if done else self.brought(former, values, None, held, new)
        return self.brought(former, values, uid, held, new)

    def brought(self, former: dict, values: dict, uid: Optional[str], held: bool, new: Optional[dict]) -> dict:
        """The outcome once the release has these values and the cluster its configuration."""
        after = self.job.wait(lambda: self.write.stored(None), values, uid, former["version"])
        live = release_guard.read_config(self.cluster, after["namespace"]).get("data") or {}
        found = release_guard.differences(release_guard.config_of(after), live)
        if found:
            raise Refused("Revision {0} is deployed, but {1} does not hold what it says ({2}): something else writes "
                          "it.".format(after["version"], release_guard.CONFIG, ", ".join(entry["key"] for entry in found[:10])),
                          differences=found)
        config = release_guard.config_of(after)
        return self.told(release_write.outcome(
            former, after["config"], after["manifest"], config, True, held, after["version"]), new)

    def settle(self, text: str, manifest: str) -> None:
        """Out of a Helm run that failed: the former values and no reinstallation, then the last deployed revision.

        The job takes these values up as soon as Helm can go on, so they are held where `manifest`, the former one, would
        restart agents: of the broken revision the cluster has all, something or nothing.
        """
        last = release_guard.last_deployed(self.write.history)
        if last is None:
            raise Refused("No revision of release {0} is deployed: repair it with helm first.".format(
                self.write.release["name"]))
        in_force = filter(None, [self.write.release, self.write.stored(last)])
        held = any(self.write.would_restart(one["manifest"], manifest) for one in in_force)
        content = with_strategy(text, rollout_hold.HELD_STRATEGY) if held else text
        self.put(self.marked(self.with_spec(content, ABORT), {"held": held, "back": True, "was": self.was()}))
        self.write.helm().rollback(last, len(self.write.history))
        self.read()

    def put_back(self, former: Optional[dict]) -> dict:
        self.require_ours(self.options.run_id)
        mark, release = self.mark(), self.write.release
        release_guard.require_deployed(release, self.write.history)
        values = release["config"]
        if mark.get("held"):
            values = without_hold(values, mark["was"]["release_strategy"])
        if self.options.check:
            # The values are not back and no agent was restarted for them: whether all run them cannot be asked yet.
            return self.outcome(values, release["manifest"], False, former)
        if mark.get("held"):
            self.require_rolled(values)
        uid, before = self.job.uid(), self.config
        spec = self.put(self.as_it_was(former)) if former is not None else self.remove()
        if self.effect(spec) == self.effect(before["spec"]):
            return self.unchanged()
        return self.brought(release, values, uid, False, former)

    def effect(self, spec: Optional[dict]) -> Any:
        """What of an object reaches Helm's job."""
        spec = spec or {}
        return [spec.get("valuesContent") or "", spec.get("values"), spec.get("valuesSecrets"),
                self.policy_of({"spec": spec})]

    def as_it_was(self, former: dict) -> dict:
        """The former object in the place of the present one."""
        metadata = {key: value for key, value in self.config["metadata"].items() if key not in OPTIONAL}
        metadata.update({key: former["metadata"][key] for key in OPTIONAL if former["metadata"].get(key)})
        return dict(self.config, metadata=metadata, spec=former.get("spec") or {})

    def remove(self) -> None:
        metadata = self.config["metadata"]
        self.cluster.delete(chart_config.path("helmchartconfigs", self.options.namespace, self.options.name), {
            "apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}})

    # Telling

    def unchanged(self, held: Optional[bool] = None) -> dict:
        """The outcome where Helm had nothing to do."""
        result = dict(self.write.unchanged(), held=bool(self.mark().get("held")) if held is None else held)
        return dict(result, before="", after="")

    def outcome(self, values: dict, manifest: str, held: bool, new: Optional[dict]) -> dict:
        """What a change would come to."""
        former = self.write.release
        config = release_guard.config_of(dict(former, manifest=manifest))
        return self.told(release_write.outcome(former, values, manifest, config, True, held, former["version"]), new)

    def told(self, result: dict, new: Optional[dict]) -> dict:
        """With valuesContent before and after, secrets hidden."""
        return dict(result, before=shown(self.config), after=shown(new))


def shown(config: Optional[dict]) -> str:
    """valuesContent without its secrets."""
    text = str(((config or {}).get("spec") or {}).get("valuesContent") or "")
    return yaml_values.write(masked(yaml_values.read(text, "spec.valuesContent")))


def strategy_in(values: dict) -> Dict[str, Any]:
    """The user's update strategy in some values."""
    return {"set": "updateStrategy" in values, "value": values.get("updateStrategy")}


def with_strategy(text: str, strategy: Dict[str, Any]) -> str:
    """valuesContent with this update strategy."""
    values = dict(yaml_values.read(text, "spec.valuesContent"), updateStrategy=dict(strategy))
    return yaml_values.write(values)


def without_hold(values: dict, strategy: Dict[str, Any]) -> dict:
    """Values with the update strategy as it was before a hold."""
    return rollout_hold.restored(values, {"updateStrategy": strategy["value"]} if strategy["set"] else {})


def without_hold_text(text: str, strategy: Dict[str, Any]) -> str:
    return yaml_values.write(without_hold(yaml_values.read(text, "spec.valuesContent"), strategy))
