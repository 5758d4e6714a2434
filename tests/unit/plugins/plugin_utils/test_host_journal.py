# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import host_journal, journal

CHANGE = {"key": "value /x", "former": "a", "new": "b"}


def entry(event, host="rack-1", run_id="run", **more):
    return journal.checked({"event": f"host_{event}", "host": host, "run_id": run_id, **more})


def started(host="rack-1", node="node-1", run_id="run"):
    return entry("started", host, run_id, node=node, boot_id="b-1")


DONE = [started(), entry("applied", changes=[CHANGE]), entry("done", pending=["the live preemption model"])]
BACK = [*DONE, entry("undone", kept=["value /y was changed by somebody else since: kept as it is."])]


@pytest.mark.parametrize("entries, state, node_state", [
    ([started()], "started", "unknown"), (DONE[:2], "applied", "unknown"), (DONE, "done", "changed"), (BACK, "undone", "rolled_back")])
def test_what_became_of_a_host_is_the_last_thing_that_was_written(entries, state, node_state):
    assert [record["state"] for record in host_journal.hosts(entries)] == [state]
    assert journal.node_states(entries, ["node-1", "node-2"]) == {"node-1": node_state, "node-2": "untouched"}


def test_hosts_go_back_the_last_one_first_and_those_that_are_back_are_left_alone():
    entries = [*BACK, started("rack-2", "node-2"), started("rack-3", "node-3"), started("rack-2", "node-2", "run-again")]
    assert [(record["host"], record["run_id"]) for record in host_journal.undo_hosts(entries)] == [
        ("rack-2", "run-again"), ("rack-3", "run"), ("rack-2", "run")]


def test_a_host_that_was_changed_twice_counts_by_the_worse_of_both():
    entries = [*DONE, started(run_id="run-again")]
    assert journal.node_states(entries)["node-1"] == "unknown"
    assert journal.node_states([*entries, entry("done", run_id="run-again")])["node-1"] == "changed"


def test_the_result_tells_changes_and_what_is_pending_or_kept():
    [found] = host_journal.summary(BACK)
    assert found["changes"] == [CHANGE] and found["pending"] == ["the live preemption model"] and len(found["kept"]) == 1
    assert found["node"] == "node-1" and found["rebooted"] is False


def test_a_drained_node_is_known_until_it_is_back_in_service():
    entries = [started(), entry("drained", cordoned=False)]
    assert host_journal.hosts(entries)[0]["drained"] is True
    booted = [*entries, entry("booted", boot_id="b-2")]
    assert host_journal.hosts(booted)[0]["rebooted"] is True and host_journal.hosts(booted)[0]["drained"] is True
    assert host_journal.hosts([*booted, started()])[0]["drained"] is True, "begun again after a kill"
    assert host_journal.hosts([*booted, entry("done")])[0]["drained"] is False


def test_an_entry_needs_its_host_and_the_id_of_the_journal_there():
    with pytest.raises(journal.JournalError, match="host_started needs host"):
        journal.checked({"event": "host_started", "run_id": "run"})
    with pytest.raises(journal.JournalError, match="host_done needs run_id"):
        journal.checked({"event": "host_done", "host": "rack-1"})
    with pytest.raises(journal.JournalError, match="must be one of"):
        journal.checked({"event": "host_lost", "host": "rack-1", "run_id": "run"})


def test_entries_of_hosts_are_no_steps_and_those_of_steps_no_hosts():
    step = journal.checked({"event": "started", "step": "1-x", "former_revision": 1, "nodes": ["node-1"]})
    assert len(journal.steps([*DONE, step])) == 1 and len(host_journal.hosts([*DONE, step])) == 1
    assert host_journal.hosts([entry("done", "never-begun")]) == []
