# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import node_drain
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Conflict, Denied, Down, Failed, NotFound, Throttled, Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.node_drain import Wish

WISH = Wish("node-1", 0.3)


def pod(name, owner="ReplicaSet", node="node-1", **more):
    owners = [{"kind": owner, "name": "x", "controller": True}] if owner else []
    return {"metadata": {"name": name, "namespace": "apps", "uid": f"uid-{name}", "ownerReferences": owners, **more.pop("metadata", {})},
            "spec": {"nodeName": node, **more.pop("spec", {})}, "status": {"phase": "Running", **more}}


class FakeCluster:
    """Nodes and pods, and the eviction API: a pod on its way is gone the second time it is looked at."""

    def __init__(self, *pods, unschedulable=None):
        self.node = {"metadata": {"name": "node-1"}, "spec": {"unschedulable": unschedulable} if unschedulable else {}}
        self.pods = {f"/api/v1/namespaces/apps/pods/{one['metadata']['name']}": one for one in pods}
        self.evicted, self.guarded, self.broken = [], set(), None

    def list(self, path, field_selector=None):
        assert path == "/api/v1/pods" and field_selector == "spec.nodeName=node-1"
        return copy.deepcopy([one for one in self.pods.values() if one["spec"]["nodeName"] == "node-1"])

    def get(self, path):
        if path == "/api/v1/nodes/node-1":
            return copy.deepcopy(self.node)
        if path not in self.pods:
            raise NotFound(path)
        found = self.pods[path]
        if found["metadata"].get("deletionTimestamp"):
            del self.pods[path]
        return copy.deepcopy(found)

    def patch(self, path, body):
        assert path == "/api/v1/nodes/node-1"
        self.node["spec"]["unschedulable"] = body["spec"]["unschedulable"]

    def post(self, path, body):
        assert body["kind"] == "Eviction" and body["apiVersion"] == "policy/v1" and path.endswith("/eviction")
        assert self.node["spec"]["unschedulable"], "cordoned first"
        found = self.pods[path.removesuffix("/eviction")]
        if self.broken:
            raise self.broken
        assert body["deleteOptions"]["preconditions"]["uid"] == found["metadata"]["uid"]
        if found["metadata"]["name"] in self.guarded:
            raise Throttled("Cannot evict pod as it would violate the pod's disruption budget.")
        self.evicted.append(found["metadata"]["name"])
        found["metadata"]["deletionTimestamp"] = "now"


def test_pods_leave_and_what_belongs_to_the_node_stays():
    cluster = FakeCluster(pod("web"), pod("agent", "DaemonSet"), pod("job", "Job", phase="Succeeded"), pod("else", node="node-2"),
                          pod("static", "Node", metadata={"annotations": {"kubernetes.io/config.mirror": "x"}}))
    found = node_drain.drain(cluster, WISH)
    assert found == {"changed": True, "cordoned": False, "evicted": ["apps/web"]} and cluster.evicted == ["web"]
    assert {name.rpartition("/")[2] for name in cluster.pods} == {"agent", "job", "else", "static"}
    assert node_drain.drain(cluster, WISH) == {"changed": False, "cordoned": True, "evicted": []}
    assert node_drain.uncordon(cluster, WISH)["changed"] and not node_drain.uncordon(cluster, WISH)["changed"]


def test_a_node_that_was_cordoned_before_is_told_so():
    assert node_drain.drain(FakeCluster(unschedulable=True), WISH)["cordoned"] is True


@pytest.mark.parametrize("left, words", [
    (pod("alone", None), "nobody would make pod apps/alone anew"),
    (pod("cache", spec={"volumes": [{"emptyDir": {}}]}), "apps/cache would lose what it keeps in an emptyDir volume")])
def test_what_would_be_lost_is_refused_before_anything_is_changed(left, words):
    cluster = FakeCluster(pod("web"), left)
    with pytest.raises(Failed, match=words):
        node_drain.drain(cluster, WISH)
    assert cluster.evicted == [] and not node_drain.cordoned(cluster.node)


def test_local_data_is_given_up_where_that_is_allowed():
    cluster = FakeCluster(pod("cache", spec={"volumes": [{"emptyDir": {}}]}))
    assert node_drain.drain(cluster, WISH._replace(local_data=True))["evicted"] == ["apps/cache"]


def test_a_disruption_budget_is_waited_for_and_named_when_the_time_is_over():
    cluster = FakeCluster(pod("web"), pod("guarded"))
    cluster.guarded = {"guarded"}
    with pytest.raises(Timeout, match=r"still there: apps/guarded \(Cannot evict pod.*disruption budget\)"):
        node_drain.drain(cluster, WISH)
    assert cluster.evicted == ["web"] and node_drain.cordoned(cluster.node)


def test_a_budget_that_lets_go_meanwhile_is_no_failure(monkeypatch):
    cluster = FakeCluster(pod("guarded"))
    cluster.guarded = {"guarded"}
    monkeypatch.setattr(node_drain.time, "sleep", lambda _seconds: cluster.guarded.clear())
    assert node_drain.drain(cluster, WISH)["evicted"] == ["apps/guarded"]


def test_an_api_server_that_is_away_for_a_moment_is_waited_for_and_a_missing_right_is_not(monkeypatch):
    cluster = FakeCluster(pod("web"))
    cluster.broken = Down("no connection")
    monkeypatch.setattr(node_drain.time, "sleep", lambda _seconds: setattr(cluster, "broken", None))
    assert node_drain.drain(cluster, WISH)["evicted"] == ["apps/web"]
    denied = FakeCluster(pod("web"))
    denied.broken = Denied("may not create pods/eviction")
    with pytest.raises(Denied):
        node_drain.drain(denied, WISH)


def test_another_pod_of_the_same_name_is_not_evicted():
    """A StatefulSet makes its pod anew under the same name, here or elsewhere."""
    cluster = FakeCluster(pod("db-0", "StatefulSet"))
    found = pod("db-0", "StatefulSet")
    cluster.pods["/api/v1/namespaces/apps/pods/db-0"]["metadata"]["uid"] = "another"
    node_drain.set_cordoned(cluster, WISH, True, False)
    assert node_drain.attempt(cluster, found) is None and cluster.evicted == []
    cluster.broken = Conflict("the UID in the precondition does not match")
    assert node_drain.attempt(cluster, pod("db-0", metadata={"uid": "another"})) == ""


def test_check_mode_tells_and_changes_nothing():
    cluster = FakeCluster(pod("web"))
    assert node_drain.drain(cluster, WISH, True) == {"changed": True, "cordoned": False, "evicted": ["apps/web"]}
    assert cluster.evicted == [] and not node_drain.cordoned(cluster.node)
    assert node_drain.uncordon(FakeCluster(unschedulable=True), WISH, True)["changed"]
