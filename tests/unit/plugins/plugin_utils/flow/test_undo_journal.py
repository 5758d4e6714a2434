# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The way back of a run in two steps, from every point at which it can be cut off."""
from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import journal, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan, undo
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

RUN = "20261101T090000Z-abcdef"
NODES = ["node-2", "node-3", "node-1"]


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
