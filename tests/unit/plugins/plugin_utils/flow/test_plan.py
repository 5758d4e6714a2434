# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Entry, Live, Need, Option, Phase, Risk, Stage, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan, report
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model


def planned(facts, wanted=None, acknowledged=(), batch=1, catalogue=None):
    chosen = policy.parse(wanted, catalogue)
    return plan.plan(facts, judge.judge(facts, chosen, catalogue), chosen, acknowledged, batch, catalogue)


def entry(name, **more):
    """A tuning of Helm value x.<name>, key x-<name> and status line xdp_acceleration, nodeport_mode, ...; one that agents do
    by themselves has no value and no key."""
    given = {"phase": Phase.SERVICES, "risk": Risk.AGENT_RESTART, "live": "lb_algorithm", **more}
    wants = () if given.get("left_off") else (Want({f"x.{name}": True}, {f"x-{name}": "true"}),)
    proves = () if given.get("left_off") else (f"x-{name}",)
    stage = Stage(given.pop("stage", "on"), wants, (Live(given.pop("live"), "maglev", config=proves),))
    return Entry(Tuning(id=name, title=name, reason=f"because {name}.", undo=f"undo {name}.", stages=(stage,), **given), "")


def test_the_mission_example():
    made = planned(model.load("1.13.4-snat-native"))
    step, = made["steps"]
    assert (made["outcome"], made["batch"], made["blocked"]) == ("drift", 1, [])
    assert step == {
        "id": "1-dsr-switch", "tunings": ["dsr"], "stage": "switch", "reason": step["reason"], "risk": "connections_lost",
        "undo": step["undo"], "values": {"loadBalancer.mode": "dsr", "loadBalancer.dsrDispatch": "opt"},
        "former_values": {"loadBalancer.mode": None, "loadBalancer.dsrDispatch": None},
        "config": {"bpf-lb-mode": "dsr", "bpf-lb-dsr-dispatch": "opt"}, "expect": {"nodeport_mode": "dsr"},
        "nodes": ["node-2", "node-3", "node-1"], "pods": False, "reach": False, "residue": False, "disturbs": [],
        "node_configs": [], "own_nodes": {}, "former_node_configs": [], "renew": [], "expect_nodes": {},
        "canary": None, "no_canary": None,
    }
    assert made["unacknowledged"][0]["tuning"] == "dsr" and made["unacknowledged"][0]["risk"] == "connections_lost"
    assert made["basis"]["revision"] == 3 and made["basis"]["agents"]["node-1"] == "1.13.4"


def test_workers_come_first_and_the_control_plane_last_in_natural_order():
    facts = model.load("1.13.4-snat-native")
    for source in (facts["nodes"], facts["agents"]):
        for record, name in zip(source, ("cp", "w10", "w9")):
            record["name" if source is facts["nodes"] else "node"] = name
    assert planned(facts)["steps"][0]["nodes"] == ["w9", "w10", "cp"]


def test_only_agents_that_run_something_else_are_restarted_where_the_config_is_right():
    step, = planned(model.load("1.13.4-mixed-modes"))["steps"]
    assert step["values"] == {} and step["nodes"] == ["node-3", "node-1"]
    assert step["config"] == {"bpf-lb-mode": "dsr", "bpf-lb-dsr-dispatch": "opt"}


@pytest.mark.parametrize("change, words, way_out", [
    (lambda facts: facts["release"].update(status="pending-upgrade"), "pending-upgrade", "helm rollback cilium 2"),
    (lambda facts: facts["release"].update(status="failed"), "failed", "helm rollback"),
    (lambda facts: facts.update(owner={"kind": "flux", "name": "cilium", "evidence": ""}), "Flux", "HelmRelease"),
    (lambda facts: facts.update(owner={"kind": "argocd", "name": "net", "evidence": ""}), "Argo CD",
     '{"loadBalancer": {"dsrDispatch": "opt", "mode": "dsr"}}'),
    (lambda facts: facts.update(owner={"kind": "k3s_helm_chart", "name": "c", "evidence": ""}), "K3s", "HelmChartConfig"),
    (lambda facts: facts.update(owner={"kind": "managed", "name": "AKS", "evidence": ""}), "AKS", "platform"),
    (lambda facts: facts["agents"][1].update(ready=False, waiting="CrashLoopBackOff"), "CrashLoopBackOff", "Repair"),
    (lambda facts: facts["agents"][1]["status"].update(health="failure"), "node-2", "Repair"),
    (lambda facts: facts["nodes"][2].update(ready=False), "node-3", "Repair"),
    (lambda facts: facts["daemonset"].update(observed_generation=2), "rolled out", "Wait"),
    (lambda facts: facts["daemonset"].update(updated=2), "rolled out", "Wait"),
])
def test_what_blocks_the_cluster_as_a_whole_leaves_no_step(change, words, way_out):
    facts = model.load("1.13.4-snat-native")
    facts["release"]["history"][1]["status"] = "pending-upgrade"
    change(facts)
    made = planned(facts)
    assert (made["outcome"], made["steps"]) == ("blocked", [])
    found, = made["blocked"]
    assert found["tuning"] is None and words in found["reason"] and way_out in found["way_out"]
    assert "Nothing may be applied" in plan.refusal(made)
    in_line = model.load("1.13.4-dsr-native")
    change(in_line)
    assert planned(in_line)["outcome"] == "in_line", "there is nothing to be kept from"


@pytest.mark.parametrize("source", ["owner", "nodes"])
def test_what_an_apply_must_know_and_an_audit_need_not(source):
    made = planned({**model.load("1.13.4-snat-native"), source: None})
    assert (made["outcome"], made["steps"]) == ("unknown", [])


def test_without_a_release_the_keys_are_named():
    found, = planned(model.load("1.16.19-no-release"))["blocked"]
    assert '"bpf-lb-mode": "dsr"' in found["way_out"]


def test_a_foreign_owner_is_told_the_steps_in_order():
    facts = model.load("1.18.12-snat-native")
    facts["owner"] = {"kind": "flux", "name": "cilium", "evidence": ""}
    way_out = planned(facts)["blocked"][0]["way_out"]
    receive, send = '{"bpf": {"lbModeAnnotation": true}', '{"loadBalancer": {"mode": "dsr"}}'
    assert way_out.index(receive) < way_out.index("restarted") < way_out.index(send)


def test_the_digest_covers_what_matters_and_nothing_that_changes_by_itself():
    facts = model.load("1.13.4-snat-native")
    digest = planned(facts)["digest"]
    same = copy.deepcopy(facts)
    same["config"]["resource_version"] = "9999"
    same["agents"][0].update(restarts=7, uid="other", pod="other", created_at="2026-11-09T00:00:00Z")
    assert planned(same, acknowledged=["dsr"], batch=3)["digest"] == digest
    for change in (
        lambda other: other["config"]["data"].update(debug="true") or other["manifest_config"].update(debug="true"),
        lambda other: other["release"].update(revision=4), lambda other: other["cluster"].update(uid="another"),
        lambda other: other["agents"][0].update(version="1.13.5"), lambda other: other["nodes"].pop(),
    ):
        other = copy.deepcopy(facts)
        change(other)
        assert planned(other)["digest"] != digest


@pytest.mark.parametrize("change, words", [
    (lambda facts: facts["cluster"].update(uid="another"), "another cluster"),
    (lambda facts: facts["release"].update(revision=4), "another revision"),
    (lambda facts: facts["config"]["data"].update(debug="true"), "cilium-config"),
    (lambda facts: facts["node_configs"].append({"name": "x"}), "CiliumNodeConfig"),
    (lambda facts: facts["nodes"].pop(), "nodes came or went"),
    (lambda facts: facts["agents"][0].update(version="1.13.18"), "their version"),
])
def test_a_plan_is_stale_once_the_cluster_changed(change, words):
    facts = model.load("1.13.4-snat-native")
    made = planned(facts)
    assert plan.stale(made, facts) is None
    change(facts)
    assert words in plan.stale(made, facts)


def test_a_plan_that_was_changed_by_hand_is_refused():
    facts = model.load("1.13.4-snat-native")
    made = planned(facts)
    made["steps"][0]["values"]["loadBalancer.mode"] = "hybrid"
    assert "changed after it was made" in plan.stale(made, facts)


def test_only_an_accepted_plan_may_be_applied():
    facts = model.load("1.13.4-snat-native")
    assert 'fastpath_acknowledge to ["dsr"]' in plan.refusal(planned(facts))
    assert plan.refusal(planned(facts, acknowledged=["dsr"])) is None
    assert plan.refusal(planned(model.load("1.13.4-dsr-native"))) is None
    assert 'fastpath_acknowledge to ["native_routing", "dsr"]' in plan.refusal(planned(model.load("1.13.4-tunnel-vxlan")))
    assert "kube-proxy" in plan.refusal(planned(model.load("1.14.19-kpr-off")))


def test_what_costs_a_restart_only_is_one_step_whatever_its_phase_and_lost_connections_are_another():
    known = {found.tuning.id: found for found in (
        entry("one"), entry("two", risk=Risk.CONNECTIONS_LOST, live="xdp_acceleration"),
        entry("three", phase=Phase.LOAD_BALANCER, needs=(Need("one"),)))}
    made = planned(model.load("1.13.4-snat-native"), {"one": True, "two": True, "three": True}, ["two"], catalogue=known)
    first, second = made["steps"]
    assert (first["id"], second["id"]) == ("1-one-three-on", "2-two-on")
    assert first["values"] == {"x.one": True, "x.three": True}
    assert first["former_values"] == {"x.one": None, "x.three": None}
    assert first["reason"] == "because one. because three."
    assert (first["risk"], second["risk"]) == ("agent_restart", "connections_lost")
    assert made["unacknowledged"] == [], "two was acknowledged, and the others need no word"


def test_what_comes_about_in_the_step_of_another_needs_no_word_for_what_that_one_costs():
    known = {found.tuning.id: found for found in (
        entry("one", risk=Risk.CONNECTIONS_LOST),
        entry("two", needs=(Need("one"),), live="xdp_acceleration", left_off="x"))}
    made = planned(model.load("1.13.4-snat-native"), {"one": True, "two": True}, ["one"], catalogue=known)
    step, = made["steps"]
    assert (step["tunings"], step["risk"]) == (["one", "two"], "connections_lost")
    assert made["unacknowledged"] == [] and plan.refusal(made) is None


def test_the_word_that_is_asked_for_holds_what_was_given_already():
    known = {found.tuning.id: found for found in (
        entry("one", risk=Risk.CONNECTIONS_LOST),
        entry("two", risk=Risk.CONNECTIONS_LOST, live="xdp_acceleration"))}
    made = planned(model.load("1.13.4-snat-native"), {"one": True, "two": True}, ["two"], catalogue=known)
    assert made["acknowledged"] == ["two"] and [entry["tuning"] for entry in made["unacknowledged"]] == ["one"]
    assert 'fastpath_acknowledge to ["two", "one"]' in plan.refusal(made)
    assert """-e '{"fastpath_acknowledge": ["two", "one"]}'""" in report.render(plan=made)


def test_what_needs_a_tuning_that_loses_connections_comes_with_or_after_it():
    known = {found.tuning.id: found for found in (
        entry("one"), entry("two", risk=Risk.CONNECTIONS_LOST, live="xdp_acceleration"),
        entry("three", phase=Phase.LOAD_BALANCER, needs=(Need("two"),)), entry("four", phase=Phase.MAPS, pods=True))}
    made = planned(model.load("1.13.4-snat-native"), dict.fromkeys(known, True), ["two"], catalogue=known)
    assert [step["tunings"] for step in made["steps"]] == [["one"], ["two"], ["three"], ["four"]]
    assert [step["pods"] for step in made["steps"]] == [False, False, False, True]
    assert report.render(plan=made).count("kubectl rollout restart of their workloads") == 1


def catalogue_of(*entries):
    return {found.tuning.id: found for found in entries}


def steps_of(known, facts=None, wanted=None):
    facts = facts or model.load("1.13.4-snat-native")
    return planned(facts, wanted or dict.fromkeys(known, True), list(known), catalogue=known)["steps"]


def own(*needs, **more):
    """A tuning that agents do by themselves, with a status line of its own."""
    needed = tuple(map(Need, needs))
    return entry("own", left_off="where it cannot be had", phase=Phase.OBSERVABILITY, live="xdp_acceleration", needs=needed, **more)


@pytest.mark.parametrize("risk", [Risk.AGENT_RESTART, Risk.CONNECTIONS_LOST])
def test_what_agents_do_by_themselves_comes_with_what_it_needs(risk):
    step, = steps_of(catalogue_of(entry("one", risk=risk), own("one")))
    assert (step["id"], step["tunings"], step["risk"]) == ("1-one-own-on", ["one", "own"], risk.word)
    assert step["values"] == {"x.one": True} and step["config"] == {"x-one": "true"}
    assert step["expect"] == {"lb_algorithm": "maglev", "xdp_acceleration": "maglev"}
    assert step["reason"] == "because one. because own." and step["undo"] == "undo one. undo own."


def test_what_agents_do_by_themselves_waits_for_the_last_of_what_it_needs():
    known = catalogue_of(entry("one"), entry("two", risk=Risk.CONNECTIONS_LOST), own("one", "two"))
    assert [step["tunings"] for step in steps_of(known)] == [["one"], ["two", "own"]]


def test_what_agents_do_by_themselves_is_an_ordinary_restart_once_what_it_needs_is_there():
    facts = model.load("1.13.4-snat-native")
    model.put(facts["release"]["values"], "x.base", True)
    for data in (facts["config"]["data"], facts["manifest_config"]):
        data["x-base"] = "true"
    for agent in facts["agents"]:
        agent["status"]["nodeport_mode"], agent["config_current"] = "maglev", False
    known = catalogue_of(entry("base", live="nodeport_mode"), entry("two", risk=Risk.CONNECTIONS_LOST), entry("three"),
                         own("base"))
    assert [(step["tunings"], step["risk"]) for step in steps_of(known, facts)] == [
        (["two"], "connections_lost"), (["three", "own"], "agent_restart")]


def test_what_has_values_of_its_own_is_no_part_of_another_kind_of_step():
    known = catalogue_of(entry("one", risk=Risk.CONNECTIONS_LOST),
                         entry("two", phase=Phase.MAPS, live="xdp_acceleration", needs=(Need("one"),)))
    assert [step["tunings"] for step in steps_of(known)] == [["one"], ["two"]]


def test_a_need_that_the_options_do_not_have_makes_no_step_wait():
    def known(mode):
        option = Option("mode", ("needs", "free"), mode)
        return catalogue_of(entry("early"), entry("one", risk=Risk.CONNECTIONS_LOST), entry(
            "late", phase=Phase.MAPS, options=(option,), needs=(Need("one", when={"mode": ("needs",)}),)))
    assert [step["tunings"] for step in steps_of(known("needs"))] == [["early"], ["one"], ["late"]]
    assert [step["tunings"] for step in steps_of(known("free"))] == [["early", "late"], ["one"]]


def test_what_pods_take_on_is_one_step_whatever_its_phase():
    known = catalogue_of(entry("one"), entry("two", pods=True, risk=Risk.PODS_RECREATED), entry("three", phase=Phase.MAPS),
                         entry("four", pods=True, phase=Phase.MAPS, risk=Risk.PODS_RECREATED))
    found = steps_of(known)
    assert [(step["tunings"], step["pods"], step["risk"]) for step in found] == [
        (["one", "three"], False, "agent_restart"), (["two", "four"], True, "pods_recreated")]


@pytest.mark.parametrize("other, together", [
    ({}, True), ({"phase": Phase.MAPS}, False), ({"stage": "other"}, False)])
def test_what_loses_connections_shares_a_step_with_the_same_stage_of_its_phase_only(other, together):
    known = catalogue_of(entry("one", risk=Risk.CONNECTIONS_LOST), entry("two", risk=Risk.CONNECTIONS_LOST, **other))
    names = [step["tunings"] for step in steps_of(known)]
    assert names == ([["one", "two"]] if together else [["one"], ["two"]])


def test_a_tuning_that_was_not_judged_is_unknown():
    facts, chosen = model.load("1.13.4-dsr-native"), policy.parse(None)
    assert plan.plan(facts, [], chosen)["outcome"] == "unknown"


def test_a_step_that_only_writes_values_restarts_nothing_and_risks_nothing():
    facts = model.load("1.13.4-dsr-native")
    facts["release"]["values"]["loadBalancer"] = {"dsrDispatch": "opt"}
    step, = planned(facts)["steps"]
    assert (step["values"], step["nodes"], step["risk"]) == ({"loadBalancer.mode": "dsr"}, [], "none")


def test_agents_of_different_versions_are_expected_to_show_what_all_of_them_print():
    facts = model.load("1.16.19-snat-native")
    facts["agents"][0]["version"] = "1.14.19"
    facts["agents"][0]["options"]["routing_mode"] = "native"
    assert planned(facts)["steps"][0]["expect"] == {"nodeport_mode": "dsr"}


def test_names_from_outside_stay_data():
    facts = model.load("1.13.4-snat-native")
    facts["agents"][0]["node"] = facts["nodes"][0]["name"] = "{{ lookup('pipe', 'id') }}"
    assert "{{ lookup('pipe', 'id') }}" in planned(facts)["steps"][0]["nodes"]


def profiled(facts, known, wanted=None, acknowledged=()):
    chosen = policy.parse(wanted, known, "max")
    return plan.plan(facts, judge.judge(facts, chosen, known), chosen, acknowledged, 1, known)


def of_profile(name, **more):
    return entry(name, profiles={"max": {}}, **more)


def test_what_of_a_profile_cannot_be_done_does_not_keep_the_rest_back():
    known = {found.tuning.id: found for found in (of_profile("one"), of_profile("two", kernel="99.0", live="xdp_acceleration"))}
    made = profiled(model.load("1.13.4-snat-native"), known)
    assert made["outcome"] == "drift" and [step["tunings"] for step in made["steps"]] == [["one"]]
    assert [(entry["tuning"], entry["state"]) for entry in made["left_out"]] == [("two", "BLOCKED")]
    named = profiled(model.load("1.13.4-snat-native"), known, {"two": True})
    assert named["outcome"] == "blocked" and [entry["tuning"] for entry in named["blocked"]] == ["two"]


def test_what_of_a_profile_loses_connections_waits_for_a_word_and_so_does_what_needs_it():
    known = {found.tuning.id: found for found in (
        of_profile("one", risk=Risk.CONNECTIONS_LOST),
        of_profile("two", phase=Phase.MAPS, needs=(Need("one"),), live="xdp_acceleration"))}
    made = profiled(model.load("1.13.4-snat-native"), known)
    assert (made["outcome"], made["steps"], made["unacknowledged"]) == ("drift", [], []), "what waits for a word is not in line"
    assert [entry["tuning"] for entry in made["left_out"]] == ["one", "two"]
    assert "fastpath_acknowledge" in made["left_out"][0]["way_out"]
    done = profiled(model.load("1.13.4-snat-native"), known, acknowledged=["one"])
    assert [step["tunings"] for step in done["steps"]] == [["one"], ["two"]] and done["left_out"] == []


def test_what_of_a_profile_is_not_known_is_not_called_in_line():
    known = {"one": of_profile("one", kernel="5.18")}
    facts = model.load("1.13.4-snat-native")
    for node, kernel in zip(facts["nodes"], [None, "6.2.0", "6.2.0"]):
        node["kernel"] = kernel
    made = profiled(facts, known)
    assert (made["outcome"], made["steps"]) == ("unknown", []) and "kernel" in plan.refusal(made)


def newer():
    facts = model.load("1.20.0-snat-native")
    for agent in facts["agents"]:
        agent["version"] = "1.21.3"
    return facts


def test_a_newer_cilium_is_judged_and_changed_only_with_a_word():
    verdicts = judge.judge(newer(), policy.parse(None))
    assert verdicts[-1]["state"] == "DRIFT" and "1.21.3 is newer" in " ".join(verdicts[-1]["notes"])
    refused = planned(newer(), acknowledged=["dsr"])
    assert (refused["outcome"], refused["steps"]) == ("blocked", []) and "newer_cilium" in refused["blocked"][0]["way_out"]
    assert planned(newer(), acknowledged=["dsr", "newer_cilium"])["outcome"] == "drift"
    assert policy.acknowledged(["newer_cilium", "dsr"]) == {"newer_cilium", "dsr"}
