# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View, within
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow import mixed


def test_the_chart_decides_names_and_without_one_the_oldest_agent():
    facts = model.load("1.16.19-no-release")
    facts["agents"][1]["version"] = "1.9.18"
    assert View(facts).chart == "1.9.18", "1.9 is older than 1.16"
    facts = model.load("1.13.4-snat-native")
    facts["release"]["chart_version"] = "1.14.200"
    assert View(facts).chart == "1.14.200"
    assert View({**facts, "release": None, "release_found": None}).chart is None


def test_a_status_beside_an_error_is_not_believed():
    facts = model.load("1.13.4-snat-native")
    facts["agents"][0]["error"] = {"class": "garbled", "message": "cut short\x1b[2J"}
    agent = View(facts).agents[0]
    assert agent.status == {} and agent.problem == "cut short"


def test_live_falls_back_to_the_options_that_old_agents_do_not_show():
    agent = View(model.load("1.13.4-snat-native")).agents[0]
    assert (agent.live("routing_mode"), agent.live("nodeport_mode"), agent.live("no such key")) == ("native", "snat", None)


def test_versions_that_are_not_known_lie_nowhere():
    assert within("1.13.4", "1.11", "1.13") and within("1.14.0", "1.14")
    assert not within(None) and not within("latest", "1.11") and not within("1.18", "1.18.0")


def test_live_edits_are_keys_that_differ_either_way():
    facts = model.load("1.13.4-snat-native")
    facts["config"]["data"].update(added="x", debug="true")
    del facts["config"]["data"]["tunnel"]
    assert View(facts).live_edits == ("added", "debug", "tunnel")
    assert View({**facts, "manifest_config": None}).live_edits == ()


def test_overrides_name_their_nodes():
    facts = model.load("1.13.4-snat-native")
    facts["node_configs"] = [
        {"name": "a", "node_selector": {"matchLabels": {"kubernetes.io/hostname": "node-3"}}, "defaults": {"tunnel": "vxlan", "x": "y"}},
        "garbage", {"defaults": [1]}]
    override, = View(facts).overrides(["tunnel", "debug"])
    assert (override.name, override.key, override.value, override.nodes) == ("a", "tunnel", "vxlan", ("node-3",))


def test_the_recorded_reason_is_quoted_clean():
    view = View({"schema": 1, "unread": [{"what": "nodes", "class": "denied", "reason": "no\x07 right"}]})
    assert view.why_unread("nodes") == " (denied: no right)" and view.why_unread("config") == ""


def test_another_schema_is_no_facts():
    assert View({**model.load("1.13.4-snat-native"), "schema": 2}).agents == ()


def test_an_agent_older_than_a_change_of_its_own_configuration_does_not_run_it():
    facts = mixed.cluster()
    facts["node_configs"] = [mixed.node_config("fastpath-bbr", ["node-3"], {"enable-bbr": "false"}, "2026-01-01T10:00:00Z")]
    assert [agent.config_current for agent in View(facts).agents] == [True, True, False]
    facts["node_configs"][0]["labels"] = {}
    assert [agent.config_current for agent in View(facts).agents] == [True, True, True]


def test_a_part_sees_its_own_nodes_and_its_own_configuration():
    view = View(mixed.cluster())
    part = view.apart(["node-2"], {"enable-bbr": "true"})
    assert [agent.node for agent in part.agents] == ["node-2"] and [node["name"] for node in part.nodes] == ["node-2"]
    assert part.config["enable-bbr"] == "true" and "enable-bbr" not in view.config and part.live_edits == ()
