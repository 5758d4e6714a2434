# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The decisions of a change through a HelmChartConfig, against an API server with a controller; with real Helm: tests/lab."""
from __future__ import annotations

import json
import tempfile

import pytest
import yaml

from ansible_collections.fastpath.cilium.plugins.module_utils import chart_config, former_objects, helm_job
from ansible_collections.fastpath.cilium.plugins.module_utils.chart_config_change import ChartConfigChange, Options
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_job import JobFailed
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Conflict, Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import Moved, Refused
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_release import release
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.test_release_change import (
    DAEMONSET, DryRuns, KeptReleases)

API = "/apis/helm.cattle.io/v1/namespaces/kube-system"
CHART, CONFIG = API + "/helmcharts/cilium", API + "/helmchartconfigs/cilium"
JOB = "/apis/batch/v1/namespaces/kube-system/jobs/helm-install-cilium"
SECRETS = "/api/v1/namespaces/kube-system/secrets/fastpath-cilium-run-1"
TEXT = "# the site's\nimage: agent:v1.13.4\npassword: hunter2   # really\n"


class Retried(KeptReleases):
    """Once the release is deployed again, the job that waited for that runs Helm. With OnDelete agents keep what they run."""

    def apply(self, document: dict) -> None:
        former = self.api.objects.get(DAEMONSET)
        super().apply(document)
        now = self.api.objects[DAEMONSET]["spec"]
        if former and now["updateStrategy"]["type"] == "OnDelete" and now["template"] != former["spec"]["template"]:
            self.live(now["template"], "OnDelete", updated=0)

    def rollback(self, revision: int, history: int) -> None:
        super().rollback(revision, history)
        self.api.react()


class Controlled(FakeApi):
    """Runs Helm at once when a HelmChartConfig changes what reaches Helm, as helm-controller does after a while."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Retried(self)
        self.seen, self.asleep, self.fails = None, False, False
        self.on_delete = lambda path, former: self.react() if path == CONFIG else None

    def put(self, path: str, document: dict) -> dict:
        stored = super().put(path, document)
        if path in (CONFIG, CHART):
            self.react()
        return stored

    def react(self) -> None:
        chart, config = (self.objects.get(path, {}).get("spec") or {} for path in (CHART, CONFIG))
        policy = config.get("failurePolicy") or chart.get("failurePolicy") or "reinstall"
        seen = (chart.get("valuesContent"), config.get("valuesContent") or "", policy)
        if seen == self.seen or self.asleep:
            return
        self.seen = seen
        values = {**(yaml.safe_load(seen[0] or "") or {}), **(yaml.safe_load(seen[1]) or {})}
        status = {"conditions": [{"type": "Complete", "status": "False" if self.fails else "True"}]}
        self.objects.pop(JOB, None)
        self.put(JOB, {"status": status})
        newest = max(self.kept.releases, default=0)
        if newest and self.kept.releases[newest]["info"]["status"] != "deployed":
            assert policy == "abort", "Cilium would be uninstalled here"
            self.seen = None
            return
        self.kept.add(release(newest + 1, config=values, text=self.kept.text(values), description="Upgrade complete",
                              status="failed" if self.fails else "deployed"), live=not self.fails)


@pytest.fixture(name="api")
def fixture_api(monkeypatch):
    monkeypatch.setattr(helm_job, "POLL", 0.01)
    with Controlled() as api:
        api.put(CHART, {"spec": {"valuesContent": "mode: snat\n"}})
        yield api


@pytest.fixture(name="change")
def fixture_change(api, tmp_path):
    cluster = DryRuns.connect(api.kubeconfig(tmp_path))

    def made(**options):
        folder = tempfile.mkdtemp(dir=tmp_path)
        given = {"run_id": "run-1", "step": "1-dsr", "timeout": 1.0, **options}
        return ChartConfigChange(cluster, Options("cilium", "kube-system", ("cilium", "kube-system"), **given), lambda: api.kept,
                                 folder)
    return made


def spec(api):
    return api.objects[CONFIG]["spec"]


def values(api):
    return api.kept.releases[max(api.kept.releases)]["config"]


def mark(api):
    return json.loads(api.objects[CONFIG]["metadata"]["annotations"][chart_config.MARK])


def test_a_config_is_made_and_the_values_are_awaited(api, change):
    result = change().apply({"mode": "dsr"})
    assert (result["changed"], result["former_revision"], result["revision"], result["held"]) == (True, 1, 2, False)
    assert spec(api) == {"valuesContent": "mode: dsr\n", "failurePolicy": "abort"} and values(api) == {"mode": "dsr"}
    assert mark(api)["run"] == "run-1" and result["config"]["bpf-lb-mode"] == "dsr"
    assert change().apply({"mode": "dsr"})["changed"] is False


def test_what_is_there_is_kept_in_order_and_secrets_are_not_shown(api, change):
    api.put(CONFIG, {"spec": {"valuesContent": TEXT, "failurePolicy": "reinstall", "valuesSecrets": []}})
    result = change().apply({"mode": "dsr"})
    assert spec(api)["valuesContent"] == "image: agent:v1.13.4\npassword: hunter2\nmode: dsr\n" and "valuesSecrets" in spec(api)
    assert "hunter2" not in json.dumps(result) and "+" not in result["before"] and "mode: dsr" in result["after"]


def test_closing_puts_the_policy_back_and_is_idempotent(api, change):
    change().apply({"mode": "dsr"})
    assert change().close()["changed"] is True
    assert spec(api) == {"valuesContent": "mode: dsr\n", "failurePolicy": "reinstall"} and "was" not in mark(api)
    assert change().close()["changed"] is False


def test_there_and_back_leaves_nothing(api, change):
    change().apply({"mode": "dsr"})
    change().close()
    assert SECRETS in api.objects
    change().revert(1, {"mode": None})
    assert values(api) == {"mode": "snat"} and spec(api)["failurePolicy"] == "abort" and mark(api)["back"] is True
    change().restore()
    assert CONFIG not in api.objects and SECRETS not in api.objects
    assert change().revert(1, {})["changed"] is False and change().restore()["changed"] is False


def test_the_former_object_comes_back_to_the_byte(api, change):
    former = api.put(CONFIG, {"metadata": {"labels": {"a": "b"}}, "spec": {"valuesContent": TEXT, "failurePolicy": "reinstall"}})
    change().apply({"mode": "dsr"})
    change().close()
    change(step="2-more").apply({"extraConfig": {"x": "y"}})
    change(step="2-more").revert(3, {"extraConfig": None})
    change(step="2-more").restore()
    assert mark(api)["run"] == "run-1" and spec(api)["valuesContent"].endswith("mode: dsr\n")
    change().revert(2, {"mode": None})
    change().restore()
    after = api.objects[CONFIG]
    assert after["spec"] == former["spec"] and after["metadata"]["labels"] == {"a": "b"} and "annotations" not in after["metadata"]
    assert SECRETS not in api.objects


def test_a_new_pod_template_is_held_until_the_agents_run_it(api, change):
    assert change().apply({"image": "agent:v1.13.5"})["held"] is True
    assert yaml.safe_load(spec(api)["valuesContent"])["updateStrategy"] == {"type": "OnDelete", "rollingUpdate": None}
    template = {"spec": {"containers": [{"name": "cilium-agent", "image": "agent:v1.13.5"}]}}
    api.kept.live(template, "OnDelete", updated=1)
    with pytest.raises(Refused, match="Not all agents"):
        change().close()
    api.kept.live(template, "OnDelete", updated=3)
    change().close()
    assert "updateStrategy" not in spec(api)["valuesContent"] and values(api) == {"mode": "snat", "image": "agent:v1.13.5"}


def test_the_way_back_of_a_new_pod_template_is_held_too(api, change):
    change().apply({"image": "agent:v1.13.5"})
    api.kept.live({"spec": {"containers": [{"name": "cilium-agent", "image": "agent:v1.13.5"}]}}, "OnDelete", updated=2)
    assert change().revert(1, {})["held"] is True
    api.kept.live({"spec": {"containers": [{"name": "cilium-agent", "image": "agent:v1.13.4"}]}}, "OnDelete", updated=3)
    change().restore()
    assert CONFIG not in api.objects and values(api) == {"mode": "snat"}


def test_a_way_back_out_of_a_broken_helm_run_is_held_from_its_first_write_on(api, change):
    """Killed while the hold was taken away again: the former template must not come without one, not for a moment."""
    change().apply({"image": "agent:v1.13.5"})
    template = {"spec": {"containers": [{"name": "cilium-agent", "image": "agent:v1.13.5"}]}}
    api.kept.live(template, "OnDelete", updated=3)
    change().close()
    newest = max(api.kept.releases)
    for revision, status in ((newest, "pending-upgrade"), (newest - 1, "deployed")):
        former = api.kept.releases[revision]
        api.kept.add(dict(former, info=dict(former["info"], status=status)), live=False)
    api.kept.live(template, "RollingUpdate", updated=3)
    change().revert(1, {})
    brought = [api.kept.releases[revision] for revision in sorted(api.kept.releases) if revision > newest]
    assert [one["config"]["updateStrategy"]["type"] for one in brought] == ["OnDelete"] * len(brought) and len(brought) > 1
    assert values(api) == {"mode": "snat", "updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}


def test_a_helm_run_that_failed_is_told_and_taken_back_without_uninstalling(api, change):
    api.fails = True
    with pytest.raises(JobFailed, match="Helm failed in revision 2.*kubectl -n kube-system logs job/helm-install-cilium"):
        change().apply({"mode": "dsr"})
    api.fails = False
    change().revert(1, {"mode": None})
    assert ("rollback", 1) in api.kept.calls
    change().restore()
    assert CONFIG not in api.objects and values(api) == {"mode": "snat"}


def test_a_controller_that_does_nothing_is_no_success(api, change):
    api.asleep = True
    with pytest.raises(Timeout, match="did not bring the values"):
        change(timeout=0.1).apply({"mode": "dsr"})


def test_a_run_killed_while_it_waited_ends_its_wait(api, change):
    api.asleep = True
    with pytest.raises(Timeout):
        change(timeout=0.1).apply({"mode": "dsr"})
    api.asleep = False
    api.react()
    change().revert(1, {"mode": None})
    change().restore()
    assert CONFIG not in api.objects and values(api) == {"mode": "snat"}


def test_a_step_that_was_killed_before_it_wrote_has_nothing_to_go_back_to(api, change):
    former = api.put(CONFIG, {"spec": {"valuesContent": TEXT}})
    former_objects.remember(change().cluster, "kube-system", "run-1", "1-dsr", former)
    revision = max(api.kept.releases)
    assert change().revert(1, {})["changed"] is False and change().restore()["changed"] is False
    assert max(api.kept.releases) == revision and SECRETS not in api.objects


def test_somebody_elses_edit_is_kept(api, change):
    change().apply({"mode": "dsr"})
    edited = api.objects[CONFIG]
    api.put(CONFIG, dict(edited, spec=dict(edited["spec"], valuesContent="mode: hybrid\n")))
    for attempt in (lambda: change().revert(1, {}), lambda: change().restore(), lambda: change().close(),
                    lambda: change().apply({"mode": "snat"})):
        with pytest.raises(Moved, match="somebody else changed it"):
            attempt()
    assert spec(api)["valuesContent"] == "mode: hybrid\n"


def test_two_at_a_time_are_refused_by_the_server(api, change):
    api.put(CONFIG, {"spec": {"valuesContent": TEXT}})
    one = change()
    one.read()
    api.put(CONFIG, {"spec": {"valuesContent": TEXT + "x: 1\n"}})
    with pytest.raises(Conflict):
        one.put(one.with_spec("y: 1\n", "abort"))


@pytest.mark.parametrize("chart, config, words", [
    ({"set": {"mode": "snat"}}, None, "wins over valuesContent"),
    ({}, {"values": {"mode": "hybrid"}}, "wins over valuesContent"),
    ({}, {"annotations": {"objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon",
                          "objectset.rio.cattle.io/owner-name": "cni"}}, "kept by addon cni"),
])
def test_what_would_not_come_into_force_or_not_stay_is_refused(api, change, chart, config, words):
    api.put(CHART, {"spec": {"valuesContent": "mode: snat\n", **chart}})
    if config:
        api.put(CONFIG, {"metadata": {"annotations": config.pop("annotations", {})}, "spec": {"valuesContent": "", **config}})
    before = dict(api.objects)
    with pytest.raises(Refused, match=words):
        change().apply({"mode": "dsr"})
    assert api.objects == before


def test_what_the_chart_object_sets_cannot_be_removed_beside_it(api, change):
    with pytest.raises(Refused, match="set by the HelmChart itself"):
        change().apply({"mode": None})


def test_check_mode_writes_nothing(api, change):
    before = dict(api.objects)
    assert change(check=True).apply({"mode": "dsr"})["changed"] is True
    assert api.objects == before
    change().apply({"mode": "dsr"})
    before = dict(api.objects)
    for look in ("close", "restore"):
        assert getattr(change(check=True), look)()["changed"] is True
    assert change(check=True).revert(1, {})["changed"] is True and api.objects == before


def test_the_way_back_of_a_run_killed_while_agents_restarted_can_be_looked_at(api, change):
    change().apply({"image": "agent:v1.13.5"})
    before = dict(api.objects)
    assert change(check=True).revert(1, {})["changed"] is True and change(check=True).restore()["changed"] is True
    assert api.objects == before
    with pytest.raises(Refused, match="Not all agents"):
        change().restore()


def test_a_live_edit_or_another_revision_is_not_written_over(api, change):
    with pytest.raises(Moved, match="not 7"):
        change(expected_revision=7).apply({"mode": "dsr"})
    api.kept.apply(release(1, text=api.kept.text({"mode": "hybrid"})))
    with pytest.raises(Refused, match="edited outside of Helm"):
        change().apply({"mode": "dsr"})
