# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow import mixed

PMTU = {"pmtu_discovery": {}}


def tried(facts, wanted, count=1, apart=None):
    return mixed.made(facts, wanted, apart, canary=count)["steps"]


def test_the_first_worker_gets_the_step_by_a_configuration_of_its_own():
    step, = tried(mixed.cluster(old=()), PMTU)
    assert step["canary"] == {"nodes": ["node-2"], "node_config": {
        "name": "fastpath-canary", "defaults": {"enable-pmtu-discovery": "true"},
        "node_selector": {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["host-node-2"]}]}}}
    assert step["no_canary"] is None and step["nodes"] == ["node-2", "node-3", "node-1"]


def test_none_is_wanted_by_default_and_the_digest_knows():
    facts = mixed.cluster(old=())
    assert tried(facts, PMTU, 0)[0]["canary"] is None and tried(facts, PMTU, 0)[0]["no_canary"] is None
    assert mixed.made(facts, PMTU)["digest"] != mixed.made(facts, PMTU, canary=1)["digest"]


@pytest.mark.parametrize("wanted, change, words", [
    ({"dsr": {}}, lambda facts: None, "dsr must be alike on all nodes"),
    (PMTU, lambda facts: facts.update(node_config_api=None), "serves no CiliumNodeConfig"),
    (PMTU, lambda facts: [node.update(control_plane=True) for node in facts["nodes"]], "no worker to go first"),
    (PMTU, lambda facts: facts["nodes"][1]["labels"].clear(), "no label kubernetes.io/hostname"),
])
def test_where_there_can_be_none_the_plan_says_why(wanted, change, words):
    facts = mixed.cluster(old=())
    change(facts)
    step, *_rest = tried(facts, wanted)
    assert step["canary"] is None and words in step["no_canary"]


def test_nodes_that_are_apart_do_not_go_first():
    facts = mixed.cluster(old=("node-2",))
    step = tried(facts, {"bbr": {}})[-1]
    assert step["canary"]["nodes"] == ["node-3"]
