# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one

CHECKED = {"devices": "checked"}


@pytest.mark.parametrize("fixture, values, config, options, state", [
    ("1.13.4-snat-native", {}, {}, {}, "OK"), ("1.12.19-tunnel-dsr-degraded", {}, {}, {}, "OK"),
    ("1.13.4-snat-native", {"MTU": 0}, {"mtu": "0"}, {}, "OK"),
    ("1.13.4-snat-native", {"MTU": 9000}, {"mtu": "9000"}, {"mtu": 9000}, "OK"),
    ("1.12.19-tunnel-dsr-degraded", {"extraConfig.mtu": "9000"}, {"mtu": "9000"}, {"mtu": 9000}, "OK"),
    ("1.13.4-snat-native", {"MTU": 1400}, {"mtu": "1400"}, CHECKED, "DRIFT"),
    ("1.13.4-snat-native", {}, {}, {"mtu": 9000, **CHECKED}, "DRIFT"),
])
def test_what_is_in_line_and_what_somebody_vouched_for(fixture, values, config, options, state):
    assert one.verdict("pod_mtu", one.cluster(fixture, values, config), options)["state"] == state


@pytest.mark.parametrize("config, options, words, way_out", [
    ({}, {"mtu": 9000}, "packets of 9000 bytes", "leave mtu out"),
    ({"mtu": "1400"}, {"mtu": 9000}, "packets of 9000 bytes", "{devices: checked}"),
    ({"mtu": "1400"}, {}, "sets an MTU of 1400", "{devices: checked}"),
])
def test_nothing_is_proposed_that_the_devices_may_not_carry(config, options, words, way_out):
    found = one.verdict("pod_mtu", one.cluster("1.16.19-snat-native", {"MTU": 1400} if config else {}, config), options)
    assert one.is_refused(found, "UNKNOWN", words, way_out)


@pytest.mark.parametrize("fixture, values", [
    ("1.12.19-tunnel-dsr-degraded", {"extraConfig.mtu": "9000"}), ("1.13.4-snat-native", {"MTU": 9000})])
def test_charts_up_to_1_12_have_it_in_extra_config(fixture, values):
    step = one.step("pod_mtu", model.load(fixture), {"mtu": 9000, **CHECKED})
    assert (step["values"], step["config"], step["risk"]) == (values, {"mtu": "9000"}, "pods_recreated")


def test_up_to_1_12_another_number_in_extra_config_is_replaced():
    facts = one.cluster("1.12.19-tunnel-dsr-degraded", {"extraConfig.mtu": "1400"}, {"mtu": "1400"})
    step = one.step("pod_mtu", facts, {"mtu": 9000, **CHECKED})
    assert (step["values"], step["former_values"]) == ({"extraConfig.mtu": "9000"}, {"extraConfig.mtu": "1400"})


def test_back_to_detection():
    step = one.step("pod_mtu", one.cluster("1.16.19-snat-native", {"MTU": 1400}, {"mtu": "1400"}), CHECKED)
    assert (step["values"], step["config"], step["former_values"]) == ({"MTU": 0}, {"mtu": None}, {"MTU": 1400})


def test_an_mtu_that_extra_config_sets_is_named():
    facts = one.cluster("1.12.19-tunnel-dsr-degraded", {"extraConfig.mtu": "1400"}, {"mtu": "1400"})
    assert one.is_refused(one.verdict("pod_mtu", facts, CHECKED), "BLOCKED", "extraConfig", "Remove extraConfig.mtu")


def test_running_pods_and_detection_are_noted():
    facts = model.load("1.16.19-snat-native")
    assert "left to detection" in one.verdict("pod_mtu", facts)["notes"][0]
    assert "created anew" in one.verdict("pod_mtu", facts, {"mtu": 9000})["notes"][0]


def test_profiles_never_bring_a_number_with_it():
    for name in ("throughput", "max"):
        assert policy.parse(profile=name)["pod_mtu"].options == {"mtu": None, "devices": "unchecked"}
    assert "pod_mtu" not in policy.parse(profile="recommended")
