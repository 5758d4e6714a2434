# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one

ON = {"enable-hubble": "true"}
OFF = {"hubble.enabled": False, "hubble.relay.enabled": False, "hubble.ui.enabled": False}


@pytest.mark.parametrize("fixture, config, state", [
    ("1.16.19-snat-native", {}, "OK"), ("1.16.19-snat-native", {"enable-hubble": "false"}, "OK"),
    ("1.16.19-snat-native", ON, "DRIFT"), ("1.17.18-snat-native", {"enable-hubble": "false"}, "OK"),
    ("1.17.18-snat-native", {}, "DRIFT"), ("1.17.18-snat-native", ON, "DRIFT"),
])
def test_up_to_1_16_the_key_is_gone_and_later_it_says_false(fixture, config, state):
    assert one.verdict("hubble_off", one.cluster(fixture, OFF, config))["state"] == state


@pytest.mark.parametrize("fixture, value", [("1.16.19-snat-native", None), ("1.17.18-snat-native", "false")])
def test_relay_and_ui_go_with_it(fixture, value):
    step = one.step("hubble_off", one.cluster(fixture, {"hubble.relay.enabled": True, "hubble.ui.enabled": True}, ON))
    assert (step["values"], step["config"], step["risk"]) == (OFF, {"enable-hubble": value}, "agent_restart")
    assert step["former_values"] == {"hubble.enabled": None, "hubble.relay.enabled": True, "hubble.ui.enabled": True}
    assert sorted(step["nodes"]) == ["node-1", "node-2", "node-3"]


def test_a_relay_that_is_left_on_is_a_drift():
    facts = one.cluster("1.17.18-snat-native", {**OFF, "hubble.relay.enabled": True}, {"enable-hubble": "false"})
    assert one.verdict("hubble_off", facts)["state"] == "DRIFT"


def test_it_is_recommended_against():
    assert "Not recommended" in one.verdict("hubble_off", one.cluster("1.16.19-snat-native", config=ON))["notes"][0]
    assert all("hubble_off" not in policy.parse(profile=name) for name in policy.PROFILES)
