# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import helm_job
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_job import HelmJob, JobFailed
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Timeout
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi

CHART = "/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts/cilium"
JOBS, PODS = "/apis/batch/v1/namespaces/kube-system/jobs/", "/api/v1/namespaces/kube-system/pods/"
GOOD = {"version": 2, "config": {"a": 5}, "info": {"status": "deployed"}}


@pytest.fixture(name="api")
def fixture_api(monkeypatch):
    monkeypatch.setattr(helm_job, "POLL", 0.01)
    with FakeApi() as api:
        api.put(CHART, {"status": {"jobName": "helm-install-cilium"}})
        yield api


@pytest.fixture(name="job")
def fixture_job(api, tmp_path):
    return HelmJob(Cluster.connect(api.kubeconfig(tmp_path)), "kube-system", "cilium", 0.1)


def put_job(api, uid, **conditions):
    api.put(JOBS + "helm-install-cilium", {"metadata": {"uid": uid}, "status": {
        "conditions": [{"type": kind, "status": status} for kind, status in conditions.items()]}})


def test_a_new_job_that_is_complete_and_its_fruit_are_needed_both(api, job):
    put_job(api, "new", Complete="True")
    assert job.wait(lambda: GOOD, {"a": 5.0}, "old", 1) == GOOD
    for release, uid, revision in ((GOOD, "new", 1), (GOOD, "old", 2), ({**GOOD, "config": {"a": 6}}, "old", 1),
                                   ({**GOOD, "info": {"status": "pending-upgrade"}}, "old", 1), (None, "old", 1)):
        with pytest.raises(Timeout, match="did not bring the values"):
            job.wait(lambda found=release: found, {"a": 5}, uid, revision)
    put_job(api, "new", SuccessCriteriaMet="True", Complete="False")
    with pytest.raises(Timeout):
        job.wait(lambda: GOOD, {"a": 5}, "old", 1)


def test_a_failed_job_says_helms_last_words(api, job):
    put_job(api, "new", Failed="True")
    api.put(PODS + "helm-install-cilium-x", {
        "metadata": {"labels": {"helmcharts.helm.cattle.io/chart": "cilium"}},
        "status": {"containerStatuses": [{"restartCount": 1, "lastState": {"terminated": {
            "message": "Error: UPGRADE FAILED: --token=abcd123 nope\n"}}}]}})
    with pytest.raises(JobFailed, match="UPGRADE FAILED: --token=<hidden> nope"):
        job.wait(lambda: None, {}, "old", 1)


def test_failures_of_the_former_job_or_a_single_one_are_waited_out(api, job):
    put_job(api, "old", Failed="True")
    with pytest.raises(Timeout):
        job.wait(lambda: None, {}, "old", 1)
    put_job(api, "new")
    pod = {"metadata": {"labels": {"helmcharts.helm.cattle.io/chart": "cilium"}}, "status": {"containerStatuses": [{"restartCount": 1}]}}
    api.put(PODS + "helm-install-cilium-x", pod)
    with pytest.raises(Timeout):
        job.wait(lambda: None, {}, "old", 1)
    pod["status"]["containerStatuses"][0]["restartCount"] = 3
    api.put(PODS + "helm-install-cilium-x", pod)
    with pytest.raises(JobFailed):
        job.wait(lambda: None, {}, "old", 1)


def test_helms_own_failure_shows_in_the_release(api, job):
    put_job(api, "new")
    failed = {"version": 2, "config": {}, "info": {"status": "failed"}}
    with pytest.raises(JobFailed, match="Helm failed in revision 2"):
        job.wait(lambda: failed, {}, "old", 1)
    with pytest.raises(Timeout):
        job.wait(lambda: failed, {}, "old", 2)


def test_without_a_job_there_is_no_uid(api, job):
    assert job.uid() is None
    put_job(api, "new")
    assert job.uid() == "new"
    del api.objects[CHART]
    assert job.uid() is None
