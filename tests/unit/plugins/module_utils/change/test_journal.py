# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Garbled
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Journal, parsed

FOLDER = "/var/lib/fastpath-cilium/run-1"


def begin(key, former, boot="boot-1"):
    return {"event": "begin", "key": key, "op": {"kind": "link"}, "former": former, "boot_id": boot}


@pytest.fixture
def journal(host):
    Path(host.at(FOLDER)).mkdir(parents=True)
    return Journal(host, "run-1")


def text(host):
    return Path(host.at(FOLDER + "/journal.jsonl"))


def test_the_first_original_stays_whatever_comes_after_it(host, journal):
    journal.add(begin("a", {"v": 1}), {"event": "done", "key": "a", "state": {"v": 2}}, begin("b", {"v": 7}))
    journal.add(begin("a", {"v": 2}), {"event": "done", "key": "a", "state": {"v": 3}})
    again = Journal(host, "run-1")
    top = again.top("a")
    assert again.first("a") == {"v": 1} and (top.before, top.ours, top.state) == ({"v": 2}, {"v": 3}, "done")
    again.add({"event": "undoing", "key": "a"}, {"event": "undone", "key": "a"})
    assert (again.top("a").before, again.top("a").ours, again.top("a").state) == ({"v": 1}, {"v": 2}, "done")
    again.add({"event": "undone", "key": "a"})
    assert again.top("a") is None and Journal(host, "run-1").top("b").before == {"v": 7}


@pytest.mark.parametrize("cut_short", ([], [{"event": "done", "key": "a", "state": {}}, {"event": "undoing", "key": "a"}]))
def test_what_an_unfinished_op_left_is_no_state_to_go_back_to(host, journal, cut_short):
    journal.add(begin("a", {"v": 1}), *cut_short)
    journal.add(begin("a", {"v": "half"}))
    again = Journal(host, "run-1")
    assert again.first("a") == {"v": 1} and len(again.entries["a"]) == 1


def test_taken_back_and_done_again_begins_anew(host, journal):
    journal.add(begin("a", {"v": 1}), {"event": "undone", "key": "a"}, begin("a", {"v": 5}))
    assert Journal(host, "run-1").first("a") == {"v": 5}


def test_the_way_back_begins_with_the_last_op(host, journal):
    done = [{"event": "done", "key": key, "state": {}} for key in "ab"]
    journal.add(begin("a", {}), done[0], begin("b", {}), done[1], begin("a", {}), begin("c", {}), {"event": "undone", "key": "c"})
    assert [one.key for one in journal.standing()] == ["a", "b", "a"] and [one.key for one in journal.standing(5)] == ["a"]
    journal.add({"event": "kept", "key": "b"}, {"event": "gone", "key": "a"})
    assert [one.key for one in journal.standing()] == ["b"] and journal.top("b").kept


def test_cut_off_anywhere_the_whole_lines_before_count_and_writing_goes_on(host, journal):
    journal.add(begin("a", {"v": 1}), begin("b", {"v": 2}))
    whole = text(host).read_bytes()
    ends = [number + 1 for number, byte in enumerate(whole) if byte == 10]
    for length in range(len(whole)):
        text(host).write_bytes(whole[:length])
        again = Journal(host, "run-1")
        assert again.place == sum(end <= length for end in ends)
        again.add(begin("c", {"v": 3}))
        last = Journal(host, "run-1")
        assert last.first("c") == {"v": 3} and last.place == max(again.place, 2)
        assert all(parsed(line) for line in text(host).read_bytes().splitlines())


def test_a_line_of_zeros_at_the_end_is_what_a_power_cut_leaves(host, journal):
    journal.add(begin("a", {"v": 1}))
    with text(host).open("ab") as file:
        file.write(b"\0" * 300 + b"\n")
    again = Journal(host, "run-1")
    assert list(again.entries) == ["a"]
    again.add(begin("b", {}))
    assert list(Journal(host, "run-1").entries) == ["a", "b"]


@pytest.mark.parametrize("line", (b"no json", b"[]", b'{"event": "begin"}', b'{"event": "new"}', b"\xff"))
def test_a_line_in_the_middle_that_is_none_stops_everything(host, journal, line):
    journal.add(begin("a", {"v": 1}))
    text(host).write_bytes(text(host).read_bytes() + line + b"\n" + json.dumps(begin("b", {})).encode() + b"\n")
    with pytest.raises(Garbled, match="Line 3 of /var/lib/fastpath-cilium/run-1/journal.jsonl is no entry"):
        Journal(host, "run-1")


def test_reading_writes_nothing_and_the_file_is_private(host, journal):
    assert journal.events == [] and not text(host).exists()
    journal.add(begin("a", {}))
    assert text(host).stat().st_mode & 0o777 == 0o600
    assert journal.last("begin", "done")["key"] == "a" and journal.last("armed") is None


def test_what_waits_is_what_the_last_arming_left_unless_it_went_off(host, journal):
    assert journal.withheld() == []
    journal.add({"event": "withheld", "ops": [1]}, {"event": "withheld", "ops": [2]})
    assert journal.withheld() == [2]
    journal.add({"event": "fired"})
    assert journal.withheld() == []
