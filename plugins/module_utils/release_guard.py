# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must hold before a release is changed; each refusal says what is wrong and what to do."""
from __future__ import annotations

from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import owner as owners
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_release import description_of
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Conflict, Failed, NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.manifests import config_map_of
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import HIDDEN, is_secret
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

CONFIG = "cilium-config"
OWNER_WORDS = {"k3s_helm_chart": "the K3s/RKE2 HelmChart {0}", "flux": "Flux ({0})",
               "argocd": "the Argo CD Application {0}", "managed": "{0}, which runs Cilium as a part of its product"}


class Refused(Failed):
    """The release is not in a state that may be changed. `details` go into the module's result."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class Moved(Conflict):
    """Somebody else changed the release meanwhile."""


def status_of(release: dict) -> str:
    return one_line(release["info"].get("status", "unknown"), 40)


def is_broken(release: dict) -> bool:
    """True where Helm did not bring its last action to an end."""
    return status_of(release).startswith("pending-") or status_of(release) == "failed"


def require_release(release: Optional[dict], name: str, namespace: str) -> dict:
    if release is None:
        raise Refused("There is no Helm release {0} in namespace {1}: this module changes an existing release only; "
                      "set release_name and release_namespace, or change Cilium where it was installed from.".format(
                          one_line(name, 60), one_line(namespace, 60)))
    return release


def require_deployed(release: dict, history: List[dict]) -> None:
    """Refuses on pending, failed and uninstalled releases, with the way back."""
    if status_of(release) == "deployed":
        return
    last = last_deployed(history)
    if not is_broken(release) or last is None:
        raise Refused("Release {0} revision {1} is {2} and no revision of it is deployed: repair it with helm "
                      "first.".format(release["name"], release["version"], status_of(release)))
    raise Refused(
        "Release {0} revision {1} is {2} ({3}): first make sure that no helm is still running, then take it back to "
        "revision {4}, with this module (revision: {4}, expected_revision: {1}) or `helm rollback {0} {4} "
        "--namespace {5}`.".format(release["name"], release["version"], status_of(release),
                                   one_line(description_of(release), 120), last, release["namespace"]),
        revision=release["version"], status=status_of(release), last_deployed=last)


def last_deployed(history: List[dict]) -> Optional[int]:
    """The newest revision whose status is deployed: Helm keeps it until a newer one is."""
    deployed = [entry["revision"] for entry in history if entry["status"] == "deployed"]
    return max(deployed) if deployed else None


def require_expected(release: dict, expected: Optional[int]) -> None:
    if expected is not None and expected != release["version"]:
        raise Moved("Release {0} is at revision {1} ({2}), not {3}: somebody changed it meanwhile, and that change is "
                    "kept. Look at `helm history {0} --namespace {4}`, then plan again.".format(
                        release["name"], release["version"], one_line(description_of(release), 120), expected,
                        release["namespace"]))


def require_own(cluster: Any, release: dict, objects: List[dict]) -> None:
    """Refuses where something else than Helm owns the release and would change it back."""
    found = owners.detect(owners.Evidence(release["name"], release["namespace"], True, objects,
                                          owners.read_helm_charts(cluster)))
    if found is not None and found["kind"] not in ("helm", "none"):
        words = OWNER_WORDS.get(found["kind"], "{0}").format(one_line(found["name"], 100))
        raise Refused("Cilium's values belong to {0}, which would change them back: change them there; the plan says "
                      "which ones (found by: {1}).".format(words, one_line(found["evidence"], 120)), owner=found)


def read_config(cluster: Any, namespace: str) -> dict:
    """The live ConfigMap cilium-config. Raises Refused when there is none, KubeError."""
    try:
        return cluster.get("/api/v1/namespaces/{0}/configmaps/{1}".format(namespace, CONFIG))
    except NotFound:
        raise Refused("There is no ConfigMap {0} in namespace {1}, though the release should have made it: find out "
                      "who removed it.".format(CONFIG, one_line(namespace, 60))) from None


def config_of(release: dict) -> Dict[str, Any]:
    """cilium-config as the release's manifest has it. Raises Refused when it has none."""
    data = config_map_of(release["manifest"], CONFIG)
    if data is None:
        raise Refused("The manifest of release {0} holds no ConfigMap {1}: is this Cilium's release?".format(
            release["name"], CONFIG))
    return data


def differences(stored: Dict[str, Any], live: Dict[str, Any]) -> List[dict]:
    """[{key, stored, live}] of keys that differ, sorted; None = absent; secrets hidden."""
    return [{"key": one_line(key, 120), "stored": _shown(key, stored.get(key)), "live": _shown(key, live.get(key))}
            for key in sorted(set(stored) | set(live)) if stored.get(key) != live.get(key)]


def _shown(key: str, value: Any) -> Optional[str]:
    if value is None:
        return None
    return HIDDEN if is_secret(key, value) else one_line(value, 200)


def require_live_config(releases: List[dict], live: Dict[str, Any]) -> None:
    """Refuses where cilium-config was edited by hand: equal to the manifest of none of these releases."""
    found = [differences(config_of(release), live) for release in releases]
    if not all(found):
        return
    keys = ", ".join(_sentence(entry) for entry in found[0][:4])
    more = " and {0} more".format(len(found[0]) - 4) if len(found[0]) > 4 else ""
    raise Refused("{0} was edited outside of Helm, and an upgrade would take that back: {1}{2}. Put these into the "
                  "release's values, or set them back, first.".format(CONFIG, keys, more), differences=found[0])


def _sentence(entry: Dict[str, Optional[str]]) -> str:
    words = {name: "absent" if value is None else one_line(value, 40) for name, value in entry.items()}
    return "{key} (release: {stored}, live: {live})".format(**words)


def require_text(manifest: str) -> Dict[str, str]:
    """cilium-config of a rendered manifest; refuses values that the API server would not take, before Helm fails."""
    data = config_map_of(manifest, CONFIG)
    if data is None:
        raise Refused("With these values the chart renders no ConfigMap {0}: leave it in Helm's hands.".format(CONFIG))
    wrong = sorted(key for key, value in data.items() if not isinstance(value, str))
    if wrong:
        raise Refused("These values of {0} would be no text, which the API server does not take: {1}. Write them as "
                      "text ('5', not 5).".format(CONFIG, ", ".join(one_line(key, 80) for key in wrong[:10])))
    return data
