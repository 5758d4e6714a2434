# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

ID = "bbr"
HOST = {"scope": "host_namespace"}
BANDWIDTH = {"config": {"enable-bandwidth-manager": "true"}, "values": {"bandwidthManager.enabled": True},
             "running": {"bandwidth_manager": "enabled", "congestion_control": "cubic"}}
HOSTNS, HOSTNS_KEY = "bandwidthManager.bbrHostNamespaceOnly", "enable-bbr-hostns-only"


@pytest.mark.parametrize("fixture, options, values, config", [
    ("1.13.4-snat-native", {}, {"bandwidthManager.bbr": True}, {"enable-bbr": "true"}),
    ("1.17.18-snat-native", {}, {"bandwidthManager.bbr": True}, {"enable-bbr": "true"}),
    ("1.18.12-snat-native", {}, {"bandwidthManager.bbr": True, HOSTNS: False}, {"enable-bbr": "true", HOSTNS_KEY: "false"}),
    ("1.18.12-snat-native", HOST, {"bandwidthManager.bbr": True, HOSTNS: True}, {"enable-bbr": "true", HOSTNS_KEY: "true"}),
])
def test_the_step_sets_what_scope_and_version_take(fixture, options, values, config):
    facts = one.cluster(fixture, **BANDWIDTH)
    step, = one.steps(facts, ID, options)
    assert (step["values"], step["config"], step["risk"]) == (values, config, "pods_recreated")
    assert step["expect"] == {"congestion_control": "bbr", "bandwidth_manager": "enabled"}
    assert one.verdict(one.after(facts, [step]), ID, options)["state"] == "OK"


def test_the_bandwidth_manager_comes_first_and_is_drift_not_unknown_while_it_is_off():
    facts = one.cluster("1.16.19-snat-native", running={"bandwidth_manager": "disabled", "congestion_control": None})
    assert one.verdict(facts, ID)["state"] == "DRIFT"
    assert [step["tunings"] for step in one.steps(facts, ID)] == [["bandwidth_manager"], [ID]]


@pytest.mark.parametrize("fixture, options, changes, words, way_out", [
    ("1.16.19-snat-native", HOST, {}, "know scope host_namespace from 1.18 on", "{scope: pods}"),
    ("1.16.19-snat-native", {}, {"kernel": "5.17.0-1"}, "kernel 5.18", "Upgrade the kernel"),
    ("1.16.19-snat-native", {}, {"config": {"enable-ipsec": "true"}}, "IPsec", "encryption.enabled"),
    ("1.18.12-snat-native", {}, {"config": {"cni-chaining-mode": "portmap"}}, "host_routing", "Leave host_routing"),
])
def test_what_agents_exit_on_is_refused(fixture, options, changes, words, way_out):
    changes = {**BANDWIDTH, **changes, "config": {**BANDWIDTH["config"], **changes.get("config", {})}}
    facts = one.cluster(fixture, **changes)
    assert one.refused(one.verdict(facts, ID, options), words, way_out) and one.steps(facts, ID, options) == []


def test_the_host_namespace_alone_does_not_need_host_routing():
    facts = one.cluster("1.18.12-snat-native", **{**BANDWIDTH, "config": {
        **BANDWIDTH["config"], "cni-chaining-mode": "portmap"}})
    assert one.verdict(facts, ID, HOST)["state"] == "DRIFT"


def test_an_old_agent_beside_a_new_chart_is_named():
    facts = one.cluster("1.18.12-snat-native", **BANDWIDTH)
    facts["agents"][1]["version"] = "1.17.18"
    assert one.verdict(facts, ID, HOST)["nodes"] == ["node-2"]


def test_1_11_does_not_know_it():
    facts = one.of_version(one.cluster("1.13.4-snat-native"), "1.11.20")
    assert one.refused(one.verdict(facts, ID), "1.12", "Upgrade Cilium")
