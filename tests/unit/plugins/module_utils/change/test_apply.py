# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.apply import Request, apply, confirm, finish, forget
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Conflict, Gone, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Journal
from ansible_collections.fastpath.cilium.plugins.module_utils.change.places import BASE, holder
from ansible_collections.fastpath.cilium.plugins.module_utils.change.revert import Request as Back, revert
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot

SOMAXCONN = "/proc/sys/net/core/somaxconn"
VALUE = {"kind": "value", "path": SOMAXCONN, "value": "4096"}
SITE = {"kind": "file", "path": "/etc/sysctl.d/10-site.conf", "content": "net.core.somaxconn = 4096\n", "persist": True}
MTU = {"kind": "link", "device": "eth0", "mtu": 9000}
FAILS = {"kind": "unit", "name": "missing.service", "active": True}


def call(host, *ops, run_id="run-1", **more):
    return apply(host, Request(run_id, list(ops), **more))


def test_each_op_tells_former_and_new_and_the_journal_was_there_first(host, monkeypatch):
    journalled = []

    def put(name, text, really=host.put):
        journalled.append(Journal(host, "run-1").first("value " + SOMAXCONN))
        really(name, text)

    monkeypatch.setattr(host, "put", put)
    found = call(host, VALUE, SITE)
    assert found["changed"] and found["armed"] is None
    value, site = found["ops"]
    assert value == {"key": "value " + SOMAXCONN, "kind": "value", "persist": False, "state": "applied", "former": "128", "new": "4096",
                     "changed": True, "verified": True}
    assert (site["state"], site["former"]["size"], site["new"]["size"]) == ("applied", 25, 26)
    assert found["diff"][0]["before"] == "128\n" and found["diff"][1]["after"] == SITE["content"]
    assert journalled == [{"text": "128"}]
    assert holder(host) == "run-1"


def test_what_is_in_place_is_not_touched_and_leaves_nothing(host):
    before = snapshot(host)
    found = call(host, dict(VALUE, value="128"), dict(MTU, mtu=1500))
    assert not found["changed"] and found["diff"] == [] and {one["state"] for one in found["ops"]} == {"in_place"}
    assert not differences(snapshot(host), before) and call(host)["ops"] == []


def test_a_second_call_changes_nothing(host):
    call(host, VALUE, SITE)
    steps = len(host.steps)
    assert not call(host, VALUE, SITE)["changed"] and len(host.steps) == steps


def test_check_mode_tells_the_same_and_changes_nothing(host):
    before = snapshot(host)
    planned = call(host, VALUE, MTU, SITE, check=True)
    assert not differences(snapshot(host), before) and host.steps == []
    assert [one["state"] for one in planned["ops"]] == ["planned", "planned", "withheld"]
    done = call(host, VALUE, MTU, SITE)
    assert [(one["former"], one["new"], one["changed"]) for one in planned["ops"]] == [
        (one["former"], one["new"], one["changed"]) for one in done["ops"]]
    assert planned["diff"] == done["diff"] and planned["armed"] == done["armed"] == {"confirm_within": 60}


def test_runtime_comes_before_what_is_persisted_whatever_the_lists_order(host):
    call(host, SITE, VALUE)
    keys = [event["key"] for event in Journal(host, "run-1").events if event["event"] == "begin"]
    assert keys == ["value " + SOMAXCONN, "file /etc/sysctl.d/10-site.conf"]


def test_an_op_that_fails_takes_those_before_it_along_and_nothing_is_left(host):
    before = snapshot(host)
    with pytest.raises(ChangeError, match="missing.service not loaded. All of this call was taken back.") as caught:
        call(host, VALUE, SITE, FAILS)
    assert not differences(snapshot(host), before)
    assert {one["key"]: one["outcome"] for one in caught.value.details["undone"]} == {
        "value " + SOMAXCONN: "restored", "unit missing.service": "in_place"}


def test_a_call_that_fails_keeps_what_an_earlier_call_of_the_run_made(host):
    call(host, VALUE)
    with pytest.raises(ChangeError, match="taken back"):
        call(host, dict(VALUE, value="8192"), FAILS)
    assert host.text(SOMAXCONN) == "4096\n" and holder(host) == "run-1"
    revert(host, Back("run-1"))
    assert host.text(SOMAXCONN).strip() == "128"


def test_a_value_that_the_kernel_bends_is_a_failure(host, monkeypatch):
    monkeypatch.setattr(host, "put", lambda name, text, really=host.put: really(name, "1024" if text == "4096" else text))
    with pytest.raises(ChangeError, match="somaxconn is 1024 after it was set to 4096. All of this call was taken back"):
        call(host, VALUE)
    assert host.text(SOMAXCONN).strip() == "128" and not host.exists(BASE)


def test_what_cannot_be_taken_back_after_a_failure_is_named_and_the_journal_stays(host, monkeypatch):
    def stuck(name, text, really=host.put):
        if text == "128":
            raise ChangeError("The value is stuck.")
        really(name, text)

    monkeypatch.setattr(host, "put", stuck)
    with pytest.raises(ChangeError, match="Not taken back: value /proc/sys/net/core/somaxconn: The value is stuck."):
        call(host, VALUE, FAILS)
    monkeypatch.undo()
    revert(host, Back("run-1"))
    assert host.text(SOMAXCONN).strip() == "128" and not host.exists(BASE)


@pytest.mark.parametrize("last, error", (
    ({"kind": "value", "path": "/proc/sys/net/none", "value": "1"}, Gone), ({"kind": "queues", "device": "eth0", "combined": 99}, Refused),
    ({"kind": "nonsense"}, Refused)))
def test_what_cannot_be_read_or_done_is_refused_before_anything_is_changed(host, last, error):
    before = snapshot(host)
    for check in (True, False):
        with pytest.raises(error):
            call(host, VALUE, last, check=check)
        assert not differences(snapshot(host), before)


def test_another_run_is_refused_until_this_one_is_finished(host):
    call(host, VALUE)
    for check in (True, False):
        with pytest.raises(Conflict, match="Run run-1 is in progress"):
            call(host, SITE, run_id="run-2", check=check)
    assert finish(host, Request("run-1", [], check=True))["changed"] and holder(host) == "run-1"
    assert finish(host, Request("run-1", []))["changed"] and not finish(host, Request("run-1", []))["changed"]
    assert call(host, SITE, run_id="run-2")["changed"]
    with pytest.raises(Conflict, match="Run run-2 is in progress"):
        revert(host, Back("run-1"))


def test_a_run_that_is_forgotten_leaves_its_changes_and_nothing_else(host):
    before = snapshot(host)
    call(host, VALUE)
    assert forget(host, Request("run-1", [], check=True))["changed"] and holder(host) == "run-1"
    assert forget(host, Request("run-1", []))["changed"] and not forget(host, Request("run-1", []))["changed"]
    assert host.text(SOMAXCONN).strip() == "4096" and not host.exists("/var/lib/fastpath-cilium")
    host.put(SOMAXCONN, "128")
    assert not differences(snapshot(host), before)


def test_a_run_that_waits_for_its_confirmation_is_not_forgotten(host):
    call(host, MTU)
    with pytest.raises(Conflict, match="confirm it first"):
        forget(host, Request("run-1", []))
    confirm(host, Request("run-1", []))
    forget(host, Request("run-1", []))


def test_a_run_is_taken_over_with_its_id_and_both_can_be_taken_back(host):
    before = snapshot(host)
    call(host, VALUE)
    call(host, dict(VALUE, value="8192"), run_id="run-2", takeover="run-1")
    revert(host, Back("run-2"))
    assert host.text(SOMAXCONN).strip() == "4096"
    revert(host, Back("run-1"))
    assert not differences(snapshot(host), before)


def test_what_somebody_else_changed_meanwhile_is_not_changed_again_by_the_run(host):
    call(host, VALUE)
    host.lay(SOMAXCONN, "777\n")
    for check in (True, False):
        with pytest.raises(Conflict, match="is 777, which is neither what it was nor what this run made of it"):
            call(host, dict(VALUE, value="8192"), check=check)


def test_what_can_cut_off_waits_for_its_confirmation_and_files_wait_with_it(host):
    found = call(host, VALUE, MTU, SITE, confirm_within=30)
    assert found["armed"] == {"confirm_within": 30} and [one["state"] for one in found["ops"]] == ["applied", "applied", "withheld"]
    assert host.machine()["mtu"]["eth0"] == 9000 and "128" in host.text(SITE["path"])
    with pytest.raises(Conflict, match="waits for a confirmation"):
        call(host, VALUE)
    with pytest.raises(Conflict, match="confirm it first"):
        finish(host, Request("run-1", []))
    done = confirm(host, Request("run-1", []))
    assert done["changed"] and [one["state"] for one in done["ops"]] == ["applied"] and host.text(SITE["path"]) == SITE["content"]
    assert not confirm(host, Request("run-1", []))["changed"]
    finish(host, Request("run-1", []))


def test_confirming_in_check_mode_changes_nothing(host):
    call(host, MTU, SITE)
    before = snapshot(host)
    found = confirm(host, Request("run-1", [], check=True))
    assert found["changed"] and [one["state"] for one in found["ops"]] == ["planned"]
    assert not differences(snapshot(host), before)


def test_there_is_nothing_to_confirm_in_a_run_that_armed_nothing(host):
    with pytest.raises(Refused, match="Run run-1 has changed nothing on this node"):
        confirm(host, Request("run-1", []))
    call(host, VALUE)
    with pytest.raises(Refused, match="Nothing of run run-1 waits for a confirmation"):
        confirm(host, Request("run-1", []))


def test_a_switch_that_cannot_be_armed_keeps_everything_as_it_was(host):
    host.save(dict(host.machine(), no_timers=True))
    before = snapshot(host)
    with pytest.raises(Refused, match="cannot be armed, so nothing that could cut the node off is changed: .*Access denied"):
        call(host, VALUE, MTU)
    assert not differences(snapshot(host), before)


@pytest.mark.parametrize("seconds", (0, -1, 3601))
def test_times_that_are_none_are_refused(host, seconds):
    with pytest.raises(Refused, match="from 1 to 3600 seconds"):
        call(host, MTU, confirm_within=seconds)


def test_a_kill_between_arming_and_the_first_change_is_no_wait(host):
    call(host, MTU)
    journal = Journal(host, "run-1")
    journal.add({"event": "undone", "key": "link eth0"})
    machine = host.machine()
    machine["mtu"]["eth0"] = 1500
    host.save(machine)
    assert call(host, VALUE)["changed"]
    assert not os.path.exists(host.at(BASE + "/run-1/armed")) and host.machine()["timers"] == {}


def test_what_a_later_op_undoes_is_a_failure_and_what_an_earlier_one_does_is_put_right(host):
    before = snapshot(host)
    tuned = {"kind": "tuned_profile", "profile": "network-latency"}  # sets somaxconn to 2048
    with pytest.raises(ChangeError, match="somaxconn is 2048 again after a later op of the list"):
        call(host, VALUE, tuned)
    assert not differences(snapshot(host), before)
    in_place = dict(VALUE, value="128")
    found = call(host, tuned, in_place)
    assert host.text(SOMAXCONN).strip() == "128" and all(one["verified"] for one in found["ops"])
    revert(host, Back("run-1"))
    assert not differences(snapshot(host), before)


def test_what_is_not_there_any_more_is_not_confirmed(host):
    call(host, MTU, SITE)
    machine = host.machine()
    machine["mtu"]["eth0"] = 1400
    host.save(machine)
    with pytest.raises(Conflict, match="link eth0 is 1400, which is not what this run made of it"):
        confirm(host, Request("run-1", []))
    assert os.path.exists(host.at(BASE + "/run-1/armed")) and "128" in host.text(SITE["path"])


@pytest.mark.parametrize("number", range(1, 12))
def test_a_disk_that_is_full_from_some_time_on_keeps_nothing_from_going_back(host, number):
    irq = {"kind": "irq_affinity", "irq": 24, "cpus": [1]}
    before = snapshot(host)

    def append(name, content, really=host.append):
        appended.append(name)
        if len(appended) >= number:
            raise ChangeError("No space left on device.")
        really(name, content)

    appended = []
    host.append = append
    try:
        call(host, VALUE, irq, FAILS)
    except ChangeError as error:
        assert "All of this call was taken back" in error.message
    left = {name for name in differences(snapshot(host), before) if not name.startswith("var/lib/fastpath-cilium")}
    assert not left
    del host.append
    revert(host, Back("run-1"))
    assert not differences(snapshot(host), before)
