# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

CHOSEN = policy.parse({"native_routing": True})


def verdict(facts):
    return judge.judge(facts, CHOSEN)[0]


@pytest.mark.parametrize("fixture, state", [
    ("1.13.4-snat-native", "OK"), ("1.16.19-snat-native", "OK"), ("1.20.0-snat-native", "OK"),
    ("1.13.4-tunnel-vxlan", "DRIFT"), ("1.16.19-tunnel-geneve", "DRIFT"), ("1.12.19-tunnel-dsr-degraded", "DRIFT"),
])
def test_it_is_judged_from_the_running_agents(fixture, state):
    found = verdict(model.load(fixture))
    assert found["state"] == state
    assert found["way_out"] is None if state == "OK" else "maintenance window" in found["way_out"]


def test_it_is_never_planned():
    facts = model.load("1.13.4-tunnel-vxlan")
    made = plan.plan(facts, judge.judge(facts, CHOSEN), CHOSEN)
    assert (made["outcome"], made["steps"]) == ("blocked", [])
    assert made["blocked"][0]["tuning"] == "native_routing" and made["blocked"][0]["state"] == "DRIFT"


def test_a_key_that_is_missing_from_a_config_that_was_read_means_a_tunnel():
    facts = model.load("1.13.4-snat-native")
    for place in (facts["config"]["data"], facts["manifest_config"]):
        del place["tunnel"]
    found = verdict(facts)
    assert found["state"] == "DRIFT" and found["restart_pending"] == ["node-1", "node-2", "node-3"]


def test_an_old_agent_whose_options_were_not_read_is_unknown():
    facts = model.load("1.13.4-snat-native")
    facts["agents"][1]["options"]["routing_mode"] = None
    found = verdict(facts)
    assert found["state"] == "UNKNOWN" and found["nodes"] == ["node-2"] and "routing_mode" in found["reason"]
