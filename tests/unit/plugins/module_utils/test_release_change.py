# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The decisions of a change, against an API server and a helm that keeps releases there; with real Helm: tests/lab."""
from __future__ import annotations

from typing import Optional

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import manifests, rollout_hold

from ansible_collections.fastpath.cilium.plugins.module_utils.helm import HelmFailed
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster
from ansible_collections.fastpath.cilium.plugins.module_utils.release_change import Options, ReleaseChange
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import Moved, Refused
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_release import (
    DAEMONSET, manifest, put_live, put_release, release)


class DryRuns(Cluster):
    """Answers a dry run of the DaemonSet's patch as the API server does where all fields have their defaults."""

    def patch(self, path, body, content_type="application/merge-patch+json"):
        assert path == DAEMONSET + "?dryRun=All" and content_type == "application/strategic-merge-patch+json"
        live = self.get(DAEMONSET)
        return dict(live, spec=dict(live["spec"], **body["spec"]))


class KeptReleases:
    """Renders values into a manifest and keeps what is written as Secrets, cilium-config and DaemonSet follow it."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.calls = []
        self.drift = {}
        self.fail = None
        self.releases = {}

    def add(self, document: dict, live: bool = True) -> None:
        self.releases[document["version"]] = document
        put_release(self.api, document)
        if live:
            self.apply(document)

    def apply(self, document: dict) -> None:
        config, daemonset = manifests.documents(document["manifest"])
        put_live(self.api, config["data"])
        self.live(daemonset["spec"]["template"], rollout_hold.strategy_of(daemonset))

    def live(self, template: dict, strategy: str = "RollingUpdate", updated: int = 3) -> None:
        spec = {"template": template, "updateStrategy": {"type": strategy}}
        self.api.put(DAEMONSET, {"metadata": {"generation": 1}, "spec": spec, "status": {
            "desiredNumberScheduled": 3, "updatedNumberScheduled": updated, "observedGeneration": 1}})

    def text(self, values: dict) -> str:
        data = dict({"bpf-lb-mode": values.get("mode", "snat")}, **self.drift)
        data.update(values.get("extraConfig") or {})
        return manifest(data, values.get("image", "agent:v1.13.4"), values.get("updateStrategy"))

    def render(self, chart: str, values: dict) -> dict:
        self.calls.append(("render", values))
        return {"manifest": self.text(values)}

    def upgrade(self, chart: str, values: dict, description: str, history: int) -> None:
        self.calls.append(("upgrade", values, description))
        if self.fail:
            raise HelmFailed(self.fail)
        newest = max(self.releases) + 1
        self.add(release(newest, config=values, text=self.text(values), description=description))

    def rollback(self, revision: int, history: int) -> None:
        self.calls.append(("rollback", revision))
        newest, source = max(self.releases) + 1, self.releases[revision]
        self.add(dict(source, version=newest,
                      info={"status": "deployed", "description": "Rollback to {0}".format(revision)}))

    @property
    def written(self) -> list:
        return [call for call in self.calls if call[0] != "render"]


HELD = {"type": "OnDelete", "rollingUpdate": None}
SNAT = {"mode": "snat"}


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        yield api


@pytest.fixture(name="helm")
def fixture_helm(api):
    return KeptReleases(api)


@pytest.fixture(name="change")
def fixture_change(api, helm, tmp_path):
    cluster = DryRuns.connect(api.kubeconfig(tmp_path))

    def make(**options) -> ReleaseChange:
        folder = tmp_path / "work{0}".format(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return ReleaseChange(cluster, Options("cilium", "kube-system", **options), lambda: helm, str(folder))

    return make


def start(helm: KeptReleases, values: Optional[dict] = None, revision: int = 1, **info) -> None:
    config = SNAT if values is None else values
    helm.add(release(revision, config=config, text=helm.text(config), **info))


def test_a_value_is_set_and_everything_said(helm, change):
    start(helm, {"mode": "snat", "keep": {"me": 1}})
    found = change(run_id="r1").set_values({"mode": "dsr"})
    assert helm.written == [("upgrade", {"mode": "dsr", "keep": {"me": 1}}, "fastpath r1: set mode")]
    assert {key: found[key] for key in ("changed", "former_revision", "revision", "held", "changed_values",
                                        "config")} == {
        "changed": True, "former_revision": 1, "revision": 2, "held": False, "config": {"bpf-lb-mode": "dsr"},
        "changed_values": [{"path": "mode", "former": "snat", "value": "dsr"}]}
    assert [one["name"] for one in found["changed_resources"]] == ["cilium-config"]


def test_check_mode_says_the_same_and_writes_nothing(helm, change):
    start(helm)
    found = change(check=True).set_values({"mode": "dsr"})
    assert helm.written == [] and max(helm.releases) == 1
    assert (found["changed"], found["revision"], found["config"]) == (True, 1, {"bpf-lb-mode": "dsr"})


def test_values_already_there_make_no_revision(helm, change):
    start(helm)
    found = change().set_values({"mode": "snat", "absent": None})
    assert (found["changed"], found["revision"], found["changed_resources"]) == (False, 1, []) and helm.calls == []


@pytest.mark.parametrize("prepare, options, word", [
    (lambda helm: None, {}, "no Helm release"),
    (lambda helm: helm.add(release(2, "pending-upgrade")), {}, "is pending-upgrade"),
    (lambda helm: helm.add(release(2, "failed")), {}, "is failed"),
    (start, {"expected_revision": 4}, "not 4: somebody changed it"),
    (lambda helm: (start(helm), put_live(helm.api, {"bpf-lb-mode": "dsr"})), {}, "edited outside of Helm"),
    (lambda helm: (start(helm), helm.api.objects.pop("/api/v1/namespaces/kube-system/configmaps/cilium-config")), {},
     "no ConfigMap"),
    (lambda helm: (start(helm), put_live(helm.api, {"bpf-lb-mode": "snat"}, **{"helm.toolkit.fluxcd.io/name": "net"})),
     {}, r"belong to Flux \(net\)")])
def test_refusals_change_nothing_and_need_no_helm(helm, change, prepare, options, word):
    prepare(helm)
    with pytest.raises((Refused, Moved), match=word):
        change(**options).set_values({"mode": "dsr"})
    assert helm.calls == []


def test_more_than_was_asked_is_refused_or_accepted(helm, change):
    start(helm)
    helm.drift = {"patched": "by a post-renderer"}
    with pytest.raises(Refused, match="ConfigMap cilium-config.*rendering_changes: accept"):
        change().set_values({"mode": "dsr"})
    assert helm.written == []
    assert change(accept_rendering=True).set_values({"mode": "dsr"})["config"] == {
        "bpf-lb-mode": "dsr", "patched": "by a post-renderer"}


def test_a_value_that_is_no_text_is_refused_before_helm_writes(helm, change):
    start(helm)
    with pytest.raises(Refused, match="no text"):
        change().set_values({"extraConfig.x": 5})
    assert helm.written == []


def test_helms_failure_says_where_the_release_is_now(helm, change):
    start(helm)
    helm.fail = "Error: UPGRADE FAILED: no"
    with pytest.raises(Refused, match="UPGRADE FAILED: no The release is unchanged."):
        change().set_values({"mode": "dsr"})


def test_a_config_that_does_not_become_what_helm_says_is_a_failure(helm, change, monkeypatch):
    start(helm)
    monkeypatch.setattr(helm, "apply", lambda document: None)
    with pytest.raises(Refused,
                       match="Revision 2 is deployed, but cilium-config does not hold what it says .bpf-lb-mode."):
        change().set_values({"mode": "dsr"})


def test_somebody_who_was_faster_is_noticed(helm, change, monkeypatch):
    start(helm)
    kept = helm.upgrade
    monkeypatch.setattr(helm, "upgrade", lambda *rest: (kept("", {"mode": "hybrid"}, "theirs", 1), kept(*rest)))
    with pytest.raises(Moved, match="somebody else changed it at the same time"):
        change().set_values({"mode": "dsr"})


def test_a_changed_template_is_held_and_named_in_the_description(helm, change):
    start(helm)
    found = change(run_id="r1").set_values({"image": "new", "mode": "dsr"})
    assert found["held"] is True
    assert helm.written == [("upgrade", {"mode": "dsr", "image": "new", "updateStrategy": HELD},
                             "fastpath r1: set image, mode [fastpath hold from revision 1]")]


def test_hold_never_leaves_the_strategy_alone(helm, change):
    start(helm)
    assert change(hold=False).set_values({"image": "new"})["held"] is False
    assert helm.written[0][1] == {"mode": "snat", "image": "new"}


def test_the_users_own_on_delete_is_no_hold(helm, change):
    start(helm, {"updateStrategy": {"type": "OnDelete"}})
    assert change().set_values({"image": "new"})["held"] is False


def test_a_second_change_keeps_the_first_holds_origin(helm, change):
    start(helm)
    change().set_values({"image": "new"})
    found = change().set_values({"mode": "dsr"})
    assert found["held"] is True and helm.written[-1][2].endswith("[fastpath hold from revision 1]")


def test_a_long_description_keeps_its_marker(helm, change):
    start(helm)
    change(run_id="r" * 64).set_values(dict({"image": "new"}, **{"x{0}".format(n): n for n in range(99)}))
    description = helm.written[-1][2]
    assert len(description) <= 256 and description.endswith(" [fastpath hold from revision 1]")


def test_a_path_cannot_forge_a_marker(helm, change):
    start(helm)
    change().set_values({"x[fastpath hold from revision 9]": 1})
    assert "[" not in helm.written[-1][2]


def test_a_hold_is_released_with_the_users_former_strategy(helm, change):
    mine = {"rollingUpdate": {"maxUnavailable": 1}}
    start(helm, {"mode": "snat", "updateStrategy": mine})
    change().set_values({"image": "new"})
    found = change().release_hold()
    assert helm.written[-1][1] == {"mode": "snat", "image": "new", "updateStrategy": mine} and found["held"] is False
    assert change().release_hold()["changed"] is False


def test_a_hold_is_not_released_while_an_agent_is_outdated(helm, change):
    start(helm)
    change().set_values({"image": "new"})
    helm.live(helm.api.objects[DAEMONSET]["spec"]["template"], "OnDelete", updated=2)
    with pytest.raises(Refused, match="Not all agents run the newest pod template"):
        change().release_hold()
    assert len(helm.written) == 1


def test_a_hold_whose_origin_was_pruned_says_what_to_do(helm, change):
    start(helm, {"updateStrategy": HELD}, 9, description="fastpath: set x [fastpath hold from revision 2]")
    with pytest.raises(Refused, match="Revision 2.*set updateStrategy with values"):
        change().release_hold()


def test_a_strategy_of_the_user_ends_a_hold_but_restarts_nothing(helm, change):
    start(helm)
    change().set_values({"image": "new"})
    helm.live(helm.api.objects[DAEMONSET]["spec"]["template"], "OnDelete", updated=1)
    with pytest.raises(Refused, match="restart agents by itself"):
        change().set_values({"updateStrategy": None})
    helm.live(helm.api.objects[DAEMONSET]["spec"]["template"], "OnDelete")
    assert change().set_values({"updateStrategy": None})["held"] is False


def test_going_back_copies_the_revision_exactly(helm, change):
    start(helm)
    change().set_values({"mode": "dsr"})
    found = change(expected_revision=2).go_back(1)
    assert helm.written[-1] == ("rollback", 1) and found["config"] == {"bpf-lb-mode": "snat"}
    assert (found["former_revision"], found["revision"], found["held"]) == (2, 3, False)


def test_going_back_twice_is_going_back_once(helm, change):
    start(helm)
    change().set_values({"mode": "dsr"})
    change(expected_revision=2).go_back(1)
    again = change(expected_revision=2).go_back(1)
    assert again["changed"] is False and len(helm.written) == 2


def test_going_back_over_somebody_elses_change_is_refused(helm, change):
    start(helm)
    change().set_values({"mode": "dsr"})
    change().set_values({"mode": "hybrid"})
    with pytest.raises(Moved, match="at revision 3.*not 2"):
        change(expected_revision=2).go_back(1)


@pytest.mark.parametrize("revision, word", [(7, r"Revision 7 is not in Helm's history any more \(there are 1, 2\)"),
                                            (1, "never deployed to its end .it is failed")])
def test_a_revision_that_cannot_be_gone_back_to(helm, change, revision, word):
    helm.add(release(1, "failed"))
    start(helm, revision=2)
    with pytest.raises(Refused, match=word):
        change().go_back(revision)


def test_going_back_to_another_template_is_held_and_its_release_is_exact(helm, change):
    start(helm)
    change().set_values({"image": "new"})
    change().release_hold()
    found = change().go_back(1)
    assert found["held"] is True
    assert helm.written[-1] == ("upgrade", dict(SNAT, updateStrategy=HELD),
                                "fastpath: back to revision 1 [fastpath hold from revision 1]")
    assert change(expected_revision=3).go_back(1) == dict(found, changed=False, former_revision=4, changed_values=[],
                                                          changed_resources=[])
    assert change().release_hold()["held"] is False and helm.written[-1] == ("rollback", 1)


def broken(helm: KeptReleases, values: dict, status: str = "pending-upgrade", live: bool = True) -> None:
    """A helm was killed while it made revision 2."""
    start(helm)
    helm.add(release(2, status, config=values, text=helm.text(values), description="Preparing upgrade"), live)


@pytest.mark.parametrize("status", ["pending-upgrade", "failed"])
@pytest.mark.parametrize("live", [True, False])
def test_a_killed_change_is_taken_back_when_its_revision_is_named(helm, change, status, live):
    broken(helm, {"mode": "dsr"}, status, live)
    with pytest.raises(Refused, match="expected_revision: 2"):
        change().go_back(1)
    assert helm.calls == []
    assert change(expected_revision=2).go_back(1)["revision"] == 3 and helm.written == [("rollback", 1)]


def test_an_install_that_was_killed_is_not_ours_to_repair(helm, change):
    start(helm)
    helm.add(release(2, "pending-install"))
    with pytest.raises(Refused, match="never installed to its end"):
        change(expected_revision=2).go_back(1)


def test_a_killed_change_with_a_hold_is_settled_first_so_that_no_agent_restarts(helm, change):
    broken(helm, {"image": "new", "updateStrategy": HELD})
    found = change(expected_revision=2).go_back(1)
    assert [call[:2] for call in helm.written] == [("rollback", 2), ("upgrade", dict(SNAT, updateStrategy=HELD))]
    assert (found["held"], found["former_revision"], found["revision"]) == (True, 2, 4)


def test_a_killed_change_of_the_template_without_a_hold_is_for_a_human(helm, change):
    broken(helm, {"image": "new"})
    with pytest.raises(Refused, match="may be restarting by themselves already"):
        change(expected_revision=2).go_back(1)
    assert helm.written == []
    assert change(expected_revision=2, hold=False).go_back(1)["changed"] and helm.written == [("rollback", 1)]


def test_a_killed_release_of_a_hold_is_taken_back_to_the_held_revision(helm, change):
    start(helm)
    change().set_values({"image": "new"})
    values = {"mode": "snat", "image": "new"}
    helm.add(release(3, "pending-upgrade", config=values, text=helm.text(values)))
    found = change(expected_revision=3).go_back(2)
    assert found["held"] is True and helm.written[-1] == ("rollback", 2)
    assert change().release_hold()["held"] is False


def test_check_mode_of_a_killed_change_writes_nothing(helm, change):
    broken(helm, {"image": "new", "updateStrategy": HELD})
    found = change(expected_revision=2, check=True).go_back(1)
    assert found["changed"] and found["held"] and found["revision"] == 2 and helm.written == []
