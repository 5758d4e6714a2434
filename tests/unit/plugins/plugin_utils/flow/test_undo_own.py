# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import journal
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import undo
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow import mixed

RUN = "20260101T120000Z-0123ab"
WANTED = {"host_routing": {}}


class Taken:
    """A run of one step that gave node-3 a configuration of its own and changed no value."""

    def __init__(self) -> None:
        self.before = mixed.cluster()
        self.plan = mixed.made(self.before, WANTED)
        self.step, = self.plan["steps"]
        self.now = mixed.after(self.before, [self.step])
        self.now["agents"][2]["uid"] += "+"
        self.entries = [
            {"step": self.step["id"], "event": "started", "former_revision": 3, "nodes": self.step["nodes"],
             "former_node_configs": [{"name": "fastpath-host-routing", "object": None}]},
            {"step": self.step["id"], "event": "applied", "revision": 3},
            {"step": self.step["id"], "event": "rolled", "nodes": {"node-3": {"state": "restarted_verified"}}},
            {"step": self.step["id"], "event": "done"}]

    @property
    def record(self) -> dict:
        return {"run": {"id": RUN}, "plan": self.plan, "facts": self.before, "undo": journal.undo_steps(self.entries)}

    def refusal(self) -> str | None:
        return undo.refusal(RUN, self.record, self.record["undo"][0], self.now)

    def way(self) -> dict:
        return undo.way_back(RUN, self.record, self.record["undo"][0], self.now)


def test_the_way_back_restores_the_objects_and_restarts_their_nodes():
    run = Taken()
    assert run.step["values"] == {} and run.refusal() is None
    way = run.way()
    assert (way["revision"], way["nodes"], way["renew"]) == (None, ["node-3"], ["node-3"])
    assert way["node_configs"] == [{"name": "fastpath-host-routing", "state": "former", "object": None}]
    assert way["expect_nodes"] == {"node-3": {"host_routing": "legacy"}}


def test_who_was_not_restarted_is_spared():
    run = Taken()
    run.entries, run.now["agents"] = run.entries[:1], copy.deepcopy(run.before["agents"])
    assert run.refusal() is None and run.way()["nodes"] == [] and run.way()["renew"] == []


def test_a_kill_after_the_objects_are_back_still_restarts_their_nodes():
    run = Taken()
    run.entries, run.now["node_configs"] = run.entries[:3], []
    assert run.refusal() is None and run.way()["renew"] == ["node-3"]


def test_the_canary_is_part_of_the_way_back():
    run = Taken()
    run.step["canary"] = {"nodes": ["node-2"], "node_config": {"name": "fastpath-canary", "node_selector": {}, "defaults": {"a": "b"}}}
    run.entries[0]["nodes"] = ["node-2", "node-3"]
    run.entries[0]["former_node_configs"].append({"name": "fastpath-canary", "object": None})
    assert run.refusal() is None
    assert run.way()["renew"] == ["node-3", "node-2"]
    assert [config["name"] for config in run.way()["node_configs"]] == ["fastpath-host-routing", "fastpath-canary"]


@pytest.mark.parametrize("change", [
    lambda config: config["defaults"].update({"enable-host-legacy-routing": "false"}),
    lambda config: config["labels"].clear(),
    lambda config: config.update(node_selector={}),
])
def test_somebody_elses_change_is_kept(change):
    run = Taken()
    change(run.now["node_configs"][0])
    assert "somebody else's change is kept" in run.refusal()


def test_what_cannot_be_read_is_not_taken_back():
    run = Taken()
    run.now["node_configs"] = None
    assert "CiliumNodeConfigs could not be read" in run.refusal()


class Tried:
    """A run that was killed after its values were changed, when only the first node had started anew, by its own configuration."""

    def __init__(self) -> None:
        self.before = mixed.cluster(old=())
        self.plan = mixed.made(self.before, {"pmtu_discovery": {}}, canary=1)
        self.step, = self.plan["steps"]
        self.now = mixed.after(self.before, [{**self.step, "nodes": []}])
        self.now["release"].update(revision=4, description=f"set values [fastpath {RUN}]")
        for agent in self.now["agents"]:
            agent["config_current"] = False
        self.now["agents"][1].update(uid="uid-of-the-canary", created_at="2026-01-02T08:00:00Z")
        self.entries = [
            {"step": self.step["id"], "event": "started", "former_revision": 3, "nodes": self.step["nodes"],
             "former_config": self.before["config"]["data"], "former_node_configs": [{"name": "fastpath-canary", "object": None}]},
            {"step": self.step["id"], "event": "rolled", "nodes": {"node-2": {"state": "restarted_verified"}}}]

    def way(self) -> dict:
        record = {"run": {"id": RUN}, "plan": self.plan, "facts": self.before, "undo": journal.undo_steps(self.entries)}
        assert undo.refusal(RUN, record, record["undo"][0], self.now) is None
        return undo.way_back(RUN, record, record["undo"][0], self.now)


@pytest.mark.parametrize("there", [True, False])
def test_nodes_that_went_first_are_restarted_though_they_are_older_than_the_values(there):
    run = Tried()
    canary = run.step["canary"]["node_config"]
    run.now["node_configs"] = [mixed.node_config(canary["name"], ["node-2"], canary["defaults"])] if there else []
    way = run.way()
    assert (way["revision"], way["nodes"], way["renew"]) == (3, ["node-2"], ["node-2"])


def test_a_node_apart_that_started_by_itself_is_restarted_though_it_is_older_than_the_values():
    run = Tried()
    run.step.update(canary=None, node_configs=[run.step["canary"]["node_config"]], renew=["node-2"],
                    own_nodes={"fastpath-canary": ["node-2"]})
    assert run.way()["nodes"] == ["node-2"]
