# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one

LEVEL, INTERVAL = "monitor-aggregation", "monitor-aggregation-interval"
DEFAULTS = {LEVEL: "medium", INTERVAL: "5s", "monitor-aggregation-flags": "all"}


def config(level, interval):
    return one.cluster("1.16.19-snat-native", {"bpf.monitorAggregation": level, "bpf.monitorInterval": interval},
                       {LEVEL: level, INTERVAL: interval})


@pytest.mark.parametrize("level, interval, options, state", [
    ("medium", "10s", {}, "OK"), ("maximum", "60s", {}, "OK"), ("medium", "5s", {}, "DRIFT"), ("low", "10s", {}, "DRIFT"),
    ("none", "10s", {}, "DRIFT"), ("medium", "10s", {"level": "maximum"}, "DRIFT"),
    ("medium", "5s", {"interval": "5s"}, "OK"),
    ("max", "10s", {}, "OK"), ("max", "10s", {"level": "maximum"}, "OK"), ("medium", "1m", {"interval": "30s"}, "OK"),
    ("medium", "15s", {}, "OK"), ("medium", "15s", {"interval": "30s"}, "DRIFT"),
    ("medium", "5s", {"interval": "60s"}, "DRIFT"),
    ("medium", "1m0s", {"interval": "60s"}, "OK"), ("medium", "45s", {"interval": "60s"}, "DRIFT"),
    ("medium", "10s", {"interval": "30s"}, "DRIFT"), ("medium", "60s", {"interval": "30s"}, "OK"),
])
def test_what_tells_less_than_asked_for_is_left_as_it_is(level, interval, options, state):
    assert one.verdict("monitor_aggregation", config(level, interval), options)["state"] == state


@pytest.mark.parametrize("fixture", ["1.12.19-tunnel-dsr-degraded", "1.13.4-snat-native", "1.20.0-snat-native"])
def test_the_step_sets_the_interval_that_charts_read(fixture):
    step = one.step("monitor_aggregation", one.cluster(fixture, {"bpf.monitorAggregation": "medium"}, DEFAULTS))
    assert (step["values"], step["config"], step["risk"]) == (
        {"bpf.monitorInterval": "10s"}, {LEVEL: "medium", INTERVAL: "10s"}, "agent_restart")


def test_a_level_is_set_where_it_is_another():
    step = one.step("monitor_aggregation", config("none", "10s"), {"level": "maximum", "interval": "60s"})
    assert step["values"] == {"bpf.monitorAggregation": "maximum", "bpf.monitorInterval": "60s"}


@pytest.mark.parametrize("level", ["none", "low"])
def test_levels_that_tell_more_are_refused(level):
    with pytest.raises(policy.PolicyError, match="costs more"):
        policy.parse({"monitor_aggregation": {"level": level}})


def test_it_is_for_everybody():
    assert all("monitor_aggregation" in policy.parse(profile=name) for name in policy.PROFILES)
