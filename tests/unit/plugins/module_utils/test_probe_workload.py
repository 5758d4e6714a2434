# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import probe_workload
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import (
    Conflict, Denied, Failed, KubeError, NotFound, Timeout)
from ansible_collections.fastpath.cilium.plugins.module_utils.probe_objects import RUN, Wish, mirrored, name_of
from ansible_collections.fastpath.cilium.plugins.module_utils.probe_workload import deploy, remove
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Reply, failure
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_probe import NAMESPACE, FakeProbe

WISH = Wish("fastpath-probe", "20260101T000000Z-aaaaaa", timeout=2)


@pytest.fixture(name="probe")
def fixture_probe(api, monkeypatch):
    monkeypatch.setattr(probe_workload, "PAUSE", 0.02)
    return FakeProbe(api)


def writes(api):
    return [request[:2] for request in api.requests if request[0] != "GET"]


def test_one_pinned_backend_and_one_service_for_each_node(api, cluster, probe):
    found = deploy(cluster, WISH)
    assert found["changed"] and [entry["node"] for entry in found["backends"]] == probe.names
    pods = {pod["spec"]["nodeName"]: pod for pod in probe.there("pods")}
    assert sorted(pods) == probe.names and len(probe.there("services")) == 3
    for backend in found["backends"]:
        pod = pods[backend["node"]]
        service = next(one for one in probe.there("services") if one["metadata"]["name"] == backend["hostname"])
        assert backend["ready"] and backend["hostname"] == pod["metadata"]["name"]
        assert backend["families"] == ["ipv4", "ipv6"]
        selector, labels = service["spec"]["selector"], pod["metadata"]["labels"]
        assert selector.items() <= labels.items() and not any(
            selector.items() <= other["metadata"]["labels"].items() for other in pods.values() if other is not pod)
        assert backend["ports"] == {port["protocol"].lower(): port["nodePort"] for port in service["spec"]["ports"]}
        assert service["spec"]["externalTrafficPolicy"] == "Cluster" and labels[RUN] == WISH.run_id
        assert pod["spec"]["tolerations"] == [{"operator": "Exists"}] and pod["spec"]["activeDeadlineSeconds"] == 3600
    assert found["nodes"][0] == {"node": "node-1", "addresses": ["192.0.2.1", "2001:db8::1", "198.51.100.1"],
                                 "entries": {"ipv4": "192.0.2.1", "ipv6": "2001:db8::1"}}
    again = deploy(cluster, WISH)
    assert again["changed"] is False and again["backends"] == found["backends"]


def test_pods_comply_with_the_restricted_standard(cluster, probe):
    deploy(cluster, WISH)
    spec = probe.there("pods")[0]["spec"]
    container = spec["containers"][0]["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False and container["capabilities"] == {"drop": ["ALL"]}
    assert spec["automountServiceAccountToken"] is False


def test_external_addresses_annotations_and_fewer_nodes(cluster, probe):
    found = deploy(cluster, WISH._replace(address_type="ExternalIP", annotations={"a/b": "dsr"}, nodes=["node-2"]))
    assert [entry["entries"] for entry in found["nodes"]] == [{"ipv4": "198.51.100.2"}]
    assert [service["metadata"]["annotations"] for service in probe.there("services")] == [{"a/b": "dsr"}]
    with pytest.raises(NotFound, match="no node node-9"):
        deploy(cluster, WISH._replace(nodes=["node-9"]))


def test_all_goes_and_goes_once(api, cluster, probe):
    deploy(cluster, WISH)
    assert remove(cluster, WISH.namespace) == {"changed": True, "namespace": "fastpath-probe", "run_id": WISH.run_id}
    assert NAMESPACE not in api.objects and remove(cluster, WISH.namespace)["changed"] is False


def test_what_a_killed_run_left_goes_first(api, cluster, probe):
    deploy(cluster, WISH._replace(run_id="20250101T000000Z-bbbbbb"))
    found = deploy(cluster, WISH)
    assert found["changed"] and len(probe.there("pods")) == 3
    assert {pod["metadata"]["labels"][RUN] for pod in probe.there("pods")} == {WISH.run_id}


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "Helm", RUN: "x"},
                                    {"app.kubernetes.io/managed-by": "fastpath.cilium"}])
def test_a_namespace_of_somebody_else_is_left_alone(api, cluster, probe, labels):
    api.put(NAMESPACE, {"metadata": {"labels": labels}})
    for call in (lambda: deploy(cluster, WISH), lambda: remove(cluster, WISH.namespace), lambda: deploy(cluster, WISH, True)):
        with pytest.raises(Conflict, match="somebody else's"):
            call()
    assert writes(api) == [] and NAMESPACE in api.objects


def test_a_preview_deploys_nothing_and_removes_nothing(api, cluster, probe):
    assert deploy(cluster, WISH, check_mode=True)["changed"] and writes(api) == []
    deploy(cluster, WISH)
    before = len(writes(api))
    assert remove(cluster, WISH.namespace, check_mode=True)["changed"] and len(writes(api)) == before


def test_where_it_fails_nothing_is_left(api, cluster, probe):
    api.script("POST", "/services$", Reply(422, failure("no node port is left", 422)))
    with pytest.raises(Failed, match="no node port is left"):
        deploy(cluster, WISH)
    assert NAMESPACE not in api.objects and probe.there("pods") == []


def test_a_failure_that_leaves_something_says_so(api, cluster, probe):
    probe.keeps = True
    api.script("POST", "/services$", Reply(422, failure("no node port is left", 422)))
    with pytest.raises(KubeError, match="no node port is left.*could not be removed either.*pods remain"):
        deploy(cluster, WISH._replace(timeout=0.2))


def test_a_namespace_that_does_not_go_is_told(cluster, probe):
    deploy(cluster, WISH)
    probe.keeps = True
    with pytest.raises(Timeout, match="still being removed .pods remain"):
        remove(cluster, WISH.namespace, 0.1)


def test_who_cannot_pull_is_told_at_once_and_the_others_are_ready(cluster, probe):
    probe.waiting = {"node-2": "ImagePullBackOff"}
    found = {entry["node"]: entry for entry in deploy(cluster, WISH._replace(timeout=30))["backends"]}
    assert found["node-2"]["ready"] is False and found["node-2"]["why"] == "ImagePullBackOff: said so"
    assert found["node-1"]["ready"] and found["node-3"]["ready"]


def test_who_takes_too_long_is_told(cluster, probe):
    probe.waiting = {"node-3": "ContainerCreating"}
    found = deploy(cluster, WISH._replace(timeout=0.2))["backends"]
    assert [entry["ready"] for entry in found] == [True, True, False]


def test_a_node_that_is_not_ready_gets_no_pod(cluster, probe):
    probe.node("node-2", 2, "False")
    found = {entry["node"]: entry for entry in deploy(cluster, WISH)["backends"]}
    assert found["node-2"]["why"] == "the node is not Ready" and len(probe.there("pods")) == 2


def test_the_service_account_of_a_new_namespace_is_awaited(api, cluster, probe):
    said = Reply(403, failure('error looking up service account x/default: serviceaccount "default" not found', 403))
    pods = [said, said]
    prescribed = api.prescribed

    def refused(method, path):
        return pods.pop() if method == "POST" and path.endswith("/pods") and pods else prescribed(method, path)
    api.prescribed = refused
    assert all(entry["ready"] for entry in deploy(cluster, WISH)["backends"]) and pods == []


def test_who_may_not_is_told(api, cluster, probe):
    api.script("POST", "/namespaces$", Reply(403, failure('User "me" cannot create resource "namespaces"', 403)))
    with pytest.raises(Denied, match="may not create namespaces"):
        deploy(cluster, WISH)


def test_a_pull_secret_is_copied_and_nothing_else_is(api, cluster, probe):
    api.put("/api/v1/namespaces/site/secrets/mirror", {
        "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "eA=="}})
    api.put("/api/v1/namespaces/site/secrets/other", {"type": "Opaque", "data": {"password": "eA=="}})
    found = deploy(cluster, WISH._replace(pull_secret=("site", "mirror")))
    assert [one["data"] for one in probe.there("secrets")] == [{".dockerconfigjson": "eA=="}]
    assert probe.there("pods")[0]["spec"]["imagePullSecrets"] == [{"name": "pull"}] and "eA==" not in json.dumps(found)
    remove(cluster, WISH.namespace)
    with pytest.raises(Failed, match="no pull secret"):
        deploy(cluster, WISH._replace(pull_secret=("site", "other")))
    assert NAMESPACE not in api.objects


def test_names_are_of_one_run_and_node():
    names = {name_of(run, node) for run in ("a", "b") for node in ("c", "d", "x" * 200)}
    assert len(names) == 6 and max(map(len, names)) <= 63


def test_a_mirror_has_the_same_path():
    assert mirrored("registry.k8s.io/e2e-test-images/agnhost:2.53", "mirror.example.com:5000/k8s/") == \
        "mirror.example.com:5000/k8s/e2e-test-images/agnhost:2.53"
    assert mirrored("a/b:1", None) == "a/b:1"
