# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes a new revision of a release through Helm, with a hold where needed, and confirms it in the cluster."""
from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import helm_release, helm_values, manifests, release_guard
from ansible_collections.fastpath.cilium.plugins.module_utils import rollout_hold
from ansible_collections.fastpath.cilium.plugins.module_utils.helm import Helm, HelmFailed
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import Moved, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

# Helm 4 takes no longer description.
DESCRIPTION_MAX = 256


class Options(NamedTuple):
    """What the caller wants, beside the change itself."""

    name: str
    namespace: str
    run_id: str = ""
    expected_revision: Optional[int] = None
    chart: Optional[str] = None
    hold: bool = True
    accept_rendering: bool = False
    check: bool = False


class ReleaseWrite:
    """The release as it is, and the two ways to make a new revision of it."""

    def __init__(self, cluster: Any, options: Options, helm: Callable[[], Helm], directory: str) -> None:
        """`helm`: gives the binary when it is needed; `directory`: private folder, removed by the caller."""
        self.cluster = cluster
        self.options = options
        self.helm = helm
        self.directory = directory
        self.release: Dict[str, Any] = {}
        self.history: List[dict] = []

    def read(self) -> None:
        """Reads history and newest revision; raises Refused when there is no release."""
        name, namespace = self.options.name, self.options.namespace
        self.history = helm_release.release_history(self.cluster, name, namespace)
        newest = self.history[-1]["revision"] if self.history else None
        found = None if newest is None else self.stored(newest)
        self.release = release_guard.require_release(found, name, namespace)

    def stored(self, revision: Optional[int]) -> Optional[dict]:
        """A revision (None: the newest) as Helm stores it, or None when there is none."""
        return helm_release.read_release(self.cluster, self.options.name, self.options.namespace, revision)

    def former_revision(self) -> Optional[int]:
        """The revision whose update strategy a hold in force replaced."""
        return (self.release["hold"] or {}).get("former_revision")

    def would_restart(self, stored: str, new: str) -> bool:
        """Would the DaemonSet controller restart agents by itself when `new` replaces the manifest `stored`?"""
        return rollout_hold.would_restart(self.cluster, self.options.namespace, stored, new)

    def upgrade(self, chart: str, values: dict, what: str, hold: Optional[int], certain: bool = False) -> dict:
        """`hold`: the revision whose strategy a hold in force keeps; `certain`: hold without looking again."""
        rendered = self.helm().render(chart, values)["manifest"]
        if certain or (self.options.hold and self.would_restart(self.release["manifest"], rendered)):
            values, hold = rollout_hold.held(values), hold or self.release["version"]
            rendered = self.helm().render(chart, values)["manifest"]
        release_guard.require_text(rendered)
        if not self.options.check:
            description = description_of(self.options.run_id, what, hold)
            self._write(lambda helm: helm.upgrade(chart, values, description, len(self.history)))
            rendered = self._confirmed(values)["manifest"]
        return self.outcome(rendered, values, hold is not None)

    def rollback(self, target: dict) -> dict:
        """A copy of this revision, manifest and certificates included."""
        manifest = target["manifest"]
        if not self.options.check:
            self._write(lambda helm: helm.rollback(target["version"], len(self.history)))
            manifest = self._confirmed(target["config"])["manifest"]
        return self.outcome(manifest, target["config"], target["hold"] is not None)

    def _write(self, action: Callable[[Helm], None]) -> None:
        """Lets Helm write; where it fails, says in which state the release is now and the way back."""
        try:
            action(self.helm())
        except (HelmFailed, Timeout) as error:
            raise Refused("{0} {1}".format(one_line(error.message, 380), self._aftermath())) from None

    def _aftermath(self) -> str:
        history = helm_release.release_history(self.cluster, self.options.name, self.options.namespace)
        newest, last = history[-1] if history else None, release_guard.last_deployed(history)
        if newest is None or newest["revision"] == self.release["version"]:
            return "The release is unchanged."
        return ("The release is now at revision {0} ({1}); take it back with revision: {2}, expected_revision: "
                "{0}.".format(newest["revision"], newest["status"], last or self.release["version"]))

    def _confirmed(self, values: dict) -> dict:
        """The release after Helm's success, when it is ours and the cluster has its configuration."""
        after = self.stored(None)
        expected = self.release["version"] + 1
        if after is None or after["version"] != expected or not helm_values.same(after["config"], values):
            raise Moved("Helm succeeded, but the newest revision of {0} is not the one just made: somebody else "
                        "changed it at the same time. Look at `helm history {0} --namespace {1}`.".format(
                            self.options.name, self.options.namespace))
        live = release_guard.read_config(self.cluster, self.options.namespace).get("data") or {}
        found = release_guard.differences(release_guard.config_of(after), live)
        if found:
            raise Refused("Revision {0} is deployed, but {1} does not hold what it says ({2}): something else writes "
                          "it. Nothing was rolled out.".format(
                              expected, release_guard.CONFIG, ", ".join(entry["key"] for entry in found[:10])),
                          differences=found, revision=expected)
        return after

    def unchanged(self) -> dict:
        """The outcome when nothing was to be done."""
        config = release_guard.config_of(self.release)
        return outcome(self.release, self.release["config"], self.release["manifest"], config, False,
                       self.release["hold"] is not None, self.release["version"])

    def outcome(self, manifest: str, values: dict, held: bool) -> dict:
        """The outcome of a change to this manifest and these values."""
        config = release_guard.config_of(dict(self.release, manifest=manifest))
        revision = self.release["version"] if self.options.check else self.release["version"] + 1
        return outcome(self.release, values, manifest, config, True, held, revision)


def description_of(run_id: str, what: str, hold: Optional[int]) -> str:
    """A revision's description; the marker at its end is never cut and cannot come from `what`."""
    marker = " [fastpath hold from revision {0}]".format(hold) if hold else ""
    text = "fastpath{0}: {1}".format(" " + run_id if run_id else "", what).replace("[", "(")
    return text[:DESCRIPTION_MAX - len(marker)] + marker


def same_chart(one: dict, other: dict) -> bool:
    """True when two revisions were made from the same chart."""
    names = ("name", "version")
    return all(one["chart"]["metadata"].get(key) == other["chart"]["metadata"].get(key) for key in names)


def outcome(former: dict, values: dict, manifest: str, config: Dict[str, Any], changed: bool, held: bool,
            revision: int) -> dict:
    """{changed, former_revision, revision, held, changed_values, changed_resources, certificates_reissued, config}."""
    return {
        "changed": changed, "former_revision": former["version"], "revision": revision, "held": held,
        "changed_values": helm_values.changed_values(former["config"], values),
        "changed_resources": manifests.changed_resources(former["manifest"], manifest),
        "certificates_reissued": manifests.certificates_reissued(former["manifest"], manifest),
        "config": {key: release_guard.HIDDEN if release_guard.is_secret(key, value) else value
                   for key, value in config.items()},
    }
