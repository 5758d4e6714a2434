# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes a Helm release: other values, back to a recorded revision, or the end of a hold.

How a revision is gone back to: `helm rollback` copies a revision exactly, certificates included, and is the only way
out of a pending one, so it is used wherever it makes no agent restart by itself. Where it would (another pod template),
its manifest leaves no room for OnDelete; then the revision's own chart and values are upgraded to with the hold, and
releasing the hold afterwards is the exact `helm rollback`.
"""
from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.fastpath.cilium.plugins.module_utils import helm_values, manifests, release_guard, rollout_hold
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_chart import chart_for
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.release_write import (  # pylint: disable=unused-import
    Options, ReleaseWrite, same_chart)


class ReleaseChange(ReleaseWrite):
    """One change of one release. The three entrances return the outcome (see `outcome`) and raise KubeError."""

    def set_values(self, changes: Dict[str, Any]) -> dict:
        """Sets dotted paths of the user's values; None removes what the user set."""
        self.read()
        release_guard.require_deployed(self.release, self.history)
        release_guard.require_expected(self.release, self.options.expected_revision)
        self._require_untouched([self.release])
        values = helm_values.with_changes(self.release["config"], changes)
        if helm_values.same(values, self.release["config"]):
            return self.unchanged()
        chart = chart_for(self.release, self.options.chart, self.directory)
        self._require_faithful(chart)
        what = "set " + ", ".join(sorted(changes))
        if helm_values.touches(changes, "updateStrategy"):
            return self._set_strategy(chart, values, what)
        return self.upgrade(chart, values, what, self.former_revision())

    def go_back(self, revision: int) -> dict:
        """Goes back to a recorded revision: its chart, values and (without a hold) its very manifest."""
        self.read()
        target = self._target(revision)
        if self._is_at(target):
            return self.unchanged()
        release_guard.require_expected(self.release, self.options.expected_revision)
        if release_guard.is_broken(self.release):
            self._require_named()
            return self._go_back_from_broken(target)
        release_guard.require_deployed(self.release, self.history)
        self._require_untouched([self.release])
        return self._go_back_to(target)

    def release_hold(self) -> dict:
        """Puts the update strategy back that a hold replaced, when no agent would be restarted by that."""
        self.read()
        former = self.former_revision()
        if former is None and not release_guard.is_broken(self.release):
            return self.unchanged()
        release_guard.require_deployed(self.release, self.history)
        release_guard.require_expected(self.release, self.options.expected_revision)
        self._require_untouched([self.release])
        origin = self.stored(former)
        if origin is None:
            raise Refused("Revision {0}, whose update strategy was replaced by OnDelete, is not in Helm's history any "
                          "more: set updateStrategy with values (null gives the chart's default).".format(former))
        return self._release_to(origin)

    # What must hold

    def _require_untouched(self, releases: List[dict]) -> None:
        """No foreign owner, no live edit of cilium-config."""
        live = release_guard.read_config(self.cluster, self.options.namespace)
        daemonset = rollout_hold.read_live(self.cluster, self.options.namespace)
        release_guard.require_own(self.cluster, self.release, [found for found in (daemonset, live) if found])
        release_guard.require_live_config(releases, live.get("data") or {})

    def _require_faithful(self, chart: str) -> None:
        """The chart with the values as they are must give the manifest as it is: else more would change than asked."""
        if self.options.accept_rendering:
            return
        again = self.helm().render(chart, self.release["config"])["manifest"]
        found = manifests.rendering_changes(self.release["manifest"], again)
        if found:
            raise Refused("Even with unchanged values Helm would now render other manifests than the release has "
                          "({0}): a post-renderer, another chart of the same version, or a newer Kubernetes. Repeat "
                          "the last `helm upgrade` your own way first, or accept this with rendering_changes: "
                          "accept.".format(manifests.names_of(found)), changed_resources=found)

    def _require_named(self) -> None:
        """A broken release is touched only by those who know which one it is."""
        status, revision = release_guard.status_of(self.release), self.release["version"]
        if status == "pending-install":
            raise Refused("Release {0} was never installed to its end (pending-install): install it again with "
                          "helm.".format(self.release["name"]))
        if self.options.expected_revision is None:
            raise Refused("Release {0} revision {1} is {2}: make sure that no helm is still running, then name that "
                          "revision with expected_revision: {1} to take it back.".format(
                              self.release["name"], revision, status))

    def _target(self, revision: int) -> dict:
        target = self.stored(revision)
        kept = ", ".join(str(entry["revision"]) for entry in self.history)
        if target is None:
            raise Refused("Revision {0} is not in Helm's history any more (there are {1}): go back by values instead, "
                          "they are in the record of the run.".format(revision, kept))
        if release_guard.status_of(target) not in ("deployed", "superseded"):
            raise Refused("Revision {0} was never deployed to its end (it is {1}): choose another of {2}.".format(
                revision, release_guard.status_of(target), kept))
        return target

    def _is_at(self, target: dict) -> bool:
        """True when the release is deployed as this revision was, or held on the way to it."""
        if release_guard.status_of(self.release) != "deployed" or not same_chart(self.release, target):
            return False
        if self.former_revision() == target["version"]:
            return helm_values.same(self.release["config"], rollout_hold.held(target["config"]))
        return (helm_values.same(self.release["config"], target["config"])
                and manifests.equal_but_certificates(self.release["manifest"], target["manifest"]))

    # The ways there

    def _set_strategy(self, chart: str, values: dict, what: str) -> dict:
        """The user's own strategy ends a hold, and leaves no room for another one."""
        rendered = self.helm().render(chart, values)["manifest"]
        if self.options.hold and self.would_restart(self.release["manifest"], rendered):
            raise Refused("With this updateStrategy the DaemonSet would restart agents by itself: change the other "
                          "values first, restart the agents (cilium_rollout), then set updateStrategy.")
        return self.upgrade(chart, values, what, None)

    def _go_back_to(self, target: dict) -> dict:
        if not (self.options.hold and self.would_restart(self.release["manifest"], target["manifest"])):
            return self.rollback(target)
        chart = chart_for(target, self.options.chart, self.directory)
        return self.upgrade(chart, target["config"], "back to revision {0}".format(target["version"]),
                            target["version"], certain=True)

    def _go_back_from_broken(self, target: dict) -> dict:
        """Helm upgrades nothing that is pending: first settle it where no agent is restarted by that, then go on."""
        in_force = self._in_force()
        self._require_untouched(in_force)
        restarts = any(self.would_restart(one["manifest"], target["manifest"]) for one in in_force)
        if not (self.options.hold and restarts):
            return self.rollback(target)
        settled = self._settled(in_force, target)
        if self.options.check:
            return self.outcome(target["manifest"], target["config"], True)
        broken = self.release["version"]
        self.rollback(settled)
        self.read()
        return dict(self._go_back_to(target), former_revision=broken)

    def _in_force(self) -> List[dict]:
        """The broken revision and the deployed one before it: the cluster has either, or something of both."""
        last = release_guard.last_deployed(self.history)
        deployed = self.stored(last) if last is not None else None
        return [self.release] + ([deployed] if deployed else [])

    def _settled(self, in_force: List[dict], target: dict) -> dict:
        """The one of these that can be completed without a restart, whichever of them the cluster has."""
        for one in in_force:
            if self._on_delete(one) or not any(
                    self.would_restart(other["manifest"], one["manifest"]) for other in in_force):
                return one
        raise Refused("Revision {0} changed the agents' pod template without a hold, so they may be restarting by "
                      "themselves already: take it back with `helm rollback {1} {2} --namespace {3}`, or repeat "
                      "with hold: never.".format(self.release["version"], self.release["name"], target["version"],
                                                 self.release["namespace"]))

    def _on_delete(self, release: dict) -> bool:
        daemonset = manifests.resource_of(release["manifest"], "DaemonSet", rollout_hold.DAEMONSET)
        return daemonset is not None and rollout_hold.strategy_of(daemonset) == "OnDelete"

    def _release_to(self, origin: dict) -> dict:
        values = rollout_hold.restored(self.release["config"], origin["config"])
        if (helm_values.same(values, origin["config"]) and same_chart(self.release, origin)
                and not self.would_restart(self.release["manifest"], origin["manifest"])):
            return self.rollback(origin)
        chart = chart_for(self.release, self.options.chart, self.directory)
        rendered = self.helm().render(chart, values)["manifest"]
        if self.would_restart(self.release["manifest"], rendered):
            raise Refused("Not all agents run the newest pod template yet, and without the hold the DaemonSet would "
                          "restart the rest by itself: restart them first (cilium_rollout), then release the hold.")
        return self.upgrade(chart, values, "update strategy put back", None)
