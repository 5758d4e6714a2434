# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy
import dataclasses

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Risk
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, host_steps, members, plan
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.host_steps import Hosts
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow.host_phase import (
    ALONE, FIXTURE, cluster, locked_down, planned)

FAST = {**ALONE, "cpu_performance": True}
PREEMPTION = {**ALONE, "kernel_preemption": True}


def test_hosts_are_planned_with_the_cluster_and_workers_come_first():
    made = planned(cluster(), FAST)
    assert made["outcome"] == "drift" and made["steps"] == []
    assert made["host_order"] == ["rack-node-2", "rack-node-3", "rack-node-1"]
    step = made["hosts"]["rack-node-2"]
    assert step["node"] == "node-2" and step["boot_id"].endswith("-0000-4000-8000-000000000000") and step["reboot"] is False
    assert {"tuning": "cpu_performance", "what": "the governor of policy0", "found": "powersave", "wanted": "performance",
            "at_boot": False} in step["changes"]


@pytest.mark.parametrize("serial, batches", [
    (1, [["rack-node-2"], ["rack-node-3"], ["rack-node-1"]]), (5, [["rack-node-2", "rack-node-3"], ["rack-node-1"]])])
def test_so_many_workers_are_changed_at_a_time_and_of_the_control_plane_one(serial, batches):
    assert planned(cluster(), FAST, serial=serial)["host_batches"] == batches


def test_the_digest_covers_what_is_done_on_hosts_and_which_boot_they_are_in():
    made = planned(cluster(), FAST)
    assert plan.stale(made, cluster()) is None
    for path in ("ops", "boot_id"):
        other = copy.deepcopy(made)
        other["hosts"]["rack-node-2"][path] = [] if path == "ops" else "x"
        assert "changed after it was made" in plan.stale(other, cluster())
    restarted = cluster()
    restarted["nodes"][1]["boot_id"] = "77777777-0000-4000-8000-000000000000"
    assert plan.stale(made, restarted) == "node-2 restarted after the plan was made: plan again."
    assert plan.stale(planned(cluster(), ALONE), restarted) is None, "nothing is done on hosts"


def test_a_named_tuning_of_hosts_without_hosts_is_unknown_and_stops_all():
    made = planned(cluster_model.load(FIXTURE), {**FAST, "dsr": {}})
    assert made["outcome"] == "unknown" and "the inventory has none" in made["blocked"][0]["reason"]
    assert "cpu_performance: It is a matter of the hosts" in plan.refusal(made)


def test_of_a_profile_it_is_left_out_without_hosts_and_the_state_is_not_called_unknown():
    facts = cluster_model.load(FIXTURE)
    made, left = planned(facts, profile="throughput"), "cpu_performance"
    entry = next(entry for entry in made["left_out"] if entry["tuning"] == left)
    assert entry["applies"] is False and "the inventory has none" in entry["reason"]
    assert "unknown" not in made["outcome"] and made["blocked"] == []


def test_of_a_profile_a_host_that_is_not_there_keeps_it_from_being_in_line():
    facts = cluster("node-1", "node-2")
    made = planned(facts, profile="throughput")
    assert [entry["state"] for entry in made["left_out"] if entry["tuning"] == "cpu_performance"] == ["UNKNOWN"]
    assert made["host_order"] == ["rack-node-2", "rack-node-1"]


def test_what_only_a_reboot_brings_is_pending_unless_it_is_asked_for():
    facts = cluster(node_2=locked_down())
    made = planned(facts, PREEMPTION)
    assert made["reboot_pending"] == {"rack-node-2": ["the live preemption model"]}
    assert [op["kind"] for op in made["hosts"]["rack-node-2"]["ops"]] == ["kernel_argument"]
    asked = planned(facts, PREEMPTION, reboot=True)
    assert asked["reboot_pending"] == {} and asked["hosts"]["rack-node-2"]["risk"] == "reboot"
    assert [name for name, step in asked["hosts"].items() if step["reboot"]] == ["rack-node-2"]
    assert asked["digest"] != made["digest"]


def test_a_host_that_waits_for_nothing_but_a_reboot_is_drift_and_rebooted_where_that_is_asked_for():
    machine = locked_down()
    machine["boot_loader"]["next_command_line"].append("preempt=none")
    done = machine_without_drift()
    facts = cluster(node_1=done, node_2=machine, node_3=done)
    made = planned(facts, PREEMPTION)
    assert (made["outcome"], made["host_order"], list(made["reboot_pending"])) == ("drift", [], ["rack-node-2"])
    asked = planned(facts, PREEMPTION, reboot=True)
    assert asked["host_order"] == ["rack-node-2"] and asked["hosts"]["rack-node-2"]["ops"] == []
    assert asked["basis"]["boots"].keys() == {"node-2"}


def machine_without_drift():
    machine = locked_down()
    machine["preemption"]["live"] = "none"
    machine["boot_loader"]["next_command_line"].append("preempt=none")
    return machine


def costly(name, facts, named, accepted=()):
    """A tuning of hosts as if it cost connections."""
    chosen = policy.parse({**ALONE, name: True})
    choice = chosen[name]
    chosen = {**chosen, name: dataclasses.replace(
        choice, named=named, tuning=dataclasses.replace(choice.tuning, risk=Risk.CONNECTIONS_LOST))}
    verdicts = host_judge.judge(members.of(View(facts), chosen), chosen)
    return host_steps.of(View(facts), chosen, frozenset(accepted), Hosts(verdicts))


def test_what_costs_connections_is_acknowledged_by_name_or_left_out_of_a_profile():
    named = costly("cpu_performance", cluster(), True)
    assert named.unacknowledged[0]["risk"] == "connections_lost" and len(named.order) == 3
    assert costly("cpu_performance", cluster(), True, ["cpu_performance"]).unacknowledged == []
    of_profile = costly("cpu_performance", cluster(), False)
    assert of_profile.order == [] and "fastpath_acknowledge" in of_profile.left_out[0]["way_out"]


def test_a_host_of_no_known_role_is_changed_alone():
    hosts = [Host(name, {}, {"name": name, **role}) for name, role in (
        ("a", {"control_plane": False}), ("b", {"control_plane": False}), ("c", {}), ("d", {"control_plane": True}))]
    assert host_steps.batches(hosts, ["a", "b", "c", "d"], 3) == [["a", "b"], ["c"], ["d"]]
    assert host_steps.batches(hosts, ["a", "b", "c", "d"], 3, {"b"}) == [["a"], ["b"], ["c"], ["d"]], "it is rebooted"
