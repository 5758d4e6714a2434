# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Conflict, Entry, Option, Phase, Risk, Stage, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

KEYS = {"tuning", "title", "selected", "applies", "state", "reason", "way_out", "options", "stage", "wanted", "found",
        "restart_pending", "nodes", "rests_on", "notes", "met", "left_out_nodes", "without", "groups"}


def verdicts(facts, wanted=None):
    return judge.judge(facts, policy.parse(wanted))


@pytest.mark.parametrize("fixture", model.ALL)
def test_every_verdict_has_the_documented_shape_and_one_sentence(fixture):
    for found in verdicts(model.load(fixture)):
        assert set(found) == KEYS
        assert set(found["wanted"]) == set(found["found"]) == {"values", "config", "live"}
        assert set(found["wanted"]["live"]) == set(found["found"]["live"])
        assert found["reason"].endswith(".") and found["reason"].isprintable()
        assert found["state"] in ("OK", "DRIFT") or found["way_out"]
        assert (found["stage"] is not None) == (found["state"] == "DRIFT")


def test_an_unread_agent_leaves_it_open_and_is_named():
    found = verdicts(model.load("1.13.4-partly-unread"))[-1]
    assert (found["state"], found["nodes"]) == ("UNKNOWN", ["node-2"])
    assert "1 of 3 agents" in found["reason"] and "not read within 10 s" in found["reason"]
    assert found["found"]["live"]["nodeport_mode"] == {"snat": ["node-1", "node-3"], "unread": ["node-2"]}


def test_what_is_certain_is_said_even_where_something_was_not_read():
    facts = model.load("1.13.4-edited-by-hand")
    facts["config"]["data"]["enable-ipsec"] = "true"
    facts["agents"][1].update(status=None, error={"class": "denied", "message": "no"})
    assert verdicts(facts)[-1]["state"] == "BLOCKED"


@pytest.mark.parametrize("place, state", [("values", "DRIFT"), ("manifest", "BLOCKED"), ("config", "BLOCKED"), ("live", "DRIFT")])
def test_each_place_counts(place, state):
    facts = model.load("1.13.4-dsr-native")
    if place == "values":
        del facts["release"]["values"]["loadBalancer"]
    elif place == "manifest":
        facts["manifest_config"]["bpf-lb-mode"] = "snat"
    elif place == "config":
        facts["config"]["data"]["bpf-lb-mode"] = "snat"
    else:
        facts["agents"][2]["status"]["nodeport_mode"] = "snat"
    found = verdicts(facts)[-1]
    assert found["state"] == state
    if place == "live":
        assert found["nodes"] == found["restart_pending"] == ["node-3"]


def test_edits_elsewhere_block_a_change_and_are_noted_where_there_is_none():
    for fixture, state in (("1.13.4-dsr-native", "OK"), ("1.13.4-snat-native", "BLOCKED")):
        facts = model.load(fixture)
        facts["config"]["data"]["debug"] = "true"
        found = verdicts(facts)[-1]
        assert found["state"] == state
        assert "debug" in (found["reason"] if state == "BLOCKED" else " ".join(found["notes"]))


@pytest.mark.parametrize("fixture", ["1.13.4-snat-native", "1.13.4-dsr-native"])
@pytest.mark.parametrize("change", [
    lambda facts: facts["release"].update(status="pending-upgrade"),
    lambda facts: facts.update(owner={"kind": "flux", "name": "x", "evidence": "y"}),
])
def test_an_audit_judges_whatever_the_state_of_the_release(fixture, change):
    facts = model.load(fixture)
    before = [found["state"] for found in verdicts(facts)]
    change(facts)
    assert [found["state"] for found in verdicts(facts)] == before


def test_without_a_release_configuration_and_agents_are_judged():
    facts = model.load("1.16.19-no-release")
    found = verdicts(facts)[-1]
    assert found["state"] == "DRIFT" and found["wanted"]["values"] == {}
    assert verdicts(facts, {"dsr": {"mode": "snat"}})[-1]["state"] == "OK"


def test_missing_agents_are_named():
    facts = model.load("1.13.4-dsr-native")
    del facts["agents"][1]
    found = verdicts(facts)[-1]
    assert (found["state"], found["nodes"]) == ("UNKNOWN", ["node-2"]) and "3 agents should run" in found["reason"]


def test_a_dispatch_that_no_status_shows_is_proved_by_the_start_of_the_agent():
    facts = model.load("1.14.19-snat-native")
    model.upgrade(facts, {"loadBalancer.mode": "dsr"})
    model.restart(facts, ["node-1", "node-2", "node-3"])
    assert verdicts(facts)[-1]["state"] == "OK"
    facts["agents"][0]["config_current"] = None
    assert verdicts(facts)[-1]["state"] == "UNKNOWN"
    facts["agents"][0]["config_current"] = False
    found = verdicts(facts)[-1]
    assert (found["state"], found["nodes"]) == ("DRIFT", ["node-1"])


def test_a_thousand_nodes_are_named_in_a_sentence_of_bearable_length():
    facts = model.load("1.13.4-snat-native")
    facts["agents"] = [{**facts["agents"][0], "node": f"node-{number}"} for number in range(1000)]
    facts["nodes"] = [{**facts["nodes"][0], "name": f"node-{number}"} for number in range(1000)]
    facts["daemonset"]["desired"] = 1000
    facts["agents"][7]["status"] = {**facts["agents"][7]["status"], "nodeport_mode": "dsr"}
    reason = verdicts(facts)[-1]["reason"]
    assert "999 of 1000 agents" in reason and "and 994 more" in reason and len(reason) < 500


def two(**conflict):
    def entry(name, **more):
        stage = Stage("on", (Want({f"x.{name}": True}, {f"x-{name}": "true"}),), ())
        option = Option("mode", ("a", "b"), "a")
        return Entry(Tuning(name, name, Phase.PODS, Risk.NONE, "r.", "u", (stage,), (option,), **more), "")
    return {"one": entry("one"), "two": entry("two", conflicts=(Conflict("one", "because.", **conflict),))}


@pytest.mark.parametrize("conflict, wanted, state", [
    ({}, {"one": True, "two": True}, "BLOCKED"),
    ({}, {"two": True}, "DRIFT"),
    ({"theirs": {"mode": ("b",)}}, {"one": True, "two": True}, "DRIFT"),
    ({"theirs": {"mode": ("b",)}}, {"one": {"mode": "b"}, "two": True}, "BLOCKED"),
    ({"when": {"mode": ("b",)}}, {"one": True, "two": True}, "DRIFT"),
    ({"since": "1.14"}, {"one": True, "two": True}, "DRIFT"),
    ({"until": "1.13"}, {"one": True, "two": True}, "BLOCKED"),
])
def test_tunings_that_do_not_go_together_are_told_apart(conflict, wanted, state):
    known = two(**conflict)
    verdict = judge.judge(model.load("1.13.4-snat-native"), policy.parse(wanted, known), known)[-1]
    assert verdict["state"] == state
    assert state == "DRIFT" or "does not go with one" in verdict["reason"] and "because." in verdict["reason"] and verdict["way_out"]


def test_a_need_without_meaning_here_holds_nothing_back():
    facts = model.load("1.16.19-snat-native")
    for place in (facts["config"]["data"], facts["manifest_config"]):
        place["enable-ipv4-masquerade"] = "false"
    for agent in facts["agents"]:
        agent["status"]["masquerading"] = "disabled"
    states = {found["tuning"]: found["state"] for found in verdicts(facts, {"host_routing": True})}
    assert (states["ebpf_masquerade"], states["host_routing"]) == ("NOT_APPLICABLE", "OK")
