# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Number, Option, Phase, Risk, Tuning
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import limits
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model


OPTIONS = (Option("mode", ("old", "new", 3), "old", since={"new": "1.15"}), Number("rate", 1, 9, since="1.16"),
           Number("burst", 1, 9, since="1.16"), Number("size", 1, 9))
NOTHING = {"mode": "old", "rate": None, "burst": None, "size": 1}


def found(facts, given=None, **more):
    tuning = Tuning("x", "x", Phase.PODS, Risk.NONE, "r", "u", (), **more)
    return list(limits.find(View(facts), tuning, given or {}))


def findings(facts, **more):
    return [(str(one.state), one.nodes, one.reason) for one in found(facts, **more)]


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
    told = findings(with_kernel(kernel), kernel="5.18")
    assert [(entry[0], entry[1]) for entry in told] == ([(state, ("node-2",))] if state else [])


def test_nodes_that_were_not_read_leave_it_open():
    one, = findings({**model.load("1.13.4-snat-native"), "nodes": None}, kernel="5.18")
    assert one[0] == "UNKNOWN" and len(one[1]) == 3


def test_a_node_without_an_agent_does_not_count():
    facts = with_kernel("4.4.0")
    facts["agents"] = [agent for agent in facts["agents"] if agent["node"] != "node-2"]
    assert findings(facts, kernel="5.18") == []


def test_old_agents_and_an_old_chart_are_named():
    facts = model.load("1.14.19-snat-native")
    assert findings(facts, since="1.14") == []
    one, = findings(facts, since="1.15")
    assert one[0] == "BLOCKED" and len(one[1]) == 3
    for agent in facts["agents"]:
        agent["version"] = "1.15.2"
    one, = findings(facts, since="1.15")
    assert one[:2] == ("BLOCKED", ()) and "chart" in one[2]


@pytest.mark.parametrize("options, told", [
    ({}, []), ({"mode": 3, "size": 2}, []),
    ({"mode": "new"}, [("know mode new from 1.15 on", "{mode: old or 3}")]),
    ({"rate": 1, "burst": 2}, [("know rate 1 and burst 2 from 1.16 on", "{rate: null, burst: null}")]),
    ({"mode": "new", "burst": 2}, [("mode new from 1.15", "{mode: old or 3}"), ("burst 2 from 1.16", "{burst: null}")]),
])
def test_options_that_are_newer_than_the_tuning_are_told_with_what_to_ask_for_instead(options, told):
    facts = model.load("1.14.19-snat-native")
    seen = found(facts, {**NOTHING, **options}, options=OPTIONS, since="1.14")
    assert len(seen) == len(told)
    for one, (words, way_out) in zip(seen, told):
        assert words in one.reason and way_out in one.way_out and len(one.nodes) == 3
    for agent in facts["agents"]:
        agent["version"] = "1.18.12"
    assert all("the release's is 1.14.19" in one.reason and one.nodes == ()
               for one in found(facts, {**NOTHING, **options}, options=OPTIONS))
    facts["release"]["chart_version"] = "1.18.12"
    assert found(facts, {**NOTHING, **options}, options=OPTIONS) == []
