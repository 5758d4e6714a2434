# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one

RATIO = "bpf-map-dynamic-size-ratio"


def test_in_line():
    facts = one.cluster("1.17.18-snat-native", {"bpf.distributedLRU.enabled": True}, {"bpf-distributed-lru": "true", RATIO: "0.0025"})
    assert one.verdict("distributed_lru", facts)["state"] == "OK"


def test_the_step_loses_connections():
    step = one.step("distributed_lru", one.cluster("1.17.18-snat-native", config={RATIO: "0.0025"}))
    assert (step["values"], step["config"], step["risk"]) == (
        {"bpf.distributedLRU.enabled": True}, {"bpf-distributed-lru": "true"}, "connections_lost")


@pytest.mark.parametrize("ratio, state", [
    (None, "BLOCKED"), ("0.0025", "DRIFT"), ("1", "DRIFT"), ("0.0", "BLOCKED"), ("", "BLOCKED"), ("x", "BLOCKED"),
    ("nan", "BLOCKED"), ("1.5", "BLOCKED")])
def test_a_dynamic_ratio_must_be_there(ratio, state):
    config = {} if ratio is None else {RATIO: ratio}
    found = one.verdict("distributed_lru", one.cluster("1.17.18-snat-native", config=config))
    assert found["state"] == state
    assert state == "DRIFT" or RATIO in found["reason"] and "map_sizes" in found["way_out"]


def test_older_versions_do_not_know_it():
    found = one.verdict("distributed_lru", model.load("1.16.19-snat-native"))
    assert one.is_refused(found, "BLOCKED", "from 1.17 on", "1.17")


def test_small_shares_are_noted():
    small, large = (one.cluster("1.17.18-snat-native", config={RATIO: ratio}) for ratio in ("0.0025", "0.08"))
    assert "0.0025 of a node's memory" in one.verdict("distributed_lru", small)["notes"][0]
    assert one.verdict("distributed_lru", large)["notes"] == []


def test_it_shares_the_step_that_creates_maps_anew():
    facts = one.cluster("1.17.18-snat-native", config={RATIO: "0.0025"})
    chosen = policy.parse({"distributed_lru": True, "map_sizes": {"ratio": 0.08}})
    step, = plan.plan(facts, judge.judge(facts, chosen), chosen)["steps"]
    assert step["tunings"] == ["distributed_lru", "map_sizes"]
    assert step["config"] == {"bpf-distributed-lru": "true", RATIO: "0.08"}


def test_no_profile_brings_it_in_without_larger_maps():
    for name in policy.PROFILES:
        chosen = policy.parse(profile=name)
        assert ("distributed_lru" in chosen) == ("map_sizes" in chosen) == (name == "max")
