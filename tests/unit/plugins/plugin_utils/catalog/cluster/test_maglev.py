# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one

SEED, SIZE = "bpf-lb-maglev-hash-seed", "bpf-lb-maglev-table-size"
GOOD_SEED = "MDEyMzQ1Njc4OWFi"


def test_in_line():
    facts = one.cluster("1.13.4-snat-native", {"loadBalancer.algorithm": "maglev"}, {"bpf-lb-algorithm": "maglev"},
                        {"lb_algorithm": "maglev"})
    assert one.verdict("maglev", facts)["state"] == "OK"
    assert one.verdict("maglev", facts, {"table_size": 16381})["state"] == "OK", "it is Cilium's default"


def test_the_step_sets_the_algorithm_and_a_size_only_if_it_was_asked_for():
    step = one.step("maglev", model.load("1.20.0-snat-native"))
    assert (step["values"], step["expect"], step["risk"]) == (
        {"loadBalancer.algorithm": "maglev"}, {"lb_algorithm": "maglev"}, "agent_restart")
    step = one.step("maglev", model.load("1.20.0-snat-native"), {"table_size": "65521"})
    assert step["values"] == {"loadBalancer.algorithm": "maglev", "maglev.tableSize": 65521}
    assert step["config"] == {"bpf-lb-algorithm": "maglev", SIZE: "65521"}


def test_a_seed_is_never_made():
    for seed in ({}, {SEED: GOOD_SEED}):
        step = one.step("maglev", one.cluster("1.16.19-snat-native", config=seed), {"table_size": 251})
        assert not any("seed" in key.lower() for key in [*step["values"], *step["config"]])


def test_only_primes():
    found = one.verdict("maglev", model.load("1.16.19-snat-native"), {"table_size": 16384})
    assert one.is_refused(found, "BLOCKED", "16384 entries", "16381, 32749")
    for size in (251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131071):
        assert one.verdict("maglev", model.load("1.16.19-snat-native"), {"table_size": size})["state"] == "DRIFT"


@pytest.mark.parametrize("seed, state", [
    (GOOD_SEED, "DRIFT"), ("<hidden>", "DRIFT"), ("c2hvcnQ=", "BLOCKED"), ("not base64!", "BLOCKED"), ("", "BLOCKED"),
    ("\u00e9", "BLOCKED")])
def test_a_seed_that_agents_exit_on(seed, state):
    found = one.verdict("maglev", one.cluster("1.16.19-snat-native", config={SEED: seed}))
    assert found["state"] == state and (state == "DRIFT" or "12 bytes" in found["reason"] and "hashSeed" in found["way_out"])


@pytest.mark.parametrize("key, value", [(SEED, "MDEyMzQ1Njc4OWFj"), (SIZE, "251")])
def test_nodes_that_hash_differently_are_named(key, value):
    facts = one.cluster("1.16.19-snat-native", config={SEED: GOOD_SEED})
    facts["node_configs"] = [{"name": "edge", "namespace": "kube-system", "api_version": "cilium.io/v2", "node_selector": {
        "matchLabels": {"kubernetes.io/hostname": "node-2"}}, "defaults": {key: value}}]
    found = one.verdict("maglev", facts)
    assert one.is_refused(found, "BLOCKED", f"another {key}", "CiliumNodeConfig edge") and found["nodes"] == ["node-2"]
    for same in ({SEED: GOOD_SEED}, {SIZE: "16381"}):
        facts["node_configs"][0]["defaults"] = same
        assert one.verdict("maglev", facts)["state"] == "DRIFT", "the size is what agents take without the key"


def test_kube_proxy_replacement_is_needed():
    assert one.is_refused(one.verdict("maglev", model.load("1.14.19-kpr-off")), "BLOCKED", "kube_proxy_replacement", "")


def test_memory_and_the_seed_that_everybody_knows_are_noted():
    notes = " ".join(one.verdict("maglev", model.load("1.16.19-snat-native"), {"table_size": 65521})["notes"])
    assert "255 KiB" in notes and "known to everybody" in notes
    own = one.verdict("maglev", one.cluster("1.16.19-snat-native", config={SEED: GOOD_SEED}))["notes"]
    assert "known to everybody" not in " ".join(own)


def test_no_profile_brings_it_in():
    assert all("maglev" not in policy.parse(profile=name) for name in policy.PROFILES)
