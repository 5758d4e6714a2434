# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import gzip
import json
import threading
import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_facts
from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_facts import (
    Scope, changed_at, last_change, read_facts)
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Down, Garbled, Unauthorized
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Output, Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_cilium import (
    CONFIG, DAEMONSET, SPACE, stamp)

KEYS = {"schema", "cluster", "release", "release_found", "owner", "config", "manifest_config", "node_configs",
        "node_config_api", "nodes", "daemonset", "agents", "unread", "kube_proxy", "api", "service_addresses"}
MANIFEST = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cilium-config\ndata:\n  bpf-lb-mode: snat\n"


def put_release(api, status="deployed", manifest=MANIFEST, name="cilium"):
    release = {"name": name, "namespace": "kube-system", "version": 3, "manifest": manifest,
               "info": {"status": status, "last_deployed": "2026-01-01T00:00:00.5Z", "description": "Upgrade complete"},
               "config": {"tunnel": "disabled", "hubble": {"tls": {"password": "hunter2"}}},
               "chart": {"metadata": {"name": "cilium", "version": "1.13.4", "appVersion": "1.13.4"}}}
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    api.put(SPACE + "/secrets/sh.helm.release.v1.{0}.v3".format(name), {
        "type": "helm.sh/release.v1", "data": {"release": packed},
        "metadata": {"labels": {"owner": "helm", "name": name, "status": status, "version": "3"},
                     "creationTimestamp": stamp()}})


def unread(facts):
    return {entry["what"]: entry["class"] for entry in facts["unread"]}


def test_the_whole_document(api, cilium, cluster):
    put_release(api)
    api.apis["/apis/cilium.io/v2alpha1"] = {}
    api.put("/apis/cilium.io/v2alpha1/namespaces/kube-system/ciliumnodeconfigs/fast", {
        "metadata": {"labels": {"a": "b"}, "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [
            {"time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:metadata": {}}},
            {"time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {}}}]},
        "spec": {"nodeSelector": {"matchLabels": {"nic": "fast"}}, "defaults": {"bpf-lb-acceleration": "native"}}})
    facts = read_facts(cluster, Scope())
    assert set(facts) == KEYS and facts["unread"] == []
    assert facts["cluster"] == {"uid": "cluster-uid", "version": "v1.31.2", "server": api.url}
    assert facts["release_found"] is True and facts["release"]["revision"] == 3
    assert facts["owner"] == {
        "kind": "helm", "name": "cilium", "namespace": "kube-system", "evidence": "release kube-system/cilium",
        "release": {"name": "cilium", "namespace": "kube-system"}, "resource": None}
    assert facts["manifest_config"] == {"bpf-lb-mode": "snat"} == facts["config"]["data"]
    assert facts["node_config_api"] == "cilium.io/v2alpha1"
    assert facts["node_configs"] == [{
        "name": "fast", "namespace": "kube-system", "api_version": "cilium.io/v2alpha1",
        "labels": {"a": "b"}, "changed_at": "2026-01-02T00:00:00Z",
        "node_selector": {"matchLabels": {"nic": "fast"}}, "defaults": {"bpf-lb-acceleration": "native"}}]
    assert [node["name"] for node in facts["nodes"]] == cilium.names
    assert facts["nodes"][0]["kernel"] == "6.2.0" and facts["nodes"][0]["ready"]
    assert facts["daemonset"]["max_unavailable"] == 2 and facts["daemonset"]["restarts_on_config_change"] is False
    assert [agent["config_current"] for agent in facts["agents"]] == [True] * 3
    assert all(agent["status"]["nodeport_mode"] == "snat" and agent["error"] is None for agent in facts["agents"])
    assert facts["agents"][0]["options"] == {
        "routing_mode": "native", "api_host": "default/kubernetes", "api_port": "default/kubernetes"}
    assert facts["kube_proxy"]["kind"] == "none" and facts["service_addresses"] == []
    assert facts["api"] == {"explicit": False, "host": None, "port": None, "endpoints": []}
    assert "hunter2" not in json.dumps(facts)


def test_secrets_that_stand_in_cilium_config_are_hidden(api, cilium, cluster):
    put_release(api, manifest=MANIFEST + "  kvstore-password: hunter2\n")
    cilium.configure({"bpf-lb-mode": "snat", "kvstore-password": "hunter3", "kvstore-opt": "https://user:hunter4@etcd:2379"})
    api.apis["/apis/cilium.io/v2"] = {}
    api.put("/apis/cilium.io/v2/namespaces/kube-system/ciliumnodeconfigs/fast", {
        "spec": {"nodeSelector": {}, "defaults": {"api-token": "hunter5"}}})
    facts = read_facts(cluster, Scope())
    assert "hunter" not in json.dumps(facts)
    assert facts["config"]["data"] == {"bpf-lb-mode": "snat", "kvstore-password": "<hidden>",
                                       "kvstore-opt": "https://user:<hidden>@etcd:2379"}


def test_only_get_list_and_exec_are_used(api, cilium, cluster):
    put_release(api)
    read_facts(cluster, Scope())
    assert {request[0] for request in api.requests} == {"GET"}


def test_without_a_release(cilium, cluster):
    facts = read_facts(cluster, Scope())
    assert facts["release_found"] is False and facts["release"] is None and facts["owner"]["kind"] == "none"
    assert facts["agents"][0]["version"] == "1.13.4" and facts["unread"] == []


def test_secrets_denied_means_that_the_release_is_unknown(api, cilium, cluster):
    api.script("GET", "/secrets", Reply(403, b"{}"))
    facts = read_facts(cluster, Scope())
    assert facts["release_found"] is None and facts["owner"] is None
    assert unread(facts) == {"release": "denied", "owner": "failed"}


def test_every_source_may_fail_without_the_others(api, cilium, cluster):
    for path in ("/nodes", "/daemonsets", "/configmaps", "/secrets", "/helm.cattle.io", "/ciliumnodeconfigs",
                 "/version"):
        api.script("GET", path, Reply(500, b'{"message": "etcd is away"}'))
    facts = read_facts(cluster, Scope())
    assert set(facts) == KEYS and len(facts["agents"]) == 3
    assert [facts[name] for name in ("nodes", "daemonset", "config", "node_configs", "owner", "release")] == [None] * 6
    assert unread(facts) == {name: "failed" for name in (
        "nodes", "daemonset", "config", "node_configs", "owner", "release", "cluster/version", "kube_proxy")}
    assert all(agent["config_current"] is None and agent["status"] for agent in facts["agents"])


def test_objects_without_what_they_must_have_are_garbled_not_fatal(api, cilium, cluster):
    del api.objects[DAEMONSET]["spec"]
    api.objects[CONFIG]["metadata"] = {"name": "x"}
    api.objects["/api/v1/nodes/node-1"]["metadata"] = None
    facts = read_facts(cluster, Scope(ask_agents=False))
    assert unread(facts)["config"] == "garbled" and unread(facts)["daemonset"] == "garbled"


def test_agents_that_fail_are_in_the_result_with_their_class(api, cilium, cluster):
    plain = cilium.answer
    api.on_exec = lambda pod, command: Output(delay=5) if "-node-2-" in pod else plain(pod, command)
    facts = read_facts(cluster, Scope(agent_timeout=0.5))
    assert [agent["error"] and agent["error"]["class"] for agent in facts["agents"]] == [None, "timeout", None]
    assert unread(facts) == {"agents/node-2/status": "timeout"}


def test_agents_are_left_alone_when_told_so(cilium, cluster):
    facts = read_facts(cluster, Scope(ask_agents=False))
    assert cilium.commands == [] and [agent["status"] for agent in facts["agents"]] == [None] * 3


def test_a_cluster_without_cilium(api, cluster):
    facts = read_facts(cluster, Scope())
    assert facts["agents"] == [] and facts["config"] is None and facts["owner"] is None
    assert unread(facts) == {"daemonset": "not_found", "config": "not_found", "owner": "failed"}


def test_a_daemonset_by_another_name_is_found_by_its_label(api, cilium, cluster):
    document = api.objects.pop(DAEMONSET)
    document["metadata"]["name"] = "anetd"
    document["metadata"]["labels"]["components.gke.io/component-name"] = "advanced-datapath"
    api.put(DAEMONSET.replace("/cilium", "/anetd"), document)
    for path in list(api.objects):
        if "/pods/" in path:
            api.objects[path]["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": "anetd"}]
    facts = read_facts(cluster, Scope())
    assert facts["daemonset"]["name"] == "anetd" and len(facts["agents"]) == 3
    assert facts["owner"]["kind"] == "managed"


def test_a_helm_chart_object_of_rke2_owns_the_release(api, cilium, cluster):
    put_release(api)
    api.apis["/apis/helm.cattle.io/v1"] = {"kind": "APIResourceList"}
    api.put("/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts/rke2-cilium", {"spec": {"chart": ""}})
    found = read_facts(cluster, Scope())["owner"]
    assert (found["kind"], found["name"], found["namespace"]) == ("k3s_helm_chart", "rke2-cilium", "kube-system")
    assert found["release"] == {"name": "rke2-cilium", "namespace": "kube-system"} and found["resource"]["config"] is None


def marked(api, name):
    document = api.objects[DAEMONSET]
    document["metadata"]["annotations"] = {"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": "kube-system"}
    api.put(DAEMONSET, document)


def test_the_release_of_rke2_is_found_under_its_own_name(api, cilium, cluster):
    put_release(api, name="rke2-cilium")
    marked(api, "rke2-cilium")
    api.apis["/apis/helm.cattle.io/v1"] = {"kind": "APIResourceList"}
    api.put("/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts/rke2-cilium", {"spec": {"chartContent": "x"}})
    facts = read_facts(cluster, Scope())
    assert facts["owner"]["kind"] == "k3s_helm_chart" and unread(facts) == {}
    assert facts["release_found"] is True and facts["release"]["name"] == "rke2-cilium" and facts["manifest_config"]


def test_a_release_of_another_name_is_suggested_where_helm_owns_it(api, cilium, cluster):
    put_release(api, name="my-cilium")
    marked(api, "my-cilium")
    facts = read_facts(cluster, Scope())
    assert facts["release_found"] is False and facts["release"] is None
    assert facts["owner"]["kind"] == "helm" and facts["owner"]["release"]["name"] == "my-cilium"


def test_the_mark_of_a_release_that_is_gone_owns_nothing(api, cilium, cluster):
    marked(api, "my-cilium")
    assert read_facts(cluster, Scope())["owner"]["kind"] == "none"


def test_a_helm_chart_config_that_may_not_be_seen_is_unread(api, cilium, cluster):
    put_release(api)
    api.apis["/apis/helm.cattle.io/v1"] = {"kind": "APIResourceList"}
    api.put("/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts/cilium", {"spec": {"chart": "cilium"}})
    api.script("GET", "/helmchartconfigs", Reply(403, b"{}"))
    facts = read_facts(cluster, Scope())
    assert facts["owner"]["resource"] is None and unread(facts) == {"owner/resource": "denied"}


def test_helm_charts_that_may_not_be_seen_leave_the_owner_open(api, cilium, cluster):
    put_release(api)
    api.apis["/apis/helm.cattle.io/v1"] = {"kind": "APIResourceList"}
    api.script("GET", "/helmcharts", Reply(403, b"{}"))
    facts = read_facts(cluster, Scope())
    assert facts["owner"] is None and unread(facts) == {"owner": "denied"}


@pytest.mark.parametrize("status", ["pending-upgrade", "failed"])
def test_a_release_that_is_not_at_rest_is_told(api, cilium, cluster, status):
    put_release(api, status)
    assert read_facts(cluster, Scope())["release"]["status"] == status


def test_a_garbled_release_secret(api, cilium, cluster):
    put_release(api)
    api.objects[SPACE + "/secrets/sh.helm.release.v1.cilium.v3"]["data"]["release"] = "AAAA"
    facts = read_facts(cluster, Scope())
    assert facts["release_found"] is True and facts["release"] is None and unread(facts) == {"release": "garbled"}


def test_a_manifest_without_cilium_config(api, cilium, cluster):
    put_release(api, manifest="---\nkind: Secret\nmetadata: {name: x}\n")
    assert unread(read_facts(cluster, Scope())) == {"manifest_config": "not_found"}


def test_a_refused_credential_ends_the_reading(api, cilium, tmp_path):
    with pytest.raises(Unauthorized):
        read_facts(Cluster.connect(api.kubeconfig(tmp_path, token="old")), Scope())


def test_what_is_no_api_server_ends_the_reading(api, cluster):
    api.script("GET", "/namespaces/kube-system$", Reply(200, b"<html>welcome</html>"))
    with pytest.raises(Garbled):
        read_facts(cluster, Scope())
    api.scripts[:] = [["GET", api.scripts[0][1], [Reply(200, b'{"hello": 1}')]]]
    with pytest.raises(Garbled):
        read_facts(cluster, Scope())


def test_no_connection_ends_the_reading(api, tmp_path):
    with pytest.raises(Down):
        read_facts(Cluster.connect(api.kubeconfig(tmp_path, server="http://127.0.0.1:1")), Scope())


def test_a_namespace_that_may_not_be_read_is_no_reason_to_stop(api, cilium, cluster):
    api.script("GET", "/namespaces/kube-system$", Reply(403, b"{}"))
    facts = read_facts(cluster, Scope())
    assert facts["cluster"]["uid"] is None and unread(facts) == {"cluster/uid": "denied"} and len(facts["agents"]) == 3


def test_the_last_change_is_the_newest_among_the_managers_of_the_data():
    entries = [{"time": "2026-01-01T00:00:0{0}Z".format(second), "fieldsV1": fields} for second, fields in (
        (1, {"f:data": {}}), (3, {"f:data": {"f:a": {}}, "f:metadata": {}}), (5, {"f:metadata": {}}))]
    assert changed_at({"managedFields": entries}) == "2026-01-01T00:00:03Z"
    assert changed_at({"managedFields": entries[2:]}) is None and changed_at({}) is None


def test_whether_the_last_change_was_the_creation():
    entry = {"time": "2026-01-01T00:00:03Z", "fieldsV1": {"f:data": {}}}
    created = {"metadata": {"creationTimestamp": entry["time"], "managedFields": [entry]}}
    assert last_change(created, None) == (entry["time"], True, None)
    changed = {"metadata": {"creationTimestamp": entry["time"], "managedFields": [entry, dict(entry)]}}
    assert last_change(changed, None).is_creation is False and last_change(None, None) == (None, False, None)
    template = {"metadata": {"annotations": {"cilium.io/cilium-configmap-checksum": "sum"}}}
    assert last_change(created, {"spec": {"template": template}}).checksum == "sum"


def test_other_names(api, cluster):
    api.put("/api/v1/namespaces/cni/configmaps/cilium-config", {"data": {"a": "b"}})
    facts = read_facts(cluster, Scope("rke2-cilium", "cni"))
    assert facts["config"]["data"] == {"a": "b"}
    asked = [request[1] for request in api.requests if "/secrets" in request[1]]
    assert asked and all("namespaces/cni" in path and "rke2-cilium" in path for path in asked)


def test_the_daemonset_is_read_once_its_controller_has_seen_the_last_change(api, cilium, cluster, monkeypatch):
    cilium.put_daemonset(generation=2, observed=1)
    threading.Timer(0.8, lambda: cilium.put_daemonset(generation=2, observed=2)).start()
    assert read_facts(cluster, Scope())["daemonset"]["observed_generation"] == 2
    monkeypatch.setattr(cilium_facts, "PATIENCE", 0.3)
    cilium.put_daemonset(generation=3, observed=2)
    began = time.monotonic()
    assert cilium_facts.settled_daemonset(cluster, "kube-system")["status"]["observedGeneration"] == 2, "as it is, after a while"
    assert 0.3 <= time.monotonic() - began < 3
