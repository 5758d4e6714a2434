# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import journal, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import gate, judge, plan, undo
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow import mixed

RUN = "20260101T120000Z-0123ab"
NODES = ["node-2", "node-3", "node-1"]
ONE_STEP, TWO_STEPS, STALE = "1.13.4-snat-native", "1.18.12-snat-native", "1.13.4-stale-agents"
GENEVE = {"dsr": {"dispatch": "geneve"}}


class Taken:
    """A run that took every step of its plan, and what its record says."""

    def __init__(self, name: str, tunings: dict | None = None) -> None:
        self.before = model.load(name)
        chosen = policy.parse(tunings)
        self.plan = plan.plan(self.before, judge.judge(self.before, chosen), chosen)
        self.now, self.entries, self.revisions = copy.deepcopy(self.before), [], {}
        for step in self.plan["steps"]:
            self.take(step)

    def take(self, step: dict) -> None:
        former = self.now["release"]["revision"]
        self.remember()
        model.apply_step(self.now, step)
        self.describe(f"fastpath {RUN}: set something")
        self.entries += [
            {"step": step["id"], "event": "started", "former_revision": former, "nodes": step["nodes"],
             "reached": ["endpoint/icmp"] if step["reach"] else []},
            {"step": step["id"], "event": "applied", "revision": self.now["release"]["revision"]},
            {"step": step["id"], "event": "rolled", "nodes": {node: {"state": "restarted_verified"} for node in step["nodes"]}},
            {"step": step["id"], "event": "done"},
        ]

    def remember(self) -> None:
        release = self.now["release"]
        self.revisions[release["revision"]] = copy.deepcopy((release["values"], self.now["config"]["data"]))

    def describe(self, description: str, status: str = "deployed") -> None:
        self.now["release"].update(description=description, status=status)

    @property
    def record(self) -> dict:
        return {"run": {"id": RUN}, "plan": self.plan, "facts": self.before, "undo": journal.undo_steps(self.entries)}

    def refusal(self, number: int = 0) -> str | None:
        return undo.refusal(RUN, self.record, self.record["undo"][number], self.now)

    def way(self, number: int = 0) -> dict:
        return undo.way_back(RUN, self.record, self.record["undo"][number], self.now)

    def helm_rollback(self, revision: int) -> None:
        """As `helm rollback` leaves it: a copy, described in Helm's own words."""
        self.remember()
        values, data = copy.deepcopy(self.revisions[revision])
        self.now["release"].update(values=values, revision=self.now["release"]["revision"] + 1)
        self.now["config"]["data"], self.now["manifest_config"] = data, dict(data)
        for agent in self.now["agents"]:
            agent["config_current"] = False
        self.describe(f"Rollback to {revision}")

    def take_back(self) -> None:
        """The last step that stands, as the role rollback does it."""
        assert self.refusal() is None
        way, entry = self.way(), self.record["undo"][0]
        self.helm_rollback(way["revision"])
        model.restart(self.now, way["nodes"])
        assert gate.gate(way["before"], self.now, way) == []
        self.entries.append({"step": entry["id"], "event": "undone"})

    def cut_short(self, *restarted: str) -> None:
        """The last step ended after these nodes."""
        step = self.plan["steps"][-1]
        self.entries = [entry for entry in self.entries if entry["step"] != step["id"] or entry["event"] in ("started", "applied")]
        before = {agent["node"]: agent for agent in self.before["agents"]}
        for agent in self.now["agents"]:
            if agent["node"] not in restarted:
                agent.update(copy.deepcopy(before[agent["node"]]), config_current=False)

    def join(self, node: str) -> None:
        self.now["nodes"].append(dict(self.now["nodes"][-1], name=node))
        self.now["agents"].append(dict(copy.deepcopy(self.now["agents"][-1]), node=node, uid=f"uid-{node}"))

    def leave(self, node: str) -> None:
        self.now["nodes"] = [entry for entry in self.now["nodes"] if entry["name"] != node]
        self.now["agents"] = [entry for entry in self.now["agents"] if entry["node"] != node]
        self.now["daemonset"].update(desired=2, current=2, updated=2, ready=2, available=2)


@pytest.mark.parametrize("name, tunings, steps", [
    (ONE_STEP, None, 1), (TWO_STEPS, None, 2), (TWO_STEPS, GENEVE, 2), ("1.20.0-snat-native", GENEVE, 2)])
def test_every_step_goes_back_though_helm_words_its_rollback_by_itself(name, tunings, steps):
    run = Taken(name, tunings)
    assert len(run.record["undo"]) == steps
    for _each in range(steps):
        run.take_back()
    assert run.record["undo"] == [] and model.settings(run.now) == model.settings(run.before)


def test_the_way_back_of_a_step_that_was_done():
    way = Taken(ONE_STEP).way()
    assert way["revision"] == 3 and way["current"] == 4
    assert way["nodes"] == ["node-1", "node-3", "node-2"]
    assert way["config"] == {"bpf-lb-mode": None, "bpf-lb-dsr-dispatch": None}
    assert way["expect"] == {"nodeport_mode": "snat"}


def test_of_a_step_cut_short_only_those_that_may_run_its_configuration_are_restarted():
    run = Taken(ONE_STEP)
    assert run.way()["spared"] == []
    run.cut_short("node-2")
    assert run.way()["nodes"] == ["node-2"] and run.way()["spared"] == ["node-1", "node-3"]


def test_values_that_are_back_already_are_not_put_back_again():
    run = Taken(ONE_STEP)
    run.remember()
    run.now["release"].update(revision=3, description="Upgrade complete")
    assert run.refusal() is None and run.way()["revision"] is None


def test_a_node_that_joined_runs_the_steps_configuration_and_is_taken_back_too():
    run = Taken(ONE_STEP)
    run.join("node-4")
    assert run.way()["nodes"] == ["node-1", "node-3", "node-2", "node-4"]
    run.now["agents"][-1].update(restarts=3)
    run.now["daemonset"].update(desired=4, current=4, updated=4, ready=4, available=4)
    way = run.way()
    run.helm_rollback(3)
    model.restart(run.now, way["nodes"][:3])
    assert gate.gate(way["before"], run.now, way) == [
        "The agent of node-4 started before the last change of cilium-config.", "The agent of node-4 runs nodeport_mode dsr, "
        "expected snat."]


def test_a_node_that_joined_a_step_without_restarts_is_left_alone():
    run = Taken(ONE_STEP)
    run.entries[0]["nodes"] = []
    run.entries[2]["nodes"] = {}
    run.join("node-4")
    assert run.way()["nodes"] == []


def test_a_node_that_left_is_neither_restarted_nor_missed():
    run = Taken(ONE_STEP)
    run.leave("node-3")
    assert run.way()["nodes"] == ["node-1", "node-2"]
    run.take_back()


def test_a_node_that_is_lost_on_the_way_back_is_missed():
    run = Taken(ONE_STEP)
    way = run.way()
    run.helm_rollback(3)
    model.restart(run.now, way["nodes"])
    run.now["nodes"][1]["ready"] = False
    assert gate.gate(way["before"], run.now, way) == ["Node node-2 was Ready before the step and is not Ready."]


def test_agents_that_cannot_be_read_are_all_to_be_restarted():
    run = Taken(ONE_STEP)
    run.now["agents"] = None
    assert run.way()["nodes"] == ["node-1", "node-3", "node-2"]


def test_an_old_pod_whose_container_started_anew_may_run_the_steps_configuration():
    run = Taken(ONE_STEP)
    run.cut_short("node-2")
    run.now["agents"][0]["restarts"] += 1
    assert run.way()["nodes"] == ["node-1", "node-2"]


def test_a_foreign_change_is_kept():
    run = Taken(ONE_STEP)
    run.now["release"].update(revision=5, description="Upgrade complete")
    assert run.refusal() == (f"The release is at revision 5 (Upgrade complete), which run {RUN} did not make; somebody else's "
                             "change is kept. To go back all the same: helm rollback to revision 3.")


@pytest.mark.parametrize("change, words", [
    (lambda facts: facts["cluster"].update(uid="other"), "changed another cluster"),
    (lambda facts: facts["cluster"].update(uid=None), "changed another cluster"),
    (lambda facts: facts.update(release=None), "could not be read"),
])
def test_what_cannot_be_proved_is_refused(change, words):
    run = Taken(ONE_STEP)
    change(run.now)
    assert words in run.refusal()


def test_agents_that_were_only_restarted_cannot_run_what_stands_nowhere_any_more():
    run = Taken(STALE)
    assert run.plan["steps"][0]["values"] == {}
    assert run.refusal() == (
        "Step 1-dsr-switch changed no value, it restarted agents (node-1, node-2, node-3) into what cilium-config says; what "
        "they ran before stands nowhere any more. To go back, select the former options with tune.yml, or take back the run that "
        "changed the values.")


def test_agents_that_were_not_even_restarted_have_nothing_to_go_back_to():
    run = Taken(STALE)
    run.cut_short()
    run.now["agents"] = copy.deepcopy(run.before["agents"])
    assert run.refusal() is None
    assert run.way() == {"revision": None, "current": run.before["release"]["revision"], "nodes": [], "spared": [],
                         "config": {}, "expect": {}, "reached": [], "node_configs": [], "renew": [], "expect_nodes": {},
                         "before": run.way()["before"], "chart_config": None, "former_values": {}, "kube_proxy": None}


@pytest.mark.parametrize("facts", [None, {}, {"schema": 1}, {"schema": 1, "agents": [None, 5], "nodes": "x", "release": []}])
def test_no_facts_are_an_exception(facts):
    run = Taken(ONE_STEP)
    run.now = facts
    assert run.refusal()
    run.way()


def test_a_tunnel_that_is_put_back_must_reach_what_it_reached():
    run = Taken("1.13.4-tunnel-vxlan", {"native_routing": {}})
    way = run.way()
    assert (way["reached"], way["config"]["tunnel"], way["expect"]) == (["endpoint/icmp"], "vxlan", {"routing_mode": "tunnel"})
    assert Taken(ONE_STEP).way()["reached"] == []


# Cut off at every point.


class Story:
    """A run that takes a cluster of 1.18 from SNAT to DSR, as far as it is told to."""

    def __init__(self, config: bool = True) -> None:
        self.facts = model.load("1.18.12-snat-native")
        self.now = copy.deepcopy(self.facts)
        chosen = policy.parse(None)
        self.plan = plan.plan(self.facts, judge.judge(self.facts, chosen), chosen, ["dsr"])
        self.record = {"facts": self.facts, "plan": self.plan}
        self.entries: list[dict] = []
        self.config = config

    def begin(self, index: int) -> None:
        step = self.plan["steps"][index]
        entry = {"event": "started", "step": step["id"], "nodes": step["nodes"],
                 "former_revision": self.now["release"]["revision"]}
        if self.config:
            entry["former_config"] = dict(self.now["config"]["data"])
        self.entries.append(entry)

    def apply(self, index: int) -> None:
        model.upgrade(self.now, self.plan["steps"][index]["values"])
        self.now["release"]["description"] = f"set values [fastpath {RUN}]"

    def finish(self, index: int) -> None:
        step = self.plan["steps"][index]
        model.restart(self.now, step["nodes"])
        rolled = {node: {"state": "restarted_verified"} for node in step["nodes"]}
        self.entries += [{"event": "rolled", "step": step["id"], "nodes": rolled}, {"event": "done", "step": step["id"]}]

    def whole(self, index: int) -> None:
        self.begin(index)
        self.apply(index)
        self.finish(index)

    def back(self, revision: int, values: dict, description: str) -> None:
        """Somebody's rollback: another revision with former values."""
        self.now["release"].update(values=values, description=description)
        self.now["release"]["revision"] += 1

    def entry(self, index: int) -> dict:
        wanted = self.plan["steps"][index]["id"]
        return next(entry for entry in journal.undo_steps(self.entries) if entry["id"] == wanted)

    def refusal(self, index: int) -> str | None:
        return undo.refusal(RUN, self.record, self.entry(index), self.now)

    def way_back(self, index: int) -> dict:
        return undo.way_back(RUN, self.record, self.entry(index), self.now)


def both() -> Story:
    story = Story()
    story.whole(0)
    story.whole(1)
    return story


def test_the_last_step_is_taken_back_to_the_revision_between_and_to_what_was_there_then():
    story = both()
    assert story.refusal(1) is None
    way = story.way_back(1)
    assert (way["revision"], way["current"], way["nodes"]) == (4, 5, NODES[::-1])
    assert way["config"]["bpf-lb-mode"] == "snat" and way["expect"]["nodeport_mode"] == "snat"


def test_the_first_step_follows_helms_own_rollback_of_the_second():
    story = both()
    between = copy.deepcopy(story.facts["release"]["values"])
    for path, value in story.plan["steps"][0]["values"].items():
        model.put(between, path, value)
    story.back(4, between, "Rollback to 4")
    assert story.refusal(0) is None
    way = story.way_back(0)
    assert (way["revision"], way["current"]) == (3, 6)
    assert way["config"]["bpf-lb-mode-annotation"] == "false"


@pytest.mark.parametrize("description", ["Upgrade complete", "Rollback to 2", "set by hand"])
def test_what_somebody_else_made_of_the_release_is_kept(description):
    story = both()
    story.back(2, {"loadBalancer": {"mode": "hybrid"}}, description)
    assert "somebody else's change is kept" in (story.refusal(1) or "")


def test_a_step_that_was_cut_off_before_helm_needs_no_way_back():
    story = Story()
    story.begin(0)
    assert story.refusal(0) is None
    assert (story.way_back(0)["revision"], story.way_back(0)["nodes"]) == (None, [])


def test_a_step_that_was_cut_off_after_helm_restarts_only_who_has_started_since():
    story = Story()
    story.begin(0)
    story.apply(0)
    model.restart(story.now, ["node-3"])
    assert story.refusal(0) is None
    assert (story.way_back(0)["revision"], story.way_back(0)["nodes"]) == (3, ["node-3"])


def test_keys_that_an_earlier_step_brought_along_are_expected_after_the_later_one_is_taken_back():
    story = Story()
    story.whole(0)
    # What a chart writes beside what the step asked for.
    key = next(key for key in story.plan["steps"][1]["config"] if key not in story.plan["steps"][0]["config"]) if (
        set(story.plan["steps"][1]["config"]) - set(story.plan["steps"][0]["config"])) else "bpf-lb-mode"
    story.now["config"]["data"][key] = "brought along"
    story.begin(1)
    assert story.way_back(1)["config"][key] == "brought along"


def test_a_journal_without_the_former_configuration_leaves_what_the_steps_asked_for():
    story = Story(config=False)
    story.whole(0)
    story.whole(1)
    assert story.way_back(1)["config"]["bpf-lb-mode"] == "snat"
    assert story.way_back(0)["config"]["bpf-lb-mode-annotation"] == "false"


def test_another_cluster_or_a_release_that_cannot_be_read_is_left_alone():
    story = both()
    assert "another cluster" in (undo.refusal(RUN, story.record, story.entry(1), {**story.now, "cluster": {"uid": "x"}}) or "")
    unread = {**story.now, "release": None, "release_found": None}
    assert "could not be read" in (undo.refusal(RUN, story.record, story.entry(1), unread) or "")


@pytest.mark.parametrize("record, entry, facts", [({}, {}, None), ({"plan": 1, "facts": []}, {"id": 3}, {}), ({"plan": {"steps": [1]}}, {"nodes": "x"}, [])])
def test_garbage_is_refused_and_never_an_exception(record, entry, facts):
    assert undo.refusal(RUN, record, entry, facts)
    assert undo.way_back(RUN, record, entry, facts)["revision"] is None


# Through the HelmChartConfig of K3s and RKE2

def owned(config):
    resource = None if config == "unread" else {"config": config}
    return {"kind": "k3s_helm_chart", "name": "rke2-cilium", "namespace": "system", "evidence": "", "resource": resource,
            "release": {"name": "rke2-cilium", "namespace": "kube-system"}}


def through_owner(name=ONE_STEP):
    """As after a run with fastpath_owner_apply: helm-controller's Helm describes revisions in its own words."""
    run = Taken(name)
    run.before["owner"] = owned(None)
    run.now["owner"] = owned({"run": RUN, "back": False})
    run.describe("Upgrade complete")
    return run


def test_the_way_back_names_the_helm_chart_config_and_the_former_values():
    run = through_owner()
    assert run.refusal() is None, "whose change it is is seen by the module"
    way = run.way()
    assert way["chart_config"] == {"name": "rke2-cilium", "namespace": "system", "release_name": "rke2-cilium"}
    assert way["former_values"] == run.plan["steps"][0]["former_values"] and way["nodes"]
    assert Taken(ONE_STEP).way()["chart_config"] is None


def test_agents_older_than_the_steps_configuration_are_spared_until_the_values_are_back():
    run = through_owner()
    run.cut_short("node-2")
    assert run.way()["nodes"] == ["node-2"]
    for config in ({"run": RUN, "back": True}, None, {"run": None, "back": False}):
        # The former configuration is in force again: who is older than it may run the step's.
        run.now["owner"] = owned(config)
        for agent in run.now["agents"]:
            agent["config_current"] = False
        assert "node-2" in run.way()["nodes"], config


@pytest.mark.parametrize("resource", ["unread", [], {"run": 5}])
def test_garbled_owners_of_now_raise_nothing(resource):
    run = through_owner()
    run.now["owner"] = owned(resource)
    assert run.way()["chart_config"]["name"] == "rke2-cilium"


# What another run rests on, and what neither values nor revision tell.

REPLACED = {"kube_proxy_replacement": {"api_host": "10.0.0.10", "api_port": 6443}}


def replaced(steps: int) -> Taken:
    """A run that had Cilium take Services over, killed after so many of its three steps."""
    run = Taken("1.14.19-kpr-off", REPLACED)
    begun = {step["id"] for step in run.plan["steps"][:steps]}
    run.entries = [entry for entry in run.entries if entry["step"] in begun]
    return run


def test_what_the_replacement_of_kube_proxy_brought_along_is_not_expected_gone_after_a_later_step_is_taken_back():
    run = Taken("1.14.19-kpr-off", {**REPLACED, "socket_lb": {}})
    way, last = run.way(), run.record["undo"][0]["id"]
    assert "socket_lb" in run.plan["steps"][-1]["tunings"] and last == run.plan["steps"][-1]["id"]
    assert run.plan["steps"][-1]["expect"]["socket_lb"] == "enabled" and "socket_lb" not in way["expect"]
    alone = Taken("1.14.19-kpr-off", {"socket_lb": {}})
    assert "socket_lb" in alone.way()["expect"], "without it, what agents showed at first is proved"


def test_services_are_not_given_up_while_another_run_keeps_kube_proxy_off():
    run = replaced(2)
    assert run.now["kube_proxy"]["desired"] == 0
    for number in range(2):
        assert "kube-proxy does not run any more. Take back the run that keeps it off" in run.refusal(number)
    run.now["kube_proxy"] = copy.deepcopy(run.before["kube_proxy"])
    assert run.refusal() is None


def test_where_kube_proxy_cannot_be_read_services_are_not_given_up():
    run = replaced(2)
    run.now["kube_proxy"] = None
    assert "whether kube-proxy runs could not be read" in run.refusal()


def test_a_run_that_keeps_kube_proxy_off_itself_goes_back_and_can_be_previewed():
    run = replaced(3)
    assert [run.refusal(number) for number in range(3)] == [None, None, None]


@pytest.mark.parametrize("name, ours, refused", [
    ("fastpath-xdp-1", True, True), ("fastpath-canary", True, True), ("fastpath-xdp-1", False, False), ("theirs", True, False)])
def test_values_stay_while_another_run_gave_nodes_a_configuration_that_may_need_them(name, ours, refused):
    run = Taken(ONE_STEP)
    run.now["node_configs"] = [mixed.node_config(name, ["node-2"], {"a": "b"}, **({} if ours else {"labels": {}}))]
    assert bool(run.refusal()) is refused and (not refused or f"CiliumNodeConfig {name} was written after the run" in run.refusal())
    run.before["node_configs"] = run.now["node_configs"]
    assert run.refusal() is None


def test_values_stay_where_it_cannot_be_read_any_more_whether_there_is_such_a_configuration():
    run = Taken(ONE_STEP)
    run.before["node_configs"], run.now["node_configs"] = [], None
    assert "CiliumNodeConfigs could not be read" in run.refusal()
    run.before["node_configs"] = None
    assert run.refusal() is None
