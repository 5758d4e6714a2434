# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change import places, undo
from ansible_collections.fastpath.cilium.plugins.module_utils.change.apply import Request, apply
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError

MTU = {"kind": "link", "device": "eth0", "mtu": 9000}


def test_it_tries_again_until_the_former_state_is_there(host, monkeypatch):
    apply(host, Request("run-1", [MTU]))
    tries = []

    def set_mtu(device, number, really=host.set_mtu):
        tries.append(number)
        if len(tries) < 3:
            raise ChangeError("Device busy.")
        really(device, number)

    monkeypatch.setattr(host, "set_mtu", set_mtu)
    monkeypatch.setattr(undo, "BETWEEN", 0)
    assert undo.keep_trying(host, "run-1") == 0 and host.machine()["mtu"]["eth0"] == 1500 and tries == [1500] * 3


def test_what_it_cannot_take_back_stays_armed_for_the_next_boot(host, monkeypatch, capsys):
    apply(host, Request("run-1", [MTU]))
    monkeypatch.setattr(host, "set_mtu", lambda device, number: None)
    monkeypatch.setattr(undo, "BETWEEN", 0)
    monkeypatch.setattr(undo, "ATTEMPTS", 2)
    assert undo.keep_trying(host, "run-1") == 1
    assert "Not taken back: link eth0" in capsys.readouterr().err and host.exists(places.run_folder("run-1") + "/armed")


def test_a_call_that_hangs_at_its_work_is_ended(host, monkeypatch):
    apply(host, Request("run-1", [MTU]))
    script = ("import fcntl, os, sys, time\nhandle = os.open(sys.argv[1], os.O_RDONLY)\nfcntl.flock(handle, fcntl.LOCK_EX)\n"
              "print('held', flush=True)\ntime.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", script, host.at(places.BASE)], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with open("/proc/locks", encoding="ascii") as locks:
            host.lay("/proc/locks", locks.read())
        monkeypatch.setattr(undo, "PATIENCE", 0.3)
        began = time.monotonic()
        assert undo.fire(host, "run-1") == "taken back"
        assert other.wait(10) == -9 and time.monotonic() - began < 5
    assert host.machine()["mtu"]["eth0"] == 1500


def test_waiting_ends_with_the_confirmation_or_with_the_time(host):
    host.lay(places.run_folder("run-1") + "/armed", "{}")
    began = time.monotonic()
    assert undo.wait(host, "run-1", 0.3) and 0.3 <= time.monotonic() - began < 2
    host.remove(places.run_folder("run-1") + "/armed")
    assert not undo.wait(host, "run-1", 30) and time.monotonic() - began < 4


@pytest.mark.parametrize("arguments", ([], ["--run-id", "../x"], ["--unknown"]))
def test_nonsense_is_refused(arguments):
    with pytest.raises((ChangeError, SystemExit)):
        undo.main(arguments)
