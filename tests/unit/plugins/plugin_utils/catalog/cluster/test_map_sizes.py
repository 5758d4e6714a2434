# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one

BALANCED = {"ct_tcp": 1048576, "ct_any": 524288, "nat": 1048576}


def test_a_ratio_that_is_in_line():
    facts = one.cluster("1.13.4-snat-native", {"bpf.mapDynamicSizeRatio": 0.08}, {"bpf-map-dynamic-size-ratio": "0.08"})
    assert one.verdict("map_sizes", facts, {"ratio": 0.08})["state"] == "OK"


@pytest.mark.parametrize("ratio, text", [(0.08, "0.08"), ("0.01", "0.01"), (1, "1"), (0.0025, "0.0025")])
def test_a_ratio_is_a_number_in_values_and_text_in_the_config(ratio, text):
    step = one.step("map_sizes", one.cluster("1.16.19-snat-native", config={"bpf-map-dynamic-size-ratio": "0.001"}),
                    {"ratio": ratio})
    assert step["values"] == {"bpf.mapDynamicSizeRatio": float(ratio)}
    assert step["config"] == {"bpf-map-dynamic-size-ratio": text}
    assert step["risk"] == "connections_lost" and "created anew" in step["reason"]


@pytest.mark.parametrize("version, as_value", [("1.15.19", str), ("1.16.19", int)])
def test_sizes_are_text_for_charts_that_would_render_them_as_1e_06(version, as_value):
    step = one.step("map_sizes", one.cluster("1.14.19-snat-native", version=version), {**BALANCED, "neigh": 1048576})
    assert step["values"] == {"bpf.ctTcpMax": as_value(1048576), "bpf.ctAnyMax": as_value(524288),
                              "bpf.natMax": as_value(1048576), "bpf.neighMax": as_value(1048576)}
    assert step["config"] == {"bpf-ct-global-tcp-max": "1048576", "bpf-ct-global-any-max": "524288",
                              "bpf-nat-global-max": "1048576", "bpf-neigh-global-max": "1048576"}


def test_a_single_size_brings_nothing_else_with_it():
    step = one.step("map_sizes", model.load("1.16.19-snat-native"), {"policy": 65536, "lb": 131072})
    assert step["values"] == {"bpf.policyMapMax": 65536, "bpf.lbMapMax": 131072}
    assert one.verdict("map_sizes", model.load("1.16.19-snat-native"), {"policy": 16384, "lb": 65536})["state"] == "OK"


def test_without_an_option_nothing_is_wanted():
    found = one.verdict("map_sizes", model.load("1.16.19-snat-native"))
    assert one.is_refused(found, "NOT_APPLICABLE", "No size was asked for", "{ratio: 0.08}")


@pytest.mark.parametrize("config, options, state, words, way_out", [
    ({}, {**BALANCED, "nat": 1048577}, "BLOCKED", "two thirds", "at most 1048576"),
    ({}, {"nat": 524288}, "UNKNOWN", "ct_tcp, ct_any would follow", "together"),
    ({}, {"nat": 131073}, "UNKNOWN", "ct_tcp, ct_any would follow", "no size for NAT"),
    ({}, {"nat": 65536, "ct_any": 1024}, "DRIFT", "bpf.natMax", ""),
    ({"bpf-nat-global-max": "1e+06"}, {"ct_tcp": 1048576}, "UNKNOWN", "ct_any, nat would follow", "together"),
    ({"bpf-nat-global-max": "524288"}, {"ct_tcp": 2048, "ct_any": 2048}, "BLOCKED", "524288 entries", "at most 2730"),
    ({"bpf-ct-global-tcp-max": "0", "bpf-ct-global-any-max": "1e+06"}, {"nat": 131072}, "UNKNOWN", "ct_tcp, ct_any",
     "together"),
    ({"bpf-map-dynamic-size-ratio": "0.2"}, {"ratio": 0.08}, "BLOCKED", "0.2 already", "{ratio: 0.2}"),
])
def test_what_agents_exit_on_or_makes_nothing_faster(config, options, state, words, way_out):
    found = one.verdict("map_sizes", one.cluster("1.16.19-snat-native", config=config), options)
    assert one.is_refused(found, state, words, way_out)


@pytest.mark.parametrize("options", [
    {"ct_tcp": 1024, "ct_any": 1024}, {"ct_tcp": 1048576}, {"nat": 1024}, {"nat": 131072},
    {"nat": 700000, "ct_tcp": 1048576}])
def test_a_nat_map_that_follows_and_one_below_what_agents_take_at_least_are_no_reason(options):
    for config in ({}, {"bpf-map-dynamic-size-ratio": "0.0025"}, {"bpf-nat-global-max": "0"}):
        assert one.verdict("map_sizes", one.cluster("1.16.19-snat-native", config=config), options)["state"] == "DRIFT"


def test_sizes_of_the_config_count_where_none_is_asked_for():
    facts = one.cluster("1.16.19-snat-native", config={
        "bpf-ct-global-tcp-max": "524288", "bpf-ct-global-any-max": "262144", "bpf-map-dynamic-size-ratio": "nonsense"})
    assert one.verdict("map_sizes", facts, {"nat": 524288})["state"] == "DRIFT"
    assert one.verdict("map_sizes", facts, {"ratio": 0.08})["state"] == "DRIFT"


@pytest.mark.parametrize("options", [{"ratio": 0}, {"ratio": 1.1}, {"nat": 1023}, {"lb": 16777217}, {"policy": 65537}])
def test_bounds(options):
    with pytest.raises(policy.PolicyError, match="it takes a"):
        policy.parse({"map_sizes": options})


def test_memory_is_estimated_in_the_notes():
    facts = one.cluster("1.16.19-snat-native", config={"bpf-nat-global-max": "524288"})
    notes = " ".join(one.verdict("map_sizes", facts, {"ratio": 0.08})["notes"])
    assert "0.08 of every node's memory" in notes and "estimate" in notes
    assert "bpf-nat-global-max of cilium-config win" in notes
    notes = " ".join(one.verdict("map_sizes", facts, {**BALANCED, "policy": 65536})["notes"])
    assert "about 405 MiB" in notes and "estimate" in notes and "once for each endpoint" in notes
    assert "memory by" not in notes


def test_only_max_brings_it_in_and_only_when_it_is_acknowledged():
    assert policy.parse(profile="max")["map_sizes"].options["ratio"] == 0.08
    assert "map_sizes" not in policy.parse(profile="throughput")
