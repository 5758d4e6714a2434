# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.cluster import native_routing
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

ID, RANGE = "native_routing", "10.0.0.0/8"
OLD, NEW, OLDER = TUNNELS = "1.13.4-tunnel-vxlan", "1.16.19-tunnel-geneve", "1.12.19-tunnel-dsr-degraded"
ROUTES, ROUTES_KEY = "autoDirectNodeRoutes", "auto-direct-node-routes"
V4, V4_KEY = "ipv4NativeRoutingCIDR", "ipv4-native-routing-cidr"


def vxlan():
    """A cluster of 1.16 in a VXLAN tunnel."""
    return one.cluster(NEW, config={"tunnel-protocol": "vxlan"}, values={"tunnelProtocol": None},
                       running={"tunnel_protocol": "vxlan"})


def step(facts, options=None):
    found, = one.steps(facts, ID, options)
    return found


@pytest.mark.parametrize("fixture, state", [
    ("1.13.4-snat-native", "OK"), ("1.16.19-snat-native", "OK"), ("1.20.0-snat-native", "OK"), ("1.16.19-no-release", "OK"),
    *((fixture, "DRIFT") for fixture in TUNNELS)])
def test_it_is_judged_from_the_running_agents(fixture, state):
    assert one.verdict(model.load(fixture), ID)["state"] == state


@pytest.mark.parametrize("fixture, mode, mode_key", [
    (OLD, {"tunnel": "disabled"}, {"tunnel": "disabled"}), (NEW, {"routingMode": "native"}, {"routing-mode": "native"})])
@pytest.mark.parametrize("options, routes", [({}, True), ({"routes": "fabric"}, False)])
def test_the_step_sets_mode_routes_and_range_in_the_words_of_the_chart(fixture, mode, mode_key, options, routes):
    found = step(model.load(fixture), options)
    assert found["values"] == {**mode, V4: RANGE, ROUTES: routes}
    assert found["config"] == {**mode_key, V4_KEY: RANGE, ROUTES_KEY: str(routes).lower()}
    assert (found["risk"], found["reach"], found["expect"]) == ("connections_lost", True, {"routing_mode": "native"})
    assert found["nodes"] == ["node-2", "node-3", "node-1"]


def test_direct_routes_that_are_on_are_taken_away_where_the_routers_know_the_way():
    facts = one.cluster(NEW, config={ROUTES_KEY: "true"}, values={ROUTES: True})
    assert step(facts, {"routes": "fabric"})["values"][ROUTES] is False


def test_it_is_acknowledged_by_name_and_of_a_profile_left_out_with_what_needs_it():
    made = one.made(model.load(OLD), {ID: {}})
    assert [entry["tuning"] for entry in made["unacknowledged"]] == [ID]
    chosen = policy.parse(profile="latency")
    made = plan.plan(model.load(OLD), judge.judge(model.load(OLD), chosen), chosen, ["dsr"])
    left_out = {entry["tuning"]: entry["reason"] for entry in made["left_out"]}
    assert left_out["dsr"] == "It needs native_routing, which is left out." and "connections lost" in left_out[ID]
    assert ID not in {name for found in made["steps"] for name in found["tunings"]}


@pytest.mark.parametrize("keys, options, wanted", [
    ({V4_KEY: "10.7.0.0/16", "cluster-pool-ipv4-cidr": "10.7.0.0/16"}, {}, "10.7.0.0/16"),
    ({V4_KEY: "10.7.0.0/16", "cluster-pool-ipv4-cidr": "10.7.1.0/24 10.7.2.0/24"}, {}, "10.7.0.0/16"),
    ({"cluster-pool-ipv4-cidr": "10.8.0.0/16"}, {}, "10.8.0.0/16"),
    ({"cluster-pool-ipv4-cidr": "10.8.0.0/16"}, {"cidr": "10.0.0.0/8"}, "10.0.0.0/8"),
    ({"ipam": "kubernetes", "cluster-pool-ipv4-cidr": "10.8.0.0/16"}, {"cidr": "10.9.0.0/16"}, "10.9.0.0/16"),
    ({"enable-ipv4-masquerade": "false"}, {}, None),
])
def test_the_range_is_the_one_that_is_known(keys, options, wanted):
    assert step(one.cluster(NEW, config=keys), options)["config"].get(V4_KEY) == wanted


def test_ipv6_has_a_range_of_its_own_where_it_is_on():
    keys = {"enable-ipv6": "true", "cluster-pool-ipv6-cidr": "fd00::/104"}
    found = step(one.cluster(NEW, config=keys))
    assert found["values"]["ipv6NativeRoutingCIDR"] == found["config"]["ipv6-native-routing-cidr"] == "fd00::/104"
    old = one.of_version(one.cluster(OLDER, config=keys), "1.11.20")
    assert "ipv6NativeRoutingCIDR" not in step(old)["values"], "chart 1.11 does not know it"


@pytest.mark.parametrize("fixture, changes, options, words, way_out", [
    (NEW, {"config": {"cluster-pool-ipv4-cidr": "10.1.0.0/16 10.2.0.0/16"}}, {}, "(10.1.0.0/16, 10.2.0.0/16)", "as cidr"),
    (NEW, {"config": {"ipam": "kubernetes"}}, {}, "not exactly one pool (none)", "as cidr"),
    (NEW, {"config": {V4_KEY: "pods"}}, {}, "range of all pods' IPv4 addresses is not known", "as cidr"),
    (NEW, {"config": {"enable-ipv6": "true"}}, {}, "IPv6", "as cidr_v6"),
    (NEW, {}, {"cidr": "10.1.0.0/16"}, "10.0.0.0/8, which is not within 10.1.0.0/16", "all pools"),
    (NEW, {"config": {"ipam": "eni"}}, {}, "addresses of AWS", "guide for this cloud"),
    (NEW, {"config": {"cni-chaining-mode": "aws-cni"}}, {}, "chained", "there"),
    (OLDER, {"config": {"bpf-lb-dsr-dispatch": "ipip"}}, {}, "exit on without one", "dsrDispatch to opt"),
    (NEW, {"values": {"aksbyocni.enabled": True}}, {}, "aksbyocni", "Leave"),
    (NEW, {"config": {"cluster-id": "3"}}, {}, "mesh", "maintenance window"),
    (NEW, {"config": {"enable-vtep": "true"}}, {}, "VTEP", "vtep.enabled"),
    (NEW, {"config": {"enable-health-checking": "false"}}, {}, "could not prove", "healthChecking"),
    (NEW, {"config": {"enable-endpoint-health-checking": "false"}}, {}, "could not prove", "endpointHealthChecking"),
])
def test_what_is_not_safe_is_refused(fixture, changes, options, words, way_out):
    facts = one.cluster(fixture, **changes)
    assert one.refused(one.verdict(facts, ID, options), words, way_out) and one.steps(facts, ID, options) == []


@pytest.mark.parametrize("cloud, zones, refused", [
    ("aws", ("a", "b", "b"), "2 zones of AWS (a, b)"), ("aws", ("a", "a", "a"), None), ("gce", (None,) * 3, "Google Cloud"),
    ("azure", ("1", "1", "1"), "Azure"), ("kind", ("a", "b", "c"), None)])
def test_nodes_that_cannot_share_a_segment_need_routers(cloud, zones, refused):
    facts = model.load(NEW)
    for node, zone in zip(facts["nodes"], zones):
        node["provider_id"] = f"{cloud}:///{node['name']}"
        node["labels"] = {**node["labels"], **({native_routing.ZONE: zone} if zone else {})}
    found = one.verdict(facts, ID)
    assert found["state"] == "DRIFT" if refused is None else one.refused(found, refused, "{routes: fabric}")
    assert one.verdict(facts, ID, {"routes": "fabric"})["state"] == "DRIFT"


def test_chart_and_agents_on_either_side_of_1_14_do_not_mean_the_same():
    facts = model.load(OLD)
    facts["agents"][1]["version"] = "1.14.19"
    assert one.verdict(facts, ID)["nodes"] == ["node-2"] and one.verdict(facts, ID)["state"] == "BLOCKED"
    facts = one.of_version(model.load(OLD), "1.13.4")
    facts["release"]["chart_version"] = "1.14.19"
    assert one.verdict(facts, ID)["state"] == "BLOCKED"


def test_the_former_name_of_the_range_wins_in_chart_1_11():
    facts = one.of_version(one.cluster(OLDER, values={"nativeRoutingCIDR": "10.9.0.0/16"}), "1.11.20")
    assert one.refused(one.verdict(facts, ID), "nativeRoutingCIDR", "Remove")
    assert one.verdict(facts, ID, {"cidr": "10.9.0.0/16"})["state"] == "BLOCKED", "not all pools are in it"


@pytest.mark.parametrize("keys", [
    {ROUTES_KEY: "false"}, {V4_KEY: None}, {"ipam": "eni"}, {"enable-health-checking": "false"}, {"cluster-id": "3"},
    {"cni-chaining-mode": "aws-cni"}])
def test_a_cluster_that_routes_natively_is_left_as_it_is(keys):
    facts = one.cluster("1.16.19-snat-native", config=keys)
    assert one.verdict(facts, ID)["state"] == "OK" and one.steps(facts, ID) == []
    gke = one.cluster("1.16.19-snat-native", values={"routingMode": None, "gke.enabled": True})
    assert one.verdict(gke, ID)["state"] == "OK", "the chart says so without the value"


def test_another_range_is_told_and_not_changed_where_routing_is_native():
    found = one.verdict(model.load("1.16.19-snat-native"), ID, {"cidr": "10.64.0.0/10"})
    assert found["state"] == "OK" and "10.0.0.0/8 by cilium-config, which is left as it is" in found["notes"][0]
    assert one.verdict(model.load("1.16.19-snat-native"), ID)["notes"] == []


def test_agents_that_still_run_the_tunnel_are_restarted_and_must_reach_each_other():
    facts = model.load("1.13.4-snat-native")
    facts["agents"][1].update(config_current=False, options={"routing_mode": "tunnel"})
    found = step(facts)
    assert (found["values"], found["nodes"], found["reach"]) == ({}, ["node-2"], True)
    assert found["risk"] == "connections_lost" and found["stage"] == "as_is"


def test_a_key_that_is_missing_from_a_config_that_was_read_means_a_tunnel():
    found = one.verdict(one.cluster("1.13.4-snat-native", config={"tunnel": None}), ID)
    assert found["state"] == "DRIFT" and found["restart_pending"] == ["node-1", "node-2", "node-3"]


def test_an_old_agent_whose_options_were_not_read_is_unknown():
    facts = model.load("1.13.4-snat-native")
    facts["agents"][1]["options"]["routing_mode"] = None
    found = one.verdict(facts, ID)
    assert found["state"] == "UNKNOWN" and found["nodes"] == ["node-2"] and "routing_mode" in found["reason"]


def test_what_no_fact_tells_and_what_it_costs_is_noted():
    auto, fabric = (" ".join(one.verdict(model.load(NEW), ID, {"routes": routes})["notes"]) for routes in ("auto", "fabric"))
    assert "addresses: 10.0.0.10, 10.0.0.11, 10.0.0.12" in auto and "all goes back" in auto
    assert "routers know" in fabric and "last of 3 agents" in fabric and "fastpath_batch" in fabric
    degraded = one.verdict(model.load(OLDER), ID)["notes"]
    assert "turn it on in the same restart" in " ".join(degraded)


@pytest.mark.parametrize("wanted, tunings", [
    ({"dsr": {}}, [[ID], ["dsr"]]),
    ({ID: {}, "dsr": {"dispatch": "geneve"}}, [[ID], ["dsr"]]),
    ({"dsr": {"dispatch": "geneve"}}, None),
])
def test_what_does_not_go_with_a_vxlan_tunnel_comes_after_it(wanted, tunings):
    facts = vxlan()
    made = one.made(facts, wanted)
    assert [found["tunings"] for found in made["steps"]] == (tunings or [])
    assert (made["outcome"] == "blocked") == (tunings is None)
    if tunings is None:
        assert "add native_routing to fastpath_tunings" in made["blocked"][0]["way_out"]


def test_what_is_named_does_not_rest_on_what_a_profile_may_leave_out():
    facts = vxlan()
    chosen = policy.parse({"dsr": {"dispatch": "geneve"}}, profile="throughput")
    assert chosen[ID].named is False
    found = {verdict["tuning"]: verdict for verdict in judge.judge(facts, chosen)}
    assert found[ID]["state"] == "DRIFT" and found["dsr"]["state"] == "BLOCKED" and found["dsr"]["rests_on"] == []
    both = policy.parse({"dsr": {"dispatch": "geneve"}, ID: {}}, profile="throughput")
    assert {verdict["tuning"]: verdict["rests_on"] for verdict in judge.judge(facts, both)}["dsr"] == [ID]


def test_xdp_on_old_agents_comes_in_a_step_of_its_own_after_it():
    facts = one.cluster(OLDER, running={"xdp_acceleration": "native"}, config={"bpf-lb-acceleration": "native"})
    for agent in facts["agents"]:
        agent["status"]["xdp_acceleration"] = "native"
    made = one.made(facts, {ID: {}, "xdp": {"mode": "native"}})
    assert [found["tunings"] for found in made["steps"]] == [[ID], ["xdp"]]


@pytest.mark.parametrize("text, wanted", [
    ("10.0.0.0/8", "10.0.0.0/8"), (" 10.0.0.0/8 ", "10.0.0.0/8"), ("10.0.0.1/8", None), ("10.0.0.0", None), ("x", None),
    ("fd00::/104", None)])
def test_ranges(text, wanted):
    assert native_routing.ipv4_range(text) == wanted
    assert native_routing.ipv6_range("FD00:0::/104") == "fd00::/104" and native_routing.ipv6_range("10.0.0.0/8") is None
