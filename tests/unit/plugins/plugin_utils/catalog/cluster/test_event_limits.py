# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one

LIMITS = {"bpf-events-default-rate-limit": "10000", "bpf-events-default-burst-limit": "50000"}
PATHS = {"bpf.events.default.rateLimit": 10000, "bpf.events.default.burstLimit": 50000}
NONE = {"rate": None, "burst": None}


def test_in_line():
    assert one.verdict("event_limits", one.cluster("1.17.18-snat-native", PATHS, LIMITS))["state"] == "OK"
    facts = one.cluster("1.16.19-snat-native", {"bpf.events.trace.enabled": False}, {"bpf-events-trace-enabled": "false"})
    assert one.verdict("event_limits", facts, {"trace": "off", **NONE})["state"] == "OK"


def test_the_step_sets_both_limits_as_the_tuning_guide_has_them_and_leaves_traces_alone():
    step = one.step("event_limits", model.load("1.17.18-snat-native"))
    assert (step["values"], step["config"], step["risk"]) == (PATHS, LIMITS, "agent_restart")


@pytest.mark.parametrize("fixture", ["1.16.19-snat-native", "1.20.0-snat-native"])
def test_traces_can_be_switched_off_alone(fixture):
    facts = model.load(fixture)
    step = one.step("event_limits", facts, {"trace": "off", **NONE})
    assert (step["values"], step["config"]) == ({"bpf.events.trace.enabled": False}, {"bpf-events-trace-enabled": "false"})
    assert "drops and policy verdicts only" in one.verdict("event_limits", facts, {"trace": "off", **NONE})["notes"][0]


@pytest.mark.parametrize("fixture, options, state, words, way_out", [
    ("1.15.19-snat-native", {"trace": "off", **NONE}, "BLOCKED", "from 1.16 on", "1.16"),
    ("1.16.19-snat-native", {}, "BLOCKED", "from 1.17 on", "1.17"),
    ("1.17.18-snat-native", {"rate": None}, "BLOCKED", "burst is given alone", "together"),
    ("1.17.18-snat-native", {"burst": None}, "BLOCKED", "rate is given alone", "together"),
    ("1.17.18-snat-native", {"rate": 60000}, "BLOCKED", "below the rate limit", "at least the rate"),
    ("1.17.18-snat-native", NONE, "NOT_APPLICABLE", "Neither limits", "rate and burst"),
])
def test_what_agents_exit_on_or_do_not_know(fixture, options, state, words, way_out):
    assert one.is_refused(one.verdict("event_limits", model.load(fixture), options), state, words, way_out)


def test_one_agent_that_does_not_know_limits_is_named():
    facts = model.load("1.17.18-snat-native")
    facts["agents"][1]["version"] = "1.16.19"
    assert one.verdict("event_limits", facts)["nodes"] == ["node-2"]


@pytest.mark.parametrize("options", [{"rate": 0}, {"burst": 1000000}])
def test_numbers_that_charts_would_render_as_1e_06_are_out_of_bounds(options):
    with pytest.raises(policy.PolicyError, match="999999"):
        policy.parse({"event_limits": options})


def test_only_max_brings_it_in_and_traces_stay_there():
    chosen = policy.parse(profile="max")["event_limits"]
    assert chosen.options == {"trace": "keep", "rate": 10000, "burst": 50000}
    assert all("event_limits" not in policy.parse(profile=name) for name in ("recommended", "latency", "throughput"))
