# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Phase, Risk, Tuning
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import limits
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model


def findings(facts, **more):
    tuning = Tuning("x", "x", Phase.PODS, Risk.NONE, "r", "u", (), **more)
    return [(str(found.state), found.nodes, found.reason) for found in limits.find(View(facts), tuning)]


def with_kernel(kernel):
    facts = model.load("1.13.4-snat-native")
    for node in facts["nodes"]:
        node["kernel"] = "6.2.0-26-generic"
    facts["nodes"][1]["kernel"] = kernel
    return facts


@pytest.mark.parametrize("kernel, state", [
    ("5.18.0-1-amd64", None), ("6.1.0", None), ("5.17.15", "BLOCKED"), ("4.18.0-553.el8_10.x86_64", "BLOCKED"),
    (None, "UNKNOWN"), ("custom", "UNKNOWN"), ({}, "UNKNOWN"),
])
def test_the_kernel_of_every_node_counts(kernel, state):
    found = findings(with_kernel(kernel), kernel="5.18")
    assert [(entry[0], entry[1]) for entry in found] == ([(state, ("node-2",))] if state else [])


def test_nodes_that_were_not_read_leave_it_open():
    found, = findings({**model.load("1.13.4-snat-native"), "nodes": None}, kernel="5.18")
    assert found[0] == "UNKNOWN" and len(found[1]) == 3


def test_a_node_without_an_agent_does_not_count():
    facts = with_kernel("4.4.0")
    facts["agents"] = [agent for agent in facts["agents"] if agent["node"] != "node-2"]
    assert findings(facts, kernel="5.18") == []


def test_old_agents_and_an_old_chart_are_named():
    facts = model.load("1.14.19-snat-native")
    assert findings(facts, since="1.14") == []
    found, = findings(facts, since="1.15")
    assert found[0] == "BLOCKED" and len(found[1]) == 3
    for agent in facts["agents"]:
        agent["version"] = "1.15.2"
    found, = findings(facts, since="1.15")
    assert found[:2] == ("BLOCKED", ()) and "chart" in found[2]
