# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import shlex
import sys
import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change import connection, deadman
from ansible_collections.fastpath.cilium.plugins.module_utils.change.apply import Request, apply, confirm
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Conflict, Garbled, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Journal
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Answer
from ansible_collections.fastpath.cilium.plugins.module_utils.change.places import BASE
from ansible_collections.fastpath.cilium.plugins.module_utils.change.undo import fire
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import differences, snapshot

MTU = {"kind": "link", "device": "eth0", "mtu": 9000}
SITE = {"kind": "file", "path": "/etc/sysctl.d/10-site.conf", "content": "ours\n", "persist": True}
TIMER = "fastpath-cilium-undo-run-1.timer"
UNIT = "/etc/systemd/system/fastpath-cilium-boot-run-1.service"


def arm(host, *more, run_id="run-1", within=30):
    return apply(host, Request(run_id, [MTU, *more], confirm_within=within))


def again(host):
    return confirm(host, Request("run-1", []))


def test_timer_boot_unit_and_program_are_there_before_the_change(host, monkeypatch):
    seen = []
    monkeypatch.setattr(host, "set_mtu", lambda *words, really=host.set_mtu: (seen.append(snapshot(host)), really(*words)))
    arm(host)
    there = seen[0]
    run = there["machine"]["timers"][TIMER]
    assert "--on-active=30s" in run and "--timer-property=AccuracySec=100ms" in run
    assert run[-4:] == ["-I", BASE + "/run-1/undo.pyz", "--run-id", "run-1"] and run[-5] == sys.executable
    assert there["files"]["var/lib/fastpath-cilium/run-1/undo.pyz"][0][:2] == b"PK"
    unit = there["files"][UNIT[1:]][0].decode()
    assert f"ConditionPathExists={BASE}/run-1/armed" in unit and shlex.join(run[-5:]) in unit
    assert there["files"]["etc/systemd/system/multi-user.target.wants/fastpath-cilium-boot-run-1.service"] == UNIT
    assert "var/lib/fastpath-cilium/run-1/armed" in there["files"]


def test_confirmed_it_leaves_no_timer_no_unit_and_no_program(host):
    arm(host)
    assert again(host)["new_connection"] is None
    found = snapshot(host)
    assert found["machine"]["timers"] == {} and not [name for name in found["files"] if "fastpath-cilium-boot" in name or "undo" in name]
    assert fire(host, "run-1") == "nothing waits" and host.machine()["mtu"]["eth0"] == 9000


def test_not_confirmed_it_takes_back_and_a_late_confirmation_is_told(host):
    before = snapshot(host)
    arm(host, SITE)
    assert fire(host, "run-1") == "taken back" and host.machine()["mtu"]["eth0"] == 1500
    left = {name for name in differences(snapshot(host), before) if not name.startswith("var/lib/fastpath-cilium")}
    assert not left
    with pytest.raises(Conflict, match="Too late: the change was not confirmed in its time and has undone itself at 2"):
        again(host)


def test_only_the_step_that_was_armed_is_taken_back(host):
    value = {"kind": "value", "path": "/proc/sys/net/core/somaxconn", "value": "4096"}
    apply(host, Request("run-1", [value, dict(MTU, device="eth1")]))
    again(host)
    arm(host)
    fire(host, "run-1")
    assert host.machine()["mtu"] == {"eth0": 1500, "eth1": 9000} and host.text(value["path"]) == "4096\n"


def test_after_a_reboot_it_is_not_confirmed_but_undone(host):
    script = {"kind": "file", "path": "/etc/networkd.conf", "content": "x"}
    arm(host, script)
    host.reboot("boot-2")
    with pytest.raises(Conflict, match="was restarted before the confirmation"):
        again(host)
    assert fire(host, "run-1") == "taken back" and not host.exists(script["path"])


def test_over_the_connection_that_armed_nothing_is_proven(host, monkeypatch):
    monkeypatch.setattr(connection, "identity", lambda node: "100:5555")
    arm(host)
    with pytest.raises(Refused, match="proves nothing: reset the connection"):
        again(host)
    assert host.machine()["timers"]
    monkeypatch.setattr(connection, "identity", lambda node: "200:7777")
    assert again(host)["new_connection"] is True


def test_an_undo_that_does_not_come_is_done_by_the_next_call(host, monkeypatch):
    arm(host)
    later = time.monotonic() + 30 + deadman.GRACE
    with pytest.raises(Conflict, match="waits for a confirmation"):
        apply(host, Request("run-1", [MTU]))
    monkeypatch.setattr(time, "monotonic", lambda: later + 1)
    found = apply(host, Request("run-1", [dict(MTU, device="eth1")]))
    assert found["changed"] and host.machine()["mtu"] == {"eth0": 1500, "eth1": 9000}


def test_where_systemd_has_no_timers_nothing_that_can_cut_off_is_changed(host, monkeypatch):
    really = host.run

    def run(argv, *more):
        return Answer(1, "", "no") if argv[0] == "systemd-run" else really(argv, *more)

    monkeypatch.setattr(host, "run", run)
    before = snapshot(host)
    for check in (True, False):
        with pytest.raises(Refused, match="systemd-run does not work on this node"):
            apply(host, Request("run-1", [MTU], check=check))
    assert not differences(snapshot(host), before)


def test_a_timer_that_is_not_active_after_all_is_no_timer(host, monkeypatch):
    really = host.run

    def lost(argv, *more):
        answer = really(argv, *more)
        if argv[0] == "systemd-run" and argv[1] != "--version":
            host.save(dict(host.machine(), timers={}))
        return answer

    monkeypatch.setattr(host, "run", lost)
    with pytest.raises(Refused, match="cannot be armed.*its timer is not active"):
        arm(host)
    assert host.machine()["mtu"]["eth0"] == 1500 and not host.exists(UNIT) and not host.exists(BASE + "/run-1/armed")


def test_an_interpreter_whose_path_cannot_stand_in_a_unit_is_refused(host, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/opt/my python/bin/python3")
    with pytest.raises(Refused, match="cannot stand in a systemd unit"):
        arm(host)


def test_a_marker_that_is_none_is_garbled(host):
    arm(host)
    host.lay(BASE + "/run-1/armed", "{}")
    with pytest.raises(Garbled, match="take the run back"):
        deadman.armed(host, "run-1")


def test_persisted_ops_and_those_that_do_not_cut_off_need_none(host):
    apply(host, Request("run-1", [SITE, {"kind": "value", "path": "/proc/sys/net/core/somaxconn", "value": "4096"}]))
    assert Journal(host, "run-1").last("armed") is None and not os.path.exists(host.at(BASE + "/run-1/undo.pyz"))


def test_a_timer_that_goes_off_while_it_is_stopped_is_no_failure(host, monkeypatch):
    arm(host)
    really = host.run

    def elapsed(argv, *more):
        if argv[:2] == ["systemctl", "stop"]:
            host.save(dict(host.machine(), timers={}))
            return Answer(5, "", "Unit not loaded.")
        return really(argv, *more)

    monkeypatch.setattr(host, "run", elapsed)
    assert again(host)["changed"] and not host.exists(UNIT)
