# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Conflict, Denied, NotFound, Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_proxy_switch import (
    KEPT_OFF, Switch, keep_off, restore)
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_kube_proxy import DAEMONSET, FakeKubeProxy

LINUX = {"kubernetes.io/os": "linux"}
SOON = Switch(timeout=0.5)


@pytest.fixture(name="kube_proxy")
def fixture_kube_proxy(api):
    return FakeKubeProxy(api)


def spec(api):
    return copy.deepcopy(api.objects[DAEMONSET]["spec"])


def test_it_leaves_all_nodes_and_comes_back_as_it_was(api, kube_proxy, cluster):
    before = spec(api)
    gone = keep_off(cluster, Switch(timeout=5))
    assert gone["changed"] and gone["former"] == LINUX and gone["node_selector"] == dict(LINUX, **KEPT_OFF)
    assert kube_proxy.pods() == [] and kube_proxy.selector == gone["node_selector"]
    assert DAEMONSET in api.objects
    back = restore(cluster, Switch(timeout=5, former=gone["former"]))
    assert back["changed"] and back["node_selector"] == LINUX and len(kube_proxy.pods()) == 3
    assert spec(api) == before


def test_a_daemonset_without_a_node_selector_has_none_again(api, kube_proxy, cluster):
    del api.objects[DAEMONSET]["spec"]["template"]["spec"]["nodeSelector"]
    before = spec(api)
    assert keep_off(cluster, Switch(timeout=5, former={}))["former"] == {}
    assert kube_proxy.selector == KEPT_OFF
    restore(cluster, Switch(timeout=5, former={}))
    assert spec(api) == before


def test_a_second_time_nothing_is_changed(api, kube_proxy, cluster):
    assert restore(cluster, SOON)["changed"] is False
    keep_off(cluster, Switch(timeout=5))
    again = keep_off(cluster, Switch(timeout=5, former=LINUX))
    assert again["changed"] is False and again["former"] == LINUX
    assert len([request for request in api.requests if request[0] == "PATCH"]) == 1


def test_check_mode_changes_nothing(api, kube_proxy, cluster):
    found = keep_off(cluster, SOON, check_mode=True)
    assert found["changed"] and found["node_selector"] == dict(LINUX, **KEPT_OFF) and kube_proxy.selector == LINUX
    assert {request[0] for request in api.requests} == {"GET"}


@pytest.mark.parametrize("act, found", [
    (keep_off, {"pool": "old"}), (restore, {"pool": "old"}), (restore, dict(KEPT_OFF, pool="old")), (restore, {})])
def test_what_somebody_else_changed_is_kept(api, kube_proxy, cluster, act, found):
    api.objects[DAEMONSET]["spec"]["template"]["spec"]["nodeSelector"] = found
    with pytest.raises(Conflict, match="somebody else changed it, and theirs is kept"):
        act(cluster, Switch(timeout=0.5, former=LINUX))
    assert kube_proxy.selector == found and not any(request[0] == "PATCH" for request in api.requests)


def test_a_change_at_the_same_moment_is_kept(api, kube_proxy, cluster):
    real = cluster.patch

    def late(path, body):
        api.put(DAEMONSET, dict(api.objects[DAEMONSET], other=1))
        return real(path, body)
    cluster.patch = late
    with pytest.raises(Conflict, match="at the same moment"):
        keep_off(cluster, SOON)
    assert kube_proxy.selector == LINUX


def test_a_daemonset_that_is_gone_is_told(api, kube_proxy, cluster):
    del api.objects[DAEMONSET]
    with pytest.raises(NotFound, match="somebody else removed it"):
        restore(cluster, SOON)


def test_pods_that_stay_are_told(api, kube_proxy, cluster):
    kube_proxy.control = lambda: api.objects[DAEMONSET]["status"].update(observedGeneration=2)
    with pytest.raises(Timeout, match="3 of its pods are still there, on node-1, node-2, node-3"):
        keep_off(cluster, Switch(timeout=1))


def test_a_controller_that_does_not_look_is_told(kube_proxy, cluster):
    kube_proxy.delay = None
    with pytest.raises(Timeout, match="its controller has not taken up the change"):
        keep_off(cluster, Switch(timeout=0.3))


def test_it_is_back_only_when_it_is_ready(kube_proxy, cluster):
    keep_off(cluster, Switch(timeout=5))
    kube_proxy.ready = False
    with pytest.raises(Timeout, match="0 of 3 nodes have a Ready pod"):
        restore(cluster, Switch(timeout=1, former=LINUX))


def test_a_node_that_is_lost_is_not_waited_for_on_the_way_back(kube_proxy, cluster):
    keep_off(cluster, Switch(timeout=5))
    kube_proxy.lose("node-3")
    assert restore(cluster, Switch(timeout=5, former=LINUX))["changed"] and kube_proxy.selector == LINUX


@pytest.mark.parametrize("spoil", [
    lambda kube_proxy: kube_proxy.lose("node-3", **{"kubernetes.io/os": "windows"}),
    lambda kube_proxy: (kube_proxy.lose("node-3"), setattr(kube_proxy, "down", "node-2")),
    lambda kube_proxy: (kube_proxy.lose("node-3"), setattr(kube_proxy, "ready", False)),
])
def test_a_lost_node_excuses_no_other(kube_proxy, cluster, spoil):
    keep_off(cluster, Switch(timeout=5))
    spoil(kube_proxy)
    with pytest.raises(Timeout, match="of 3 nodes have a Ready pod"):
        restore(cluster, Switch(timeout=1, former=LINUX))


def test_an_api_server_that_is_away_for_a_moment_is_waited_for(api, kube_proxy, cluster):
    keep_off(cluster, Switch(timeout=5))
    plain = cluster.get
    answers = []

    def shaky(path, **given):
        answers.append(path)
        if len(answers) == 2:
            raise Timeout("too slow")
        return plain(path, **given)
    cluster.get = shaky
    assert restore(cluster, Switch(timeout=5, former=LINUX))["changed"]


def test_what_may_not_be_patched_is_told_at_once(api, kube_proxy, cluster):
    api.script("PATCH", "/daemonsets/kube-proxy", Reply(403, b"{}"))
    with pytest.raises(Denied):
        keep_off(cluster, Switch(timeout=60))
