# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_facts, kube_proxy_facts
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import KubeError
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_cilium import SPACE

DAEMONSETS = "/apis/apps/v1/namespaces/kube-system/daemonsets/"


def put_daemonset(api, name="kube-proxy", desired=3, labels=None, generation=1, observed=1):
    api.put(DAEMONSETS + name, {
        "metadata": {"labels": labels or {"k8s-app": "kube-proxy"}, "generation": generation},
        "spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/os": "linux"}}}},
        "status": {"observedGeneration": observed, "desiredNumberScheduled": desired, "numberReady": desired}})


def put_pod(api, node, labels, annotations=None):
    name = "kube-proxy-{0}".format(node)
    api.put("{0}/pods/{1}".format(SPACE, name), {
        "metadata": {"labels": labels, "annotations": annotations or {}}, "spec": {"nodeName": node}})


def put_k3s(api, cilium, node, arguments):
    cilium.put_node(node)
    item = api.objects["/api/v1/nodes/" + node]
    item["status"]["nodeInfo"]["kubeletVersion"] = "v1.31.2+k3s1"
    if arguments is not None:
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        item["metadata"]["annotations"] = {"k3s.io/node-args": text}


def read(cluster):
    return kube_proxy_facts.read_kube_proxy(cluster, cilium_facts.read_nodes(cluster))


@pytest.mark.parametrize("name, labels", [
    ("kube-proxy", {"k8s-app": "kube-proxy"}), ("kube-proxy", {"x": "y"}),
    ("proxy-of-a-cloud", {"component": "kube-proxy"})])
def test_a_daemonset_by_its_name_or_labels(api, cilium, cluster, name, labels):
    put_daemonset(api, name, labels=labels)
    assert read(cluster) == {
        "kind": "daemonset", "namespace": "kube-system", "name": name, "node_selector": {"kubernetes.io/os": "linux"},
        "desired": 3, "ready": 3, "nodes": None, "evidence": "DaemonSet kube-system/" + name}
    assert not any("/pods" in request[1] for request in api.requests), "a thousand pods were listed for nothing"


def test_the_daemonset_of_windows_nodes_is_another(api, cilium, cluster):
    put_daemonset(api, "kube-proxy-windows", labels={"k8s-app": "kube-proxy-windows"})
    assert read(cluster)["kind"] == "none"


def test_a_daemonset_without_nodes_and_the_pods_that_are_left(api, cilium, cluster):
    put_daemonset(api, desired=0)
    put_pod(api, "node-2", {"k8s-app": "kube-proxy"})
    found = read(cluster)
    assert (found["kind"], found["desired"], found["nodes"]) == ("daemonset", 0, ["node-2"])


def test_counts_of_an_earlier_generation_are_not_known(api, cilium, cluster):
    put_daemonset(api, desired=0, generation=2, observed=1)
    assert (read(cluster)["desired"], read(cluster)["ready"]) == (None, None)


def test_static_pods(api, cilium, cluster):
    for node in ("node-2", "node-1"):
        put_pod(api, node, {"component": "kube-proxy"}, {"kubernetes.io/config.mirror": "abc"})
    found = read(cluster)
    assert (found["kind"], found["nodes"]) == ("static_pod", ["node-1", "node-2"])
    assert found["evidence"] == "static pod kube-system/kube-proxy-node-1"


def test_pods_of_nobody_knows_whom_are_no_finding(api, cilium, cluster):
    put_pod(api, "node-1", {"component": "kube-proxy"})
    with pytest.raises(KubeError, match="neither static nor those of a DaemonSet"):
        read(cluster)


def test_two_daemonsets_are_no_finding(api, cilium, cluster):
    put_daemonset(api)
    put_daemonset(api, "kube-proxy-arm64")
    with pytest.raises(KubeError, match="kube-proxy, kube-proxy-arm64"):
        read(cluster)


@pytest.mark.parametrize("arguments, kind", [
    (["server"], "k3s"), (["server", "--disable", "traefik"], "k3s"), (["server", "--disable-kube-proxy"], "none"),
    (["server", "--disable-kube-proxy", "--tls-san", "x"], "none"), (["server", "--disable-kube-proxy", "true"], "none"),
    (["server", "--disable-kube-proxy", "false"], "k3s"), (["server", "--disable-kube-proxy=true"], "none"),
    (["server", "--disable-kube-proxy=false"], "k3s"), (["server", 7, "--disable-kube-proxy", "true"], "none"),
])
def test_k3s_by_the_arguments_of_its_servers(api, cilium, cluster, arguments, kind):
    put_k3s(api, cilium, "node-1", arguments)
    put_k3s(api, cilium, "node-2", ["agent", "--token", "hunter2"])
    found = read(cluster)
    assert found["kind"] == kind and found["nodes"] == (["node-1", "node-2"] if kind == "k3s" else [])
    assert "node-1" in found["evidence"]
    assert "hunter2" not in json.dumps([found, cilium_facts.read_nodes(cluster)])


@pytest.mark.parametrize("arguments", [None, "not json", "{}", "[]", '["agent"]'])
def test_k3s_that_does_not_tell_is_no_finding(api, cilium, cluster, arguments):
    put_k3s(api, cilium, "node-1", arguments)
    with pytest.raises(KubeError, match="k3s.io/node-args"):
        read(cluster)


def test_one_server_that_runs_it_is_enough(api, cilium, cluster):
    put_k3s(api, cilium, "node-1", ["server", "--disable-kube-proxy"])
    put_k3s(api, cilium, "node-2", ["server"])
    assert read(cluster)["kind"] == "k3s"


def test_without_nodes_nothing_is_concluded(cluster, api, cilium):
    with pytest.raises(KubeError, match="Without the nodes"):
        kube_proxy_facts.read_kube_proxy(cluster, None)


def test_a_node_of_another_kind_says_nothing(api, cilium, cluster):
    assert [node["built_in_kube_proxy"] for node in cilium_facts.read_nodes(cluster)] == [None] * 3


def test_endpoints_of_the_api_servers(api, cilium, cluster):
    api.put("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes", {
        "metadata": {"labels": {"kubernetes.io/service-name": "kubernetes"}}, "ports": [{"name": "https", "port": 6443}],
        "endpoints": [{"addresses": ["10.0.0.11"]}, {"addresses": ["10.0.0.10"]}, {"addresses": ["fd00::1"]}]})
    api.put("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/other", {
        "metadata": {"labels": {"kubernetes.io/service-name": "other"}}, "ports": [{"port": 1}],
        "endpoints": [{"addresses": ["10.0.0.9"]}]})
    assert kube_proxy_facts.read_endpoints(cluster) == ["10.0.0.10:6443", "10.0.0.11:6443", "[fd00::1]:6443"]


def test_addresses_that_stand_for_services(api, cilium, cluster):
    for name, service in {
        "one": {"spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00::1"], "externalIPs": ["192.0.2.7"]}},
        "two": {"spec": {"clusterIP": "None"},
                "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.8"}, {"hostname": "lb.example"}]}}},
        "three": {"spec": {"type": "ExternalName", "externalName": "x"}},
    }.items():
        api.put("/api/v1/namespaces/default/services/" + name, service)
    assert kube_proxy_facts.read_service_addresses(cluster) == [
        "10.96.0.1", "192.0.2.7", "192.0.2.8", "fd00::1", "lb.example"]


@pytest.mark.parametrize("env, server, options", [
    ([], (False, None, None), ("default/kubernetes", "default/kubernetes")),
    ([{"name": "KUBERNETES_SERVICE_HOST", "value": "10.0.0.10"}, {"name": "KUBERNETES_SERVICE_PORT", "value": "6443"}],
     (True, "10.0.0.10", "6443"), ("10.0.0.10", "6443")),
    ([{"name": "KUBERNETES_SERVICE_HOST", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}],
     (True, None, None), (None, "default/kubernetes")),
    ([{"name": "KUBERNETES_SERVICE_PORT", "value": "6443"}], (False, None, "6443"), ("default/kubernetes", "6443")),
])
def test_the_server_that_agents_are_given(env, server, options):
    spec = {"containers": [{"name": "sidecar", "env": [{"name": "KUBERNETES_SERVICE_HOST", "value": "x"}]},
                           {"name": "cilium-agent", "env": env}]}
    assert kube_proxy_facts.server_of(spec, "cilium-agent") == dict(zip(("explicit", "host", "port"), server))
    assert kube_proxy_facts.options_of({"spec": spec}, "cilium-agent") == dict(zip(("api_host", "api_port"), options))


def test_what_may_not_be_read_leaves_the_rest(api, cilium, cluster):
    api.script("GET", "/api/v1/services$", Reply(403, b"{}"))
    api.script("GET", "/endpointslices$", Reply(403, b"{}"))
    facts = cilium_facts.read_facts(cluster, cilium_facts.Scope(ask_agents=False))
    assert facts["service_addresses"] is None and facts["api"]["endpoints"] is None and facts["kube_proxy"]["kind"] == "none"
    told = {entry["what"]: entry["class"] for entry in facts["unread"]}
    assert told["service_addresses"] == "denied" and told["api/endpoints"] == "denied"
