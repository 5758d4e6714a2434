# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow import mixed

BBR = {"bbr": {}}
LOCAL = [{"nodes": ["node-2"], "tunings": {"bbr": False}}]


def test_an_old_kernel_is_left_out_and_so_is_what_needs_that():
    found = mixed.verdicts(mixed.cluster(), BBR)
    assert found["host_routing"]["left_out_nodes"] == {"node-3": "its kernel 5.4.0-150-generic is older than 5.10"}
    assert found["bbr"]["left_out_nodes"] == {"node-3": "its kernel 5.4.0-150-generic is older than 5.18"}
    assert found["bandwidth_manager"]["left_out_nodes"] == {} and found["bandwidth_manager"]["without"] == []


def test_a_need_that_is_not_there_is_the_reason_where_the_kernel_would_do():
    facts = mixed.cluster(old=())
    found = mixed.verdicts(facts, BBR, [{"nodes": ["node-2"], "tunings": {"bandwidth_manager": False}}])
    assert found["bbr"]["left_out_nodes"] == {"node-2": "it is without bandwidth_manager"}
    assert found["bandwidth_manager"]["left_out_nodes"] == {"node-2": "group 1 of fastpath_groups leaves it out"}


@pytest.mark.parametrize("change", [
    lambda facts: facts.update(node_config_api=None),
    lambda facts: facts["agents"][0].update(version="1.12.19"),
    lambda facts: facts["release"].update(chart_version="1.12.19"),
    lambda facts: facts["nodes"][2]["labels"].pop("kubernetes.io/hostname"),
    lambda facts: facts["nodes"][2]["labels"].update({"kubernetes.io/hostname": "host-node-1"}),
])
def test_where_nodes_cannot_be_apart_the_old_kernel_holds_all_back(change):
    facts = mixed.cluster()
    change(facts)
    found = mixed.verdicts(facts, {"host_routing": {}})["host_routing"]
    assert (found["state"], found["nodes"], found["left_out_nodes"]) == ("BLOCKED", ["node-3"], {})
    assert "It needs kernel 5.10 or newer, and node-3 run an older one (5.4.0-150-generic)." == found["reason"]


def test_a_group_that_cannot_be_apart_is_told_why():
    facts = mixed.cluster(old=())
    facts["nodes"][1]["labels"].pop("kubernetes.io/hostname")
    found = mixed.verdicts(facts, BBR, LOCAL)["bbr"]
    assert found["state"] == "BLOCKED" and found["nodes"] == ["node-2"]
    assert "node-2 has no label kubernetes.io/hostname of its own" in found["reason"]


def test_where_no_node_is_left_the_refusal_is_as_before():
    found = mixed.verdicts(mixed.cluster(old=("node-1", "node-2", "node-3")), {"host_routing": {}})["host_routing"]
    assert found["state"] == "BLOCKED" and found["nodes"] == ["node-1", "node-2", "node-3"]


def test_a_tuning_that_must_be_alike_is_blocked_by_a_need_that_is_not():
    found = mixed.verdicts(mixed.cluster(), {"netkit": {}})["netkit"]
    assert found["state"] == "BLOCKED" and "node-3" in found["reason"] and "must be alike on all nodes" in found["reason"]


def test_a_group_that_no_node_belongs_to_asks_for_nothing():
    found = mixed.verdicts(mixed.cluster(), {}, [{"nodes": {"nic": "fast"}, "tunings": {"pmtu_discovery": True}}])["pmtu_discovery"]
    assert found["state"] == "NOT_APPLICABLE" and "No node of this cluster belongs to a group" in found["reason"]


def test_a_device_that_lacks_leaves_its_node_out():
    facts = mixed.cluster(old=())
    facts["agents"][1]["status"]["devices"] = []
    found = mixed.verdicts(facts, {"bandwidth_manager": {}})["bandwidth_manager"]
    assert found["state"] == "DRIFT" and "found no network device" in found["left_out_nodes"]["node-2"]
