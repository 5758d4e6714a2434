# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

ID = "bandwidth_manager"
KEY = "enable-bandwidth-manager"
OFF = {"bandwidth_manager": "disabled", "congestion_control": None}


@pytest.mark.parametrize("version, values", [
    ("1.11.20", {"bandwidthManager": True}),
    ("1.12.19", {"bandwidthManager.enabled": True}),
    ("1.13.4", {"bandwidthManager.enabled": True}),
])
def test_chart_1_11_takes_a_boolean_and_later_ones_a_mapping(version, values):
    facts = one.of_version(one.cluster("1.13.4-snat-native", running=OFF), version)
    step, = one.steps(facts, ID)
    assert (step["values"], step["config"], step["risk"]) == (values, {KEY: "true"}, "agent_restart")
    assert step["expect"] == {"bandwidth_manager": "enabled"}
    assert one.verdict(one.after(facts, [step]), ID)["state"] == "OK"


def test_a_boolean_where_the_chart_takes_a_mapping_is_named():
    facts = one.cluster("1.16.19-snat-native", values={"bandwidthManager": True}, running=OFF)
    assert one.refused(one.verdict(facts, ID), "bandwidthManager.enabled cannot be set", "Correct bandwidthManager")


@pytest.mark.parametrize("changes, words, way_out", [
    ({"config": {"enable-ipsec": "true"}}, "IPsec", "encryption.enabled"),
    ({"running": {**OFF, "devices": []}}, "no network device", "devices"),
    ({"config": {KEY: "true"}, "values": {"bandwidthManager.enabled": True}}, "does something else all the same", "log"),
    ({"config": {"enable-bbr": "true"}}, "BBR is set here and sleeps", "bandwidthManager.bbr"),
    ({"values": {"bandwidthManager.bbr": True}}, "BBR is set here and sleeps", "bandwidthManager.bbr"),
    ({"kernel": "5.0.0-1"}, "kernel 5.1", "Upgrade the kernel"),
])
def test_where_agents_leave_it_off_or_exit_it_is_refused(changes, words, way_out):
    facts = one.cluster("1.16.19-snat-native", **{"running": OFF, **changes})
    assert one.refused(one.verdict(facts, ID), words, way_out) and one.steps(facts, ID) == []


def test_bbr_that_is_awake_already_and_bbr_before_1_12_are_no_reason():
    awake = one.cluster("1.16.19-snat-native", config={KEY: "true", "enable-bbr": "true"},
                        values={"bandwidthManager": {"enabled": True, "bbr": True}},
                        running={"bandwidth_manager": "enabled", "congestion_control": "bbr"})
    assert one.verdict(awake, ID)["state"] == "OK"
    old = one.of_version(one.cluster("1.13.4-snat-native", config={"enable-bbr": "true"}, running=OFF), "1.11.20")
    assert one.verdict(old, ID)["state"] == "DRIFT"


def test_a_node_config_that_leaves_it_off_is_named_rather_than_the_agent():
    facts = one.cluster("1.16.19-snat-native", config={KEY: "true"}, values={"bandwidthManager.enabled": True},
                        running={"bandwidth_manager": "enabled"})
    facts["agents"][1]["status"].update(OFF)
    facts["node_configs"] = [{"name": "edge", "node_selector": {"matchLabels": {"kubernetes.io/hostname": "node-2"}},
                              "defaults": {KEY: "false"}}]
    assert one.refused(one.verdict(facts, ID), "CiliumNodeConfig edge", "Remove")
