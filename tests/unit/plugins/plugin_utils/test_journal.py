# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.plugin_utils import journal


def started(step, revision=3, nodes=("n1", "n2")):
    return {"event": "started", "step": step, "former_revision": revision, "nodes": list(nodes)}


def event(name, step, **more):
    return {"event": name, "step": step, **more}


WHOLE = [started("1-a"), event("applied", "1-a", revision=4), event("rolled", "1-a", nodes={"n1": {}, "n2": {}}),
         event("done", "1-a")]
SECOND = [started("2-b", 4, ["n2", "n3"]), event("applied", "2-b", revision=5)]


def test_nothing_begun_is_nothing_to_take_back():
    assert journal.undo_steps([]) == [] and journal.steps([]) == []
    assert journal.node_states([], ["n1"]) == {"n1": "untouched"}


def test_the_last_step_is_taken_back_first_with_every_node_it_may_have_reached():
    second, first = journal.undo_steps(WHOLE + SECOND)
    assert (second["id"], second["former_revision"], second["revision"], second["state"]) == ("2-b", 4, 5, "applied")
    assert second["nodes"] == ["n3", "n2"], "no agent was restarted by us, any may have restarted by itself"
    assert (first["id"], first["former_revision"], first["nodes"]) == ("1-a", 3, ["n2", "n1"])


def test_what_was_taken_back_stays_so():
    entries = WHOLE + SECOND + [event("undone", "2-b")]
    assert [step["id"] for step in journal.undo_steps(entries)] == ["1-a"]
    assert journal.undo_steps(entries + [event("undone", "1-a")]) == []


@pytest.mark.parametrize("entries, states", [
    (WHOLE, {"n1": "changed", "n2": "changed", "n3": "untouched"}),
    (WHOLE + SECOND, {"n1": "changed", "n2": "unknown", "n3": "unknown"}),
    (WHOLE + SECOND + [event("undone", "2-b")], {"n1": "changed", "n2": "changed", "n3": "rolled_back"}),
    (WHOLE + SECOND + [event("undone", "2-b"), event("undone", "1-a")],
     {"n1": "rolled_back", "n2": "rolled_back", "n3": "rolled_back"}),
    (SECOND + [event("rolled", "2-b", nodes={"n2": {"state": "failed"}, "n3": {"state": "untouched"}})],
     {"n1": "untouched", "n2": "unknown", "n3": "untouched"}),
])
def test_every_node_has_one_of_four_states(entries, states):
    assert journal.node_states(entries, ["n1", "n2", "n3"]) == states


def test_a_step_begun_again_goes_back_to_what_was_there_first():
    step, = journal.undo_steps(SECOND + [started("2-b", 5, ["n3"])])
    assert (step["former_revision"], step["state"], step["nodes"]) == (4, "started", ["n3", "n2"])
    step, = journal.undo_steps(SECOND + [event("undone", "2-b"), started("2-b", 6, ["n3"])])
    assert (step["former_revision"], step["nodes"]) == (6, ["n3"])


@pytest.mark.parametrize("entry, words", [
    ({}, "must be one of"), ({"event": "begun", "step": "s"}, "must be one of"), ({"event": "done"}, "needs step"),
    ({"event": "started", "step": "s", "nodes": []}, "needs former_revision"),
    ({"event": "started", "step": "s", "former_revision": 3}, "needs nodes"),
    ({"event": "started", "step": "s", "former_revision": None, "nodes": []}, "needs former_revision"),
    ({"event": "applied", "step": "s"}, "needs revision"), ({"event": "rolled", "step": "s", "nodes": []}, "needs nodes"),
])
def test_entries_that_a_rollback_could_not_use_are_refused(entry, words):
    with pytest.raises(journal.JournalError, match=words):
        journal.checked(entry)


def test_whole_entries_are_taken():
    for entry in WHOLE + SECOND + [event("undone", "2-b")]:
        assert journal.checked(entry) == entry


@given(st.lists(st.sampled_from(
    [started("a", 1), started("b", 2)] + [event(name, step, revision=9, nodes={"n9": {}})
                                          for name in ("applied", "rolled", "done", "undone") for step in ("a", "b", "c")])))
def test_any_order_of_entries_is_read_and_a_step_stands_until_it_is_undone(entries):
    standing = {step["id"] for step in journal.undo_steps(entries)}
    for name in ("a", "b"):
        own = [entry["event"] for entry in entries if entry["step"] == name]
        begun = "started" in own
        after = own[own.index("started"):] if begun else []
        assert (name in standing) == (begun and after[-1] != "undone")
    assert set(journal.node_states(entries).values()) <= {"untouched", "changed", "rolled_back", "unknown"}


def test_configurations_of_single_nodes_are_remembered_as_the_first_beginning_found_them():
    first = {"name": "fastpath-bbr", "object": None}
    again = {"name": "fastpath-bbr", "object": {"spec": {}}}
    other = {"name": "fastpath-xdp", "object": None}
    begun = {"step": "1-x", "event": "started", "former_revision": 3, "nodes": []}
    step, = journal.steps([{**begun, "former_node_configs": [first]}, {**begun, "former_node_configs": [again, other, {}, None]}])
    assert step["former_node_configs"] == [first, other]
    assert journal.steps([begun])[0]["former_node_configs"] == []


def test_what_worked_between_nodes_before_the_first_beginning_is_what_must_work_again():
    first = {**started("1-a"), "reached": ["endpoint/icmp", "host/http"]}
    step, = journal.undo_steps([first, {**started("1-a"), "reached": []}])
    assert step["reached"] == ["endpoint/icmp", "host/http"]
    assert journal.undo_steps([started("1-a")])[0]["reached"] == []


def test_an_agent_that_had_not_started_since_before_the_step_is_untouched_whatever_became_of_the_others():
    begun = [started("1-a", nodes=["n1", "n2", "n3"]), event("rolled", "1-a", nodes={"n2": {"state": "failed"}})]
    back = event("unrolled", "1-a", nodes={"n2": {"state": "failed"}}, spared=["n1"])
    assert journal.node_states([*begun, back]) == {"n1": "untouched", "n2": "unknown", "n3": "unknown"}
    # A later attempt looks again: one that has started by itself meanwhile is not spared any more.
    again = event("unrolled", "1-a", nodes={"n2": {"state": "failed"}}, spared=[])
    assert journal.node_states([*begun, back, again])["n1"] == "unknown"
    assert journal.node_states([*begun, event("unrolled", "1-a", nodes={}, spared=["n2"])])["n2"] == "unknown"
