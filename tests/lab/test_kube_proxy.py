# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kube-proxy replaced by Cilium on a running cluster, and put back; where that cannot be done, nothing is."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from accounts import AUDIT, account
from labkit import NAMESPACE, Lab, started, wait
from plays import Bastion, Play, leases, snapshot
from watching import counted

pytestmark = pytest.mark.lab

ID = "kube_proxy_replacement"
ACKNOWLEDGED = {"fastpath_acknowledge": [ID, "dsr"]}
VERSIONS = ["1.13.4", "1.18"]
KPR_OFF = ["--set", "kubeProxyReplacement=false", "--set", "bpf.masquerade=false"]
KUBE_PROXY = "k8s-app=kube-proxy"


class Site:
    """A lab and a bastion beside it."""

    def __init__(self, lab: Lab, bastion: Bastion) -> None:
        self.lab, self.bastion = lab, bastion
        self.ports = lab.status()["ports"]

    def address(self, port: str = "apiserver", host: str = "127.0.0.1") -> dict[str, Any]:
        return {"api_host": host, "api_port": self.ports[port]}

    def run(self, playbook: str, options: Any, **variables: Any) -> Play:
        return self.bastion.run(playbook, fastpath_tunings={ID: options}, **variables)

    def daemonset(self, name: str) -> dict[str, Any]:
        """The spec, as the API server has it."""
        found = self.lab.apps().read_namespaced_daemon_set(name, NAMESPACE)
        return self.lab.api().sanitize_for_serialization(found.spec)

    def config(self) -> dict[str, str]:
        return self.lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data

    def kube_proxies(self) -> list[Any]:
        return self.lab.core().list_namespaced_pod(NAMESPACE, label_selector=KUBE_PROXY).items

    def settings(self) -> dict[str, Any]:
        """What must be as it was after the way back."""
        return {"kube-proxy": self.daemonset("kube-proxy"), "cilium": self.daemonset("cilium"), "config": self.config()}

    def given(self) -> set[Any]:
        """What each agent's own pod is given as the API's host."""
        containers = [pod.spec.containers[0] for pod in self.lab.agents().values()]
        return {next((one.value for one in each.env if one.name == "KUBERNETES_SERVICE_HOST"), None) for each in containers}


def states(play: Play) -> dict[str, str]:
    return {tuning["id"]: tuning["state"] for tuning in play.result["tunings"]}


@pytest.fixture(name="site", scope="module",
                params=[pytest.param(one, marks=pytest.mark.xdist_group(f"kube-proxy-{one}")) for one in VERSIONS])
def fixture_site(request: pytest.FixtureRequest, tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    version = request.param
    with started(f"kube-proxy-{version}".replace(".", "-"), "--nodes", "3", "--cilium", version, "--kube-proxy") as lab:
        yield Site(lab, Bastion(tmp_path_factory.mktemp("bastion"), lab.kubeconfig, tools["helm4"]))


def test_without_an_address_or_with_that_of_a_service_nothing_is_done(site: Site) -> None:
    before = snapshot(site.lab)
    audit = site.run("audit", {})
    assert audit.code == 0 and states(audit) == {ID: "BLOCKED"}, audit.out
    assert "api_host" in audit.out
    refused = site.run("tune", site.address(host="10.96.0.1"), **ACKNOWLEDGED)
    assert refused.code != 0 and refused.result["outcome"] == "blocked" and "stands for a Service" in refused.out
    unasked = site.run("tune", site.address())
    assert unasked.code != 0 and f'["{ID}"]' in unasked.out and unasked.result["outcome"] == "drift"
    assert snapshot(site.lab) == before


def test_an_account_that_may_not_list_services_leaves_it_open(site: Site, tmp_path) -> None:
    blind = Bastion(tmp_path, account(site.lab, "blind", tmp_path, AUDIT, without="services"), None)
    audit = blind.run("audit", fastpath_tunings={ID: site.address(), "native_routing": True})
    assert states(audit) == {"native_routing": "OK", ID: "UNKNOWN"}, audit.out
    assert "may not list services" in audit.out


def test_an_address_where_nothing_listens_costs_one_agent_and_goes_back(site: Site) -> None:
    before, pods = site.settings(), {node: pod.metadata.uid for node, pod in site.lab.agents().items()}
    with counted(site.lab) as count:
        play = site.run("tune", site.address("closed"), **ACKNOWLEDGED)
    assert play.code != 0 and play.result["outcome"] == "rolled_back", play.out
    assert "connection refused" in play.result["message"] and "node-2" in play.result["message"]
    assert count.most == 1 and site.settings() == before
    now = {node: pod.metadata.uid for node, pod in site.lab.agents().items()}
    assert {node for node in pods if now[node] != pods[node]} == {"node-2"}
    assert play.result["nodes"] == {"node-1": "untouched", "node-2": "rolled_back", "node-3": "untouched"}
    assert len(site.kube_proxies()) == 3 and leases(site.lab) == []


def test_cilium_takes_over_kube_proxy_goes_and_all_comes_back(site: Site) -> None:
    before, untouched = site.settings(), snapshot(site.lab)
    wanted = {ID: site.address(), "dsr": {}}
    preview = site.bastion.run("tune", "--check", "--diff", fastpath_tunings=wanted)
    assert preview.code == 0 and "kept-off" in preview.out and snapshot(site.lab) == untouched, preview.out
    with counted(site.lab) as count:
        first = site.bastion.run("tune", fastpath_tunings=wanted, **ACKNOWLEDGED)
    assert count.most == 1, "more agents were down than the batch"
    assert first.code == 0 and first.result["outcome"] == "in_line", first.out
    assert [step["id"].split("-", 1)[1] for step in first.result["steps"]][:3] == [
        f"{ID}-{stage}" for stage in ("api-address", "full", "kube-proxy-off")]
    assert site.kube_proxies() == [] and site.given() == {"127.0.0.1"}
    assert site.daemonset("kube-proxy")["template"]["spec"]["nodeSelector"]["fastpath.cilium/kube-proxy"] == "kept-off"

    again = site.bastion.run("tune", fastpath_tunings=wanted, **ACKNOWLEDGED)
    assert again.code == 0 and again.result["outcome"] == "in_line" and again.result["steps"] == [], again.out
    assert states(site.run("audit", {})) == {ID: "OK"}

    back = site.bastion.run("rollback")
    assert back.code == 0 and back.result["outcome"] == "rolled_back", back.out
    assert site.settings() == before and site.given() == {None}
    proxies, agents = site.kube_proxies(), site.lab.agents().values()
    assert len(proxies) == 3
    assert max(pod.metadata.creation_timestamp for pod in proxies) <= min(pod.metadata.creation_timestamp for pod in agents), \
        "an agent gave Services up before kube-proxy was back"


@pytest.fixture(name="small", scope="module")
def fixture_small(tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with started("kube-proxy-small", "--nodes", "1", "--cilium", "1.16", *KPR_OFF) as lab:
        yield Site(lab, Bastion(tmp_path_factory.mktemp("small"), lab.kubeconfig, tools["helm4"]))


def procedure(site: Site, *words: str) -> None:
    before = snapshot(site.lab)
    play = site.run("tune", {}, **ACKNOWLEDGED)
    assert play.code != 0 and play.result["outcome"] == "blocked" and states(play) == {ID: "DRIFT"}, play.out
    told = " ".join(play.out.split())
    for word in ("k8sServiceHost", "KUBE-*", *words):
        assert word in told, play.out
    assert snapshot(site.lab) == before


@pytest.mark.xdist_group("kube-proxy-small")
def test_within_k3s_the_procedure_is_told_and_nothing_done(small: Site) -> None:
    small.lab.annotate("node-1", "lab/kubelet", "v1.34.4+k3s1")
    arguments = {"k3s.io/node-args": '["server","--token","hunter2"]'}
    small.lab.core().patch_node("node-1", {"metadata": {"annotations": arguments}})
    procedure(small, "/etc/rancher/k3s/config.yaml")
    audit = small.run("audit", {})
    assert audit.document("facts")["kube_proxy"]["kind"] == "k3s"
    assert not any("hunter2" in path.read_text() for path in audit.folder.iterdir())
    small.lab.core().patch_node("node-1", {"metadata": {"annotations": {"k3s.io/node-args": None}}})
    small.lab.annotate("node-1", "lab/kubelet", None)


@pytest.mark.xdist_group("kube-proxy-small")
def test_as_a_static_pod_the_procedure_is_told_and_nothing_done(small: Site) -> None:
    core = small.lab.core()
    core.create_namespaced_pod(NAMESPACE, {
        "metadata": {"name": "kube-proxy-node-1", "labels": {"component": "kube-proxy", "tier": "control-plane"},
                     "annotations": {"kubernetes.io/config.mirror": "0123", "kubernetes.io/config.source": "file"}},
        "spec": {"nodeName": "node-1", "hostNetwork": True, "containers": [{"name": "kube-proxy", "image": "kube-proxy:v1"}]}})
    wait(lambda: core.read_namespaced_pod("kube-proxy-node-1", NAMESPACE).status.phase == "Running")
    procedure(small, "/etc/rancher/rke2/config.yaml", "static pod")


@pytest.mark.xdist_group("kube-proxy-small")
def test_an_agent_by_the_address_of_a_service_needs_kube_proxy(small: Site) -> None:
    """Of the lab itself: what the plan keeps clusters from."""
    lab, node = small.lab, "node-1"
    lab.helm("upgrade", "cilium", lab.status()["chart"], "--reuse-values", "--set", "k8sServiceHost=", "--set", "k8sServicePort=")
    for pod in small.lab.core().list_namespaced_pod(NAMESPACE, label_selector="component=kube-proxy").items:
        lab.core().delete_namespaced_pod(pod.metadata.name, NAMESPACE)
    wait(lambda: not lab.core().list_namespaced_pod(NAMESPACE, label_selector="component=kube-proxy").items)
    lab.restart_agent(node)
    status = wait(lambda: next((one for one in lab.agents()[node].status.init_container_statuses or []
                                if one.name == "config" and one.last_state.terminated), None))
    assert "dial tcp 10.96.0.1:443: i/o timeout" in status.last_state.terminated.message
    lab.core().create_namespaced_pod(NAMESPACE, {
        "metadata": {"name": "kube-proxy-again", "labels": {"component": "kube-proxy"}},
        "spec": {"nodeName": node, "containers": [{"name": "kube-proxy", "image": "kube-proxy:v1"}]}})
    lab.wait_agent_ready(node)
