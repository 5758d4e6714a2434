# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.apply import Request as Ask, apply, finish
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Conflict, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.places import BASE, holder
from ansible_collections.fastpath.cilium.plugins.module_utils.change.revert import Request, revert
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot

SOMAXCONN = "/proc/sys/net/core/somaxconn"
VALUE = {"kind": "value", "path": SOMAXCONN, "value": "4096"}
MTU = {"kind": "link", "device": "eth0", "mtu": 9000}


def test_nothing_of_the_run_is_left_and_the_second_time_nothing_is_done(host):
    before = snapshot(host)
    apply(host, Ask("run-1", [VALUE]))
    found = revert(host, Request("run-1"))
    assert found["changed"] and found["journal"] == "removed" and found["ops"][0]["outcome"] == "restored"
    header = "value " + SOMAXCONN
    assert found["diff"] == [{"before_header": header, "after_header": header, "before": "4096\n", "after": "128\n"}]
    assert not differences(snapshot(host), before)
    assert revert(host, Request("run-1")) == {"changed": False, "ops": [], "diff": [], "journal": "absent"}


def test_check_mode_tells_and_changes_nothing(host):
    assert not revert(host, Request("run-1", check=True))["changed"]
    apply(host, Ask("run-1", [VALUE]))
    before = snapshot(host)
    found = revert(host, Request("run-1", check=True))
    assert found["changed"] and found["ops"][0]["outcome"] == "restored" and found["journal"] == "kept"
    assert not differences(snapshot(host), before)


def test_a_finished_run_is_taken_back_and_locks_no_one_out(host):
    before = snapshot(host)
    apply(host, Ask("run-1", [VALUE]))
    finish(host, Ask("run-1", []))
    revert(host, Request("run-1"))
    assert not differences(snapshot(host), before)


@pytest.mark.parametrize("choice, kept, left", (
    ("auto", False, False), ("auto", True, True), ("remove", True, False), ("keep", False, True)))
def test_what_happens_to_the_journal(host, choice, kept, left):
    apply(host, Ask("run-1", [VALUE]))
    if kept:
        host.lay(SOMAXCONN, "777\n")
    found = revert(host, Request("run-1", journal=choice))
    assert host.exists(BASE + "/run-1") == left and found["journal"] == ("kept" if left else "removed")
    assert holder(host) is None and found["ops"][0]["outcome"] == ("kept" if kept else "restored")


def test_a_failure_keeps_journal_and_lock_and_names_what_is_left(host, monkeypatch):
    apply(host, Ask("run-1", [VALUE]))
    monkeypatch.setattr(host, "put", lambda name, text: None)
    with pytest.raises(ChangeError, match="Not everything could be taken back: value .* The journal is kept") as caught:
        revert(host, Request("run-1", journal="remove"))
    assert caught.value.details["undone"][0]["outcome"] == "failed" and holder(host) == "run-1"
    monkeypatch.undo()
    assert revert(host, Request("run-1"))["journal"] == "removed"


def test_an_armed_run_is_disarmed_with_it(host):
    before = snapshot(host)
    apply(host, Ask("run-1", [MTU]))
    assert host.machine()["timers"]
    revert(host, Request("run-1"))
    assert not differences(snapshot(host), before)


def test_another_runs_lock_is_in_the_way_and_no_run_id_is_a_path(host):
    apply(host, Ask("run-2", [{**VALUE, "value": "1024"}]))
    finish(host, Ask("run-2", []))
    apply(host, Ask("run-1", [VALUE]))
    with pytest.raises(Conflict, match="Run run-1 is in progress"):
        revert(host, Request("run-2"))
    with pytest.raises(Refused):
        revert(host, Request("../../etc"))
    assert host.text(SOMAXCONN) == "4096\n"


def test_a_run_that_changed_nothing_here_has_nothing_to_quarrel_about(host):
    apply(host, Ask("run-1", [VALUE]))
    before = snapshot(host)
    for check in (True, False):
        assert revert(host, Request("run-2", check=check)) == {"changed": False, "ops": [], "diff": [], "journal": "absent"}
    assert not differences(snapshot(host), before) and holder(host) == "run-1"
