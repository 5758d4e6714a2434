# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Laws that hold for every file of the catalogue."""
from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Risk, plain
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import compare, gate, judge, plan, report
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import documents

CATALOGUE = catalog.load()
STATES = {"OK", "DRIFT", "BLOCKED", "NOT_APPLICABLE", "UNKNOWN"}
POLICIES = [
    {"dsr": {"mode": mode, "dispatch": dispatch}} for mode in ("dsr", "hybrid", "snat") for dispatch in ("opt", "geneve")
] + [{"native_routing": True}, {"kube_proxy_replacement": True, "dsr": True}]
# Where agents are given another address already, this is a step of its own.
POLICIES.append({"kube_proxy_replacement": {"api_host": "10.0.0.9", "api_port": 6443}, "dsr": True})
ACKNOWLEDGED = ["dsr", "kube_proxy_replacement"]

garbage = documents.garbage(["dsr", "snat", "1.13.4", "true", "native", "<hidden>"], st.integers())


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_file_is_the_home_of_its_id_and_says_all_that_matters(name):
    entry = CATALOGUE[name]
    assert entry.tuning.id == name
    assert entry.tuning.title and entry.tuning.reason and entry.tuning.undo and entry.tuning.stages
    assert all(f"\n{section}: " in entry.doc for section in ("Why", "Cost", "Undo", "Refuse when", "Evidence"))
    assert "https://" in entry.doc.split("Evidence: ")[1]
    assert entry.tuning.applies or entry.tuning.way_out


def test_the_catalogue_is_what_lies_in_its_folder():
    folder = model.FIXTURES.parents[2] / "plugins/plugin_utils/catalog/cluster"
    assert set(CATALOGUE) == {path.stem for path in folder.glob("[a-z]*.py")}


def test_needs_exist_and_come_from_an_earlier_phase():
    for entry in CATALOGUE.values():
        for need in entry.tuning.needs:
            assert CATALOGUE[need.tuning].tuning.phase < entry.tuning.phase
            assert set(need.when) <= {option.name for option in entry.tuning.options}


@pytest.mark.parametrize("fixture", model.ALL)
def test_no_two_tunings_want_one_key_with_different_values(fixture):
    view, wanted = View(model.load(fixture)), {}
    for choice in policy.parse({name: True for name in CATALOGUE}).values():
        end = compare.stages(view, choice.tuning, choice.options)[-1]
        for key, value in {**end.config, **end.values}.items():
            assert wanted.setdefault(key, plain(value)) == plain(value), key


@pytest.mark.parametrize("fixture", model.ALL)
@pytest.mark.parametrize("wanted", POLICIES, ids=json.dumps)
def test_a_drift_is_gone_after_its_plan_and_back_after_the_undo(fixture, wanted):
    facts, chosen = model.load(fixture), policy.parse(wanted)
    made = plan.plan(facts, judge.judge(facts, chosen), chosen, ACKNOWLEDGED)
    assert (made["outcome"] == "drift") == bool(made["steps"] and not made["blocked"])
    if made["outcome"] != "drift":
        return
    now = facts
    for step in made["steps"]:
        before, now = now, copy.deepcopy(now)
        model.apply_step(now, step)
        assert gate.gate(before, now, step) == []
        if model.settings(before) != model.settings(now):
            assert gate.gate(before, before, step) != [], "the gate must notice that nothing was done"
    verdicts = judge.judge(now, chosen)
    assert {verdict["state"] for verdict in verdicts} == {"OK"}, verdicts
    again = plan.plan(now, verdicts, chosen)
    assert (again["outcome"], again["steps"], again["blocked"]) == ("in_line", [], [])
    if any(agent["config_current"] is False for agent in facts["agents"]):
        return  # what ran was older than the configuration: an undo brings the configuration back, not that
    assert model.settings(model.revert_plan(now, made)) == model.settings(facts)


@pytest.mark.parametrize("fixture", ["1.13.4-dsr-native", "1.18.12-dsr-native"])
def test_a_plan_on_satisfied_facts_is_empty(fixture):
    facts, chosen = model.load(fixture), policy.parse(None)
    made = plan.plan(facts, judge.judge(facts, chosen), chosen)
    assert (made["outcome"], made["steps"], made["blocked"], made["unacknowledged"]) == ("in_line", [], [], [])


@settings(max_examples=150, deadline=None)
@given(garbage)
def test_garbage_is_unknown_and_never_an_exception(facts):
    for wanted in POLICIES:
        chosen = policy.parse(wanted)
        verdicts = judge.judge(facts, chosen)
        assert {verdict["state"] for verdict in verdicts} == {"UNKNOWN"}
        made = plan.plan(facts, verdicts, chosen)
        assert (made["outcome"], made["steps"]) == ("unknown", [])
        assert gate.gate(facts, facts)
        assert plan.refusal(facts) and plan.stale(made, facts)
        assert report.render(facts, verdicts, made, facts).isascii() or facts is not None


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_facts_with_garbage_in_one_place_never_raise_and_never_pass_for_more_than_they_are(data):
    facts = model.load(data.draw(st.sampled_from(model.ALL)))
    path = data.draw(st.sampled_from(list(documents.places(facts))))
    broken = documents.replaced(facts, path, data.draw(garbage))
    wanted = data.draw(st.sampled_from(POLICIES))
    chosen = policy.parse(wanted)
    verdicts = judge.judge(broken, chosen)
    made = plan.plan(broken, verdicts, chosen, ["dsr"])
    assert {verdict["state"] for verdict in verdicts} <= STATES
    json.dumps([verdicts, made], default=str)
    assert report.render(broken, verdicts, made, None)
    gate.gate(broken, broken, made["steps"][0] if made["steps"] else None)
    for verdict in verdicts:
        if verdict["tuning"] == "dsr" and verdict["state"] == "OK":
            running = [agent["status"]["nodeport_mode"] for agent in broken["agents"]]
            assert set(running) == {verdict["options"]["mode"]}


@pytest.mark.parametrize("place", ["agents", "config", "node_configs", "manifest_config", "daemonset", "release"])
def test_what_was_not_read_leaves_a_verdict_open(place):
    for fixture in ("1.13.4-dsr-native", "1.18.12-dsr-native", "1.13.4-snat-native"):
        facts = {**model.load(fixture), place: None}
        verdicts = judge.judge(facts, policy.parse(None))
        assert {verdict["state"] for verdict in verdicts} == {"UNKNOWN"}
        assert all(verdict["reason"] and verdict["way_out"] for verdict in verdicts)


versions = st.sampled_from(["1.12.19", "1.13.4", "1.14.19", "1.15.19", "1.16.19", "1.17.18", "1.18.12", "1.20.0"])


@st.composite
def clusters(draw):
    """A cluster whose agents started, each, with the present or with a former configuration."""
    version = draw(versions)
    facts = model.load("1.13.4-snat-native" if model.minor(version) <= 13 else (
        "1.14.19-snat-native" if model.minor(version) < 16 else "1.20.0-snat-native"))
    facts["release"]["chart_version"] = version
    for agent in facts["agents"]:
        agent["version"] = version
        agent["status"]["kube_proxy_replacement"] = "strict" if model.minor(version) <= 13 else "true"
        if model.minor(version) < 16:
            agent["status"].update(routing_mode=None)
    for _change in range(draw(st.integers(1, 2))):
        model.upgrade(facts, draw(st.fixed_dictionaries({
            "loadBalancer.mode": st.sampled_from([None, "snat", "dsr", "hybrid"]),
            "loadBalancer.dsrDispatch": st.sampled_from([None, "opt", "geneve"]),
            "bpf.lbModeAnnotation": st.sampled_from([None, True, False]),
            "tunnelProtocol": st.sampled_from([None, "vxlan", "geneve"]),
        })))
        nodes = draw(st.lists(st.sampled_from(["node-1", "node-2", "node-3"]), unique=True)) if _change else [
            "node-1", "node-2", "node-3"]
        try:
            model.restart(facts, nodes)
        except model.Exits:
            # Agents that exit are another story: here they were not restarted.
            if not _change:
                model.upgrade(facts, dict.fromkeys(("loadBalancer.mode", "loadBalancer.dsrDispatch", "bpf.lbModeAnnotation")))
                model.restart(facts, ["node-1", "node-2", "node-3"])
    return facts


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(clusters(), st.sampled_from(POLICIES[:6]))
def test_any_plan_that_may_be_applied_ends_in_line_and_no_agent_exits_on_the_way(facts, wanted):
    chosen = policy.parse(wanted)
    verdicts = judge.judge(facts, chosen)
    made = plan.plan(facts, verdicts, chosen, ["dsr"])
    if made["outcome"] == "in_line":
        assert {agent["status"]["nodeport_mode"] for agent in facts["agents"]} == {wanted["dsr"]["mode"]}
    if made["outcome"] != "drift":
        return
    after = model.apply_plan(facts, made)
    assert [verdict["state"] for verdict in judge.judge(after, chosen)] == ["OK"] * len(verdicts)
    assert {agent["status"]["nodeport_mode"] for agent in after["agents"]} == {wanted["dsr"]["mode"]}
    for agent in after["agents"]:
        assert model.boot(agent["version"], after["config"]["data"]).items() <= agent["status"].items()


@settings(max_examples=200, deadline=None)
@given(clusters(), st.sampled_from(POLICIES[:6]))
def test_a_step_that_loses_connections_is_never_called_less(facts, wanted):
    chosen = policy.parse(wanted)
    made = plan.plan(facts, judge.judge(facts, chosen), chosen)
    running = {agent["node"]: agent["status"]["nodeport_mode"] for agent in facts["agents"]}
    now = copy.deepcopy(facts)
    for step in made["steps"]:
        model.apply_step(now, step)
        after = {agent["node"]: agent["status"]["nodeport_mode"] for agent in now["agents"]}
        if after != running:
            assert step["risk"] == Risk.CONNECTIONS_LOST.word
            assert made["unacknowledged"] and made["unacknowledged"][0]["tuning"] == "dsr"
        running = after
