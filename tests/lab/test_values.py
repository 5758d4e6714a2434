# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""cilium_values against the lab's control plane with real Helm 3 and 4.

With LAB_CHART set (a chart's folder or package) the same tests run with that chart.
"""
from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from labkit import started, wait  # noqa: E402

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_release import (  # noqa: E402
    describe, read_release, release_history)
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster  # noqa: E402
from ansible_collections.fastpath.cilium.plugins.module_utils.rollout_hold import (  # noqa: E402
    outdated, read_live, strategy_of)
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import (  # noqa: E402
    PACKAGE, run_module)

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("values")]
VERSIONS = [("1.13.4", "3"), ("1.13.4", "4"), ("1.16", "4"), ("1.18", "3"), ("1.20", "3"), ("1.20", "4")]
SITES = [(None, "3"), (None, "4")] if os.environ.get("LAB_CHART") else VERSIONS
THOROUGH = SITES if os.environ.get("LAB_CHART") else [("1.13.4", "3"), ("1.20", "4")]
SPACE = "/api/v1/namespaces/kube-system"
DSR = {"loadBalancer.mode": "dsr", "loadBalancer.dsrDispatch": "opt"}
SNAT = {"loadBalancer.mode": None, "loadBalancer.dsrDispatch": None}
ROLLS = dict(DSR, rollOutCiliumPods=True)
# More operators than nodes never become ready, so that `helm --wait` stays in the middle of an upgrade.
NEVER_READY = "operator.replicas=9"
WAITING_HELM = """#!/bin/sh
case "$*" in
  upgrade*--dry-run*|version*|rollback*) exec {helm} "$@" ;;
  *) exec {helm} "$@" --wait ;;
esac
"""
patiently = partial(wait, seconds=90)
CERTIFICATE = re.compile(r"(?m)^\s+(?:ca|tls)\.(?:crt|key):.*$")


class Site:
    """A running lab, its Helm, and Cilium installed there afresh."""

    def __init__(self, facts: dict, helm: str) -> None:
        self.kubeconfig, self.binary = facts["kubeconfig"], helm
        self.cluster = Cluster.connect(self.kubeconfig)
        self.chart = facts["chart"]
        self.values = json.loads(self.helm("get", "values", "cilium", "--output", "json"))

    def helm(self, *arguments: str, stdin: str = "", binary: str = "") -> str:
        done = subprocess.run([binary or self.binary, *arguments, "--namespace", "kube-system", "--kubeconfig",
                               self.kubeconfig],
                              input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def install(self, binary: str = "", **more) -> None:
        """Cilium as the lab installs it, at revision 1."""
        if self.history():
            self.helm("uninstall", "cilium", "--wait")
        patiently(lambda: not self.pods() and read_live(self.cluster, "kube-system") is None)
        patiently(lambda: not any(one.get("status", {}).get("phase") == "Terminating"
                                  for one in self.cluster.list("/api/v1/namespaces")))
        self.helm("install", "cilium", self.chart, "--values", "-", stdin=json.dumps(dict(self.values, **more)),
                  binary=binary)
        patiently(self.ready)

    def change(self, check: bool = False, **given) -> dict:
        result = run_module("cilium_values", check, kubeconfig=self.kubeconfig, **dict({"helm": self.binary}, **given))
        result.pop("invocation", None)
        return result

    def brought_to_rest(self, **given) -> dict:
        """A change, and where it is held the restart of the agents and the end of the hold."""
        result = self.change(**given)
        if result.get("held"):
            self.roll()
            assert self.change(release_hold=True)["held"] is False
        return result

    def history(self) -> list:
        return release_history(self.cluster, "cilium", "kube-system")

    def newest(self) -> dict:
        return read_release(self.cluster, "cilium", "kube-system")

    def config(self) -> dict:
        return self.cluster.get(SPACE + "/configmaps/cilium-config")["data"]

    def edit_config(self, **data) -> None:
        self.cluster.patch(SPACE + "/configmaps/cilium-config", {"data": data})

    def pods(self) -> set:
        return {pod["metadata"]["uid"] for pod in self.cluster.list(SPACE + "/pods", label_selector="k8s-app=cilium")}

    def ready(self) -> bool:
        live = read_live(self.cluster, "kube-system")
        return bool(live) and live["status"].get("numberReady") == 3 and outdated(live) == 0

    def roll(self) -> None:
        for pod in self.cluster.list(SPACE + "/pods", label_selector="k8s-app=cilium"):
            self.cluster.delete(pod["metadata"]["selfLink"] if "selfLink" in pod["metadata"] else
                                "{0}/pods/{1}".format(SPACE, pod["metadata"]["name"]))
        patiently(lambda: self.ready() and len(self.pods()) == 3)

    def strategy(self) -> str:
        return strategy_of(read_live(self.cluster, "kube-system"))

    def stay(self, pods: set, seconds: float = 3.0) -> None:
        """The DaemonSet controller restarts no agent by itself; it would within a second."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.pods() == pods
            time.sleep(0.2)

    def killed(self, tmp_path: Path, **given) -> None:
        """A change whose Helm is in the middle when it and the module get SIGKILL."""
        helm = tmp_path / "waiting-helm"
        helm.write_text(WAITING_HELM.format(helm=self.binary))
        helm.chmod(helm.stat().st_mode | stat.S_IXUSR)
        before = self.history()[-1]["revision"]
        given.update(kubeconfig=self.kubeconfig, helm=str(helm), _ansible_remote_tmp=str(tmp_path))
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
        with subprocess.Popen([sys.executable, "-m", PACKAGE + "cilium_values"], stdin=subprocess.PIPE, env=environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
            process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
            process.stdin.close()
            patiently(lambda: self.history()[-1]["revision"] > before)
            time.sleep(3)
            assert process.poll() is None, "Helm came to its end before it could be killed."
            os.killpg(process.pid, signal.SIGKILL)
        assert self.history()[-1] == dict(self.history()[-1], revision=before + 1, status="pending-upgrade")


def pytest_generate_tests(metafunc) -> None:
    """What does not depend on the chart's version is run where both Helms, the oldest and the newest chart are seen."""
    sites = THOROUGH if "thorough" in metafunc.fixturenames else SITES
    metafunc.parametrize("running", sites, indirect=True, scope="module", ids=lambda one: "{0}-helm{1}".format(*one))


@pytest.fixture(scope="module", name="running")
def fixture_running(request, tools):
    version, helm = request.param
    chart = ["--cilium", version] if version else ["--chart", os.environ["LAB_CHART"]]
    with started("values", "--helm", tools["helm" + helm], "--set", NEVER_READY, *chart) as lab:
        yield Site(lab.status(), tools["helm" + helm])


@pytest.fixture(name="site")
def fixture_site(running):
    running.install()
    return running


@pytest.fixture(name="thorough")
def fixture_thorough(site):
    return site


def without_certificates(manifest: str) -> str:
    return CERTIFICATE.sub("", manifest)


def test_snat_to_dsr_and_back_is_byte_identical(site):
    stored = site.helm("get", "manifest", "cilium", "--revision", "1")
    pods = site.pods()
    shown = site.change(check=True, values=DSR, _ansible_diff=True)
    assert shown["changed"] and shown["config"]["bpf-lb-mode"] == "dsr"
    assert "+  bpf-lb-mode: dsr" in shown["diff"]["prepared"]
    assert [one["revision"] for one in site.history()] == [1] and "bpf-lb-mode" not in site.config()

    done = site.change(values=DSR, run_id="r1", expected_revision=1)
    assert (done["changed"], done["former_revision"], done["revision"], done["held"]) == (True, 1, 2, False)
    assert done["config"] == site.config() == dict(shown["config"], **{"bpf-lb-dsr-dispatch": "opt"})
    assert [(one["kind"], one["name"]) for one in done["changed_resources"]] == [("ConfigMap", "cilium-config")]
    assert done["changed_resources"] == shown["changed_resources"]
    newest = site.newest()
    assert newest["info"]["description"] == "fastpath r1: set loadBalancer.dsrDispatch, loadBalancer.mode"
    assert newest["config"] == dict(site.values, loadBalancer={"mode": "dsr", "dsrDispatch": "opt"})
    assert site.change(values=DSR)["changed"] is False and len(site.history()) == 2

    back = site.change(values=SNAT)
    assert back["revision"] == 3 and site.newest()["config"] == site.values and "bpf-lb-mode" not in site.config()
    again = site.helm("get", "manifest", "cilium", "--revision", "3")
    assert without_certificates(again) == without_certificates(stored)
    site.stay(pods, 1)


def test_going_back_restores_manifest_and_certificates_exactly(site):
    stored = site.helm("get", "manifest", "cilium", "--revision", "1")
    change = site.change(values=DSR)
    back = site.change(revision=change["former_revision"], expected_revision=change["revision"])
    assert back["changed"] and back["held"] is False
    assert back["certificates_reissued"] == change["certificates_reissued"]
    assert site.helm("get", "manifest", "cilium") == stored and "bpf-lb-mode" not in site.config()
    assert site.change(revision=1, expected_revision=change["revision"])["changed"] is False
    site.helm("upgrade", "cilium", site.chart, "--reuse-values", "--set", "loadBalancer.mode=hybrid")
    refused = site.change(revision=1, expected_revision=3)
    assert refused["error_class"] == "conflict" and "revision 4" in refused["msg"]
    assert site.config()["bpf-lb-mode"] == "hybrid"


def test_a_changed_pod_template_waits_for_us(thorough):
    pods = thorough.pods()
    assert thorough.change(check=True, values=ROLLS)["held"] is True and thorough.strategy() == "RollingUpdate"
    held = thorough.change(values=ROLLS, run_id="r1")
    assert held["held"] is True and thorough.strategy() == "OnDelete" and thorough.config()["bpf-lb-mode"] == "dsr"
    assert describe(thorough.newest())["hold"] == {"former_revision": 1}
    thorough.stay(pods)
    refused = thorough.change(release_hold=True)
    assert refused["failed"] and "Not all agents run the newest pod template" in refused["msg"]
    thorough.roll()
    pods = thorough.pods()
    released = thorough.change(release_hold=True)
    assert released["changed"] and thorough.strategy() == "RollingUpdate"
    assert "updateStrategy" not in thorough.newest()["config"]
    thorough.stay(pods)

    back = thorough.change(revision=1)
    assert back["held"] is True and "bpf-lb-mode" not in thorough.config() and thorough.strategy() == "OnDelete"
    assert thorough.change(revision=1)["changed"] is False
    thorough.stay(pods)
    thorough.roll()
    pods = thorough.pods()
    assert thorough.change(release_hold=True)["held"] is False and thorough.strategy() == "RollingUpdate"
    assert thorough.newest()["manifest"] == read_release(thorough.cluster, "cilium", "kube-system", 1)["manifest"]
    thorough.stay(pods)


def test_a_live_edit_of_the_template_is_noticed(thorough):
    """`kubectl set image` leaves the stored manifest alone, and an upgrade would take it back and restart agents."""
    path = "/apis/apps/v1/namespaces/kube-system/daemonsets/cilium"
    live = read_live(thorough.cluster, "kube-system")
    thorough.cluster.patch(path, {"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}})
    image = live["spec"]["template"]["spec"]["containers"][0]["image"] + "-edited"
    template = {"spec": {"containers": [{"name": "cilium-agent", "image": image}]}}
    thorough.cluster.patch(path, {"spec": {"template": template}}, "application/strategic-merge-patch+json")
    assert thorough.change(check=True, values=DSR)["held"] is True


def test_a_live_edit_of_the_configuration_is_listed_and_kept(thorough):
    thorough.edit_config(**{"bpf-lb-mode": "dsr", "etcd-password": "hunter2"})
    for given in ({"values": DSR}, {"revision": 1}):
        refused = thorough.change(**given)
        if given == {"revision": 1}:
            assert refused["changed"] is False
            continue
        assert [one["key"] for one in refused["differences"]] == ["bpf-lb-mode", "etcd-password"]
        assert "hunter2" not in json.dumps(refused)
    assert len(thorough.history()) == 1 and thorough.config()["bpf-lb-mode"] == "dsr"


def test_killed_in_the_middle_is_refused_then_taken_back(thorough, tmp_path):
    pods = thorough.pods()
    thorough.killed(tmp_path, values=DSR)
    refused = thorough.change(values=DSR)
    assert "revision 2 is pending-upgrade" in refused["msg"] and "revision: 1, expected_revision: 2" in refused["msg"]
    assert "expected_revision: 2" in thorough.change(revision=1)["msg"]
    assert thorough.change(revision=1, expected_revision=1)["error_class"] == "conflict"
    assert thorough.change(check=True, revision=1, expected_revision=2)["revision"] == 2
    back = thorough.change(revision=1, expected_revision=2)
    assert back["revision"] == 3 and "bpf-lb-mode" not in thorough.config()
    assert thorough.newest()["info"]["status"] == "deployed" and thorough.newest()["config"] == thorough.values
    thorough.stay(pods)


def test_killed_with_a_hold_is_taken_back_without_a_restart(thorough, tmp_path):
    pods = thorough.pods()
    thorough.killed(tmp_path, values=ROLLS)
    back = thorough.change(revision=1, expected_revision=2)
    assert back["changed"] and back["held"] is True and "bpf-lb-mode" not in thorough.config()
    thorough.stay(pods)
    assert thorough.change(release_hold=True)["held"] is False and thorough.strategy() == "RollingUpdate"
    assert thorough.newest()["config"] == thorough.values
    thorough.stay(pods)


def test_killed_while_the_hold_was_released_is_taken_back_without_a_restart(thorough, tmp_path):
    thorough.change(values=ROLLS)
    thorough.roll()
    pods = thorough.pods()
    thorough.killed(tmp_path, release_hold=True)
    back = thorough.change(revision=1, expected_revision=3)
    assert back["held"] is True and back["former_revision"] == 3 and "bpf-lb-mode" not in thorough.config()
    thorough.stay(pods)
    thorough.roll()
    pods = thorough.pods()
    assert thorough.change(release_hold=True)["held"] is False and thorough.strategy() == "RollingUpdate"
    thorough.stay(pods)


def test_helms_own_refusal_comes_back_and_changes_nothing(site):
    refused = site.change(values={"kubeProxyReplacement": "bogus"})
    assert refused["failed"] and re.search("UPGRADE FAILED.*kube-?proxy-?replacement", refused["msg"], re.IGNORECASE)
    refused = site.change(values={"extraConfig.number": 5})
    assert "no text" in refused["msg"] or "UPGRADE FAILED" in refused["msg"]
    assert [(one["revision"], one["status"]) for one in site.history()] == [(1, "deployed")]


def test_the_given_chart_must_be_the_releases(thorough, tmp_path):
    (tmp_path / "Chart.yaml").write_text("{name: cilium, version: 9.9.9, apiVersion: v2}")
    assert "has the version 9.9.9" in thorough.change(values=DSR, chart=str(tmp_path))["msg"]
    assert thorough.change(check=True, values=DSR, chart=thorough.chart)["changed"]


def test_more_revisions_than_ten_are_kept(thorough):
    for number in range(11):
        thorough.helm("upgrade", "cilium", thorough.chart, "--reuse-values", "--history-max", "0", "--set",
                      "extraConfig.n=n{0}".format(number))
    thorough.change(values=DSR)
    assert len(thorough.history()) == 13, "a revision was pushed out"


def test_a_release_of_the_other_helm_is_changed_too(running, tools):
    """Helm 4 renders entries with a null default otherwise; Helm 3 knows nothing of server-side apply."""
    other = next(path for name, path in tools.items() if name.startswith("helm") and path != running.binary)
    running.install(other)
    assert running.brought_to_rest(values=DSR)["changed"] and running.config()["bpf-lb-mode"] == "dsr"
    with_dsr = running.newest()["version"]
    assert running.brought_to_rest(revision=1)["changed"] and "bpf-lb-mode" not in running.config()
    assert running.brought_to_rest(revision=with_dsr,
                                   helm=other)["changed"] and running.config()["bpf-lb-mode"] == "dsr"
    assert running.strategy() == "RollingUpdate" and running.newest()["hold"] is None
