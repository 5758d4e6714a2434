# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow import mixed

BBR = {"bbr": {}}
ROUTING_OFF = {"enable-ipv4-big-tcp": "false", "enable-ipv6-big-tcp": "false", "enable-bbr": "false",
               "enable-host-legacy-routing": "true"}
AGGREGATION = {"monitor_aggregation": {}}
SLOWER = [{"nodes": ["node-2"], "tunings": {"monitor_aggregation": {"interval": "60s"}}}]


@pytest.mark.parametrize("name", [name for name, entry in catalog.load().items() if entry.tuning.off is not None])
def test_what_leaves_a_node_out_is_text_for_keys_that_the_tuning_wants(name):
    tuning = catalog.load()[name].tuning
    wanted = {(key, value) for stage in tuning.stages for want in stage.wants for key, value in want.config.items()}
    assert tuning.off and tuning.off.keys() <= {key for key, _value in wanted} and tuning.applies
    for key, value in tuning.off.items():
        assert isinstance(value, str) and any(wish != value for name, wish in wanted if name == key)


def test_what_all_nodes_must_agree_on_cannot_be_left_out_of_one():
    alike = {name for name, entry in catalog.load().items() if entry.tuning.off is None}
    assert {"native_routing", "kube_proxy_replacement", "ebpf_masquerade", "dsr", "maglev", "pod_mtu", "netkit", "socket_lb"} <= alike


def test_the_whole_way_of_a_mixed_cluster():
    facts = mixed.cluster()
    plan = mixed.made(facts, BBR)
    written = {config["name"]: config for step in plan["steps"] for config in step["node_configs"]}
    assert written["fastpath-bbr"]["defaults"] == {"enable-bbr": "false"}
    assert written["fastpath-host-routing"]["defaults"] == ROUTING_OFF
    assert all(config["node_selector"]["matchExpressions"][0]["values"] == ["host-node-3"] for config in written.values())
    done = mixed.after(facts, plan["steps"])
    found = mixed.verdicts(done, BBR)
    assert {name: verdict["state"] for name, verdict in found.items() if verdict["state"] != "OK"} == {}
    assert "node-3 is left out of it" in found["bbr"]["reason"]
    assert mixed.made(done, BBR)["outcome"] == "in_line"


def test_an_agent_that_shows_what_its_node_was_left_out_of_is_drift():
    done = mixed.after(mixed.cluster(), mixed.made(mixed.cluster(), BBR)["steps"])
    done["agents"][2]["status"]["congestion_control"] = "bbr"
    found = mixed.verdicts(done, BBR)["bbr"]
    assert (found["state"], found["nodes"]) == ("DRIFT", ["node-3"])
    step, = mixed.made(done, BBR)["steps"]
    assert (step["nodes"], step["values"], step["node_configs"]) == (["node-3"], {}, [])


def test_an_agent_older_than_its_own_configuration_is_restarted():
    done = mixed.after(mixed.cluster(), mixed.made(mixed.cluster(), {"host_routing": {}})["steps"])
    done["agents"][2]["created_at"] = done["node_configs"][0]["changed_at"]
    found = mixed.verdicts(done, {"host_routing": {}})["host_routing"]
    assert (found["state"], found["restart_pending"]) == ("DRIFT", ["node-3"])
    assert mixed.made(done, {"host_routing": {}})["steps"][0]["nodes"] == ["node-3"]


def test_a_new_kernel_makes_its_configuration_drift_that_is_removed():
    done = mixed.after(mixed.cluster(), mixed.made(mixed.cluster(), BBR)["steps"])
    done["nodes"][2]["kernel"] = done["nodes"][0]["kernel"]
    done["agents"][2]["status"]["congestion_control"] = "cubic"
    found = mixed.verdicts(done, BBR)
    assert {name: found[name]["state"] for name in ("host_routing", "bbr")} == {"host_routing": "DRIFT", "bbr": "DRIFT"}
    assert "CiliumNodeConfig fastpath-bbr (node-3) is not needed." in found["bbr"]["reason"]
    steps = mixed.made(done, BBR)["steps"]
    assert [(config["name"], config["defaults"]) for step in steps for config in step["node_configs"]] == [
        ("fastpath-host-routing", {}), ("fastpath-bbr", {})]
    assert all(step["nodes"] == step["renew"] == ["node-3"] and step["values"] == {} for step in steps)
    assert [config["defaults"] for step in steps for config in step["former_node_configs"]] == [ROUTING_OFF, {"enable-bbr": "false"}]


def test_an_emptied_configuration_is_removed_and_restarts_only_who_is_older_than_it():
    facts = mixed.cluster(old=())
    facts["node_configs"] = [mixed.node_config("fastpath-pmtu-discovery", ["node-1", "node-2"], {}, "2026-01-01T09:30:00Z")]
    facts["agents"][1]["created_at"] = "2026-01-01T09:30:00Z"
    for place in (facts["config"]["data"], facts["manifest_config"]):
        place["enable-pmtu-discovery"] = "true"
    facts["release"]["values"]["pmtuDiscovery"] = {"enabled": True}
    step, = mixed.made(facts, {"pmtu_discovery": {}})["steps"]
    assert (step["renew"], step["nodes"]) == (["node-2"], ["node-2"])


def test_a_node_that_is_no_longer_left_out_beside_others_leaves_behind_when_that_was():
    facts = mixed.cluster(old=("node-2", "node-3"))
    done = mixed.after(facts, mixed.made(facts, {"host_routing": {}})["steps"])
    done["nodes"][1]["kernel"] = done["nodes"][0]["kernel"]
    step, = mixed.made(done, {"host_routing": {}})["steps"]
    assert [(config["name"], config["defaults"], config["node_selector"]["matchExpressions"][0]["values"])
            for config in step["node_configs"]] == [
        ("fastpath-host-routing-leaving", {}, ["host-node-2"]), ("fastpath-host-routing", ROUTING_OFF, ["host-node-3"])]
    assert step["nodes"] == ["node-2"]


def test_a_group_with_options_of_its_own():
    facts = mixed.cluster(old=())
    plan = mixed.made(facts, AGGREGATION, SLOWER)
    step, = plan["steps"]
    assert step["config"]["monitor-aggregation-interval"] == "10s"
    assert [config["defaults"]["monitor-aggregation-interval"] for config in step["node_configs"]] == ["60s"]
    done = mixed.after(facts, plan["steps"])
    found = mixed.verdicts(done, AGGREGATION, SLOWER)["monitor_aggregation"]
    assert found["state"] == "OK" and "apart with options of a group" in found["reason"]
    assert found["groups"] == [{"node_config": "fastpath-monitor-aggregation-1", "nodes": ["node-2"], "options": {
        "level": "medium", "interval": "60s"}}]
    assert mixed.verdicts(done, AGGREGATION)["monitor_aggregation"]["state"] == "DRIFT"


def test_what_only_a_group_asks_for_is_no_helm_value():
    facts = mixed.cluster(old=())
    apart = [{"nodes": ["node-2"], "tunings": {"bandwidth_manager": True}}]
    step, = mixed.made(facts, {}, apart)["steps"]
    assert (step["values"], step["config"], step["nodes"]) == ({}, {}, ["node-2"])
    assert step["expect_nodes"] == {"node-2": {"bandwidth_manager": "enabled"}} and step["expect"] == {}
    done = mixed.after(facts, [step])
    assert mixed.verdicts(done, {}, apart)["bandwidth_manager"]["state"] == "OK"
    done["agents"][1]["status"]["bandwidth_manager"] = "disabled"
    assert mixed.verdicts(done, {}, apart)["bandwidth_manager"]["state"] != "OK"


def test_a_group_is_refused_what_its_options_are_refused_for():
    facts = mixed.cluster(old=())
    wanted = {"map_sizes": {"ratio": 0.08}}
    apart = [{"nodes": ["node-2"], "tunings": {"map_sizes": {"ct_tcp": 2000, "ct_any": 2000, "nat": 500000}}}]
    found = mixed.verdicts(facts, wanted, apart)["map_sizes"]
    assert found["state"] == "BLOCKED" and "two thirds of conntrack" in found["reason"]


def test_sizes_that_no_text_takes_back_cannot_be_left_out():
    found = mixed.verdicts(mixed.cluster(old=()), {"map_sizes": {"neigh": 4096}},
                           [{"nodes": ["node-2"], "tunings": {"map_sizes": False}}])["map_sizes"]
    assert found["state"] == "BLOCKED" and "no text of bpf-neigh-global-max" in found["reason"]


def test_a_foreign_configuration_of_a_wanted_key_stays_in_the_way():
    facts = mixed.cluster()
    facts["node_configs"] = [mixed.node_config("fastpath-bbr", ["node-3"], {"enable-bbr": "false"}, labels={})]
    found = mixed.verdicts(facts, BBR)["bbr"]
    assert found["state"] == "BLOCKED" and "CiliumNodeConfig fastpath-bbr sets enable-bbr" in found["reason"]


def test_what_a_killed_canary_left_is_in_the_way():
    facts = mixed.cluster(old=())
    facts["node_configs"] = [mixed.node_config("fastpath-canary", ["node-2"], {"enable-pmtu-discovery": "true"})]
    found = mixed.verdicts(facts, {"pmtu_discovery": {}})["pmtu_discovery"]
    assert found["state"] == "BLOCKED" and "rollback.yml" in found["way_out"]
