# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Killed at any system call, a rollback and a second try both end in the former or in the wanted state, nothing between."""
from __future__ import annotations

import os
import shutil
import signal

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change import apply, revert, undo
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import FakeHost, differences, snapshot

RUN = "run-1"
# What a node phase is made of, each kind at least once.
PLAIN = [
    {"kind": "file", "path": "/etc/tuned/ours/tuned.conf", "content": "[main]\ninclude=network-latency\n"},
    {"kind": "unit", "name": "irqbalance.service", "enabled": "masked", "active": False},
    {"kind": "tuned_profile", "profile": "network-latency"},
    {"kind": "irq_affinity", "irq": 24, "cpus": [1]},
    {"kind": "value", "path": "/sys/kernel/debug/sched/preempt", "value": "none", "compare": "selected"},
    {"kind": "qdisc", "device": "eth0", "discipline": "fq"},
    {"kind": "value", "path": "/proc/sys/net/core/default_qdisc", "value": "fq"},
    {"kind": "file", "path": "/etc/sysctl.d/10-site.conf", "content": "net.core.somaxconn = 4096\n", "persist": True},
    {"kind": "kernel_argument", "name": "preempt", "value": "none", "persist": True},
]
CUTTING = [
    {"kind": "link", "device": "eth0", "mtu": 9000},
    {"kind": "queues", "device": "eth0", "combined": 4},
    {"kind": "file", "path": "/etc/systemd/network/60-ours.link", "content": "[Link]\nMTUBytes=9000\n", "persist": True},
]


def in_a_process(act):
    """The child's end: its exit code, or the number of the signal that ended it, negative."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
            os._exit(0)
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(1)
    _pid, status = os.waitpid(pid, 0)
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def apply_all(host, ops):
    return apply.apply(host, apply.Request(RUN, ops, confirm_within=60))


def take_back(host):
    return revert.revert(host, revert.Request(RUN))


def copies(tmp_path, host):
    """The host as it is, again and again; links and attributes as they are."""
    number = 0
    while True:
        number += 1
        root = tmp_path / f"copy-{number}"
        shutil.copytree(host.root, root, symlinks=True)
        yield root
        shutil.rmtree(root)


def wanted_state(tmp_path, host, ops):
    root = tmp_path / "wanted"
    shutil.copytree(host.root, root, symlinks=True)
    done = FakeHost(root)
    apply_all(done, ops)
    if ops is CUTTING:
        apply.confirm(done, apply.Request(RUN, []))
    return settled(done)


def settled(host):
    """A snapshot without our own folder."""
    found = snapshot(host)
    found["files"] = {name: value for name, value in found["files"].items() if not name.startswith("var/lib/fastpath-cilium")}
    return found


def killed_at_every_step(tmp_path, before, act, then):
    """Runs act(host) killed at its 1st, 2nd, ... system call until it comes through, and then(host) after each."""
    roots = copies(tmp_path, before)
    for number in range(1, 1000):
        root = next(roots)
        end = in_a_process(lambda: act(FakeHost(root, (number, "kill"))))
        assert end in (0, -signal.SIGKILL), f"step {number} ended with {end}"
        then(root, number)
        if end == 0:
            return number
    raise AssertionError("never came to its end")


def test_apply_killed_anywhere_is_taken_back_or_completed(tmp_path, host):
    former, wanted = snapshot(host), wanted_state(tmp_path, host, PLAIN)

    def then(root, number):
        twin = root.with_name("twin")
        shutil.copytree(root, twin, symlinks=True)
        take_back(FakeHost(root))
        assert not differences(snapshot(FakeHost(root)), former), f"after a kill at step {number}"
        apply_all(FakeHost(twin), PLAIN)
        assert not differences(settled(FakeHost(twin)), wanted), f"after a kill at step {number}"
        take_back(FakeHost(twin))
        assert not differences(snapshot(FakeHost(twin)), former), f"after a kill at step {number} and a second try"
        shutil.rmtree(twin)

    assert killed_at_every_step(tmp_path, host, lambda killed: apply_all(killed, PLAIN), then) > 40


def test_revert_killed_anywhere_is_completed_by_the_next(tmp_path, host):
    former = snapshot(host)
    apply_all(host, PLAIN)

    def then(root, number):
        take_back(FakeHost(root))
        assert not differences(snapshot(FakeHost(root)), former), f"after a kill at step {number}"

    assert killed_at_every_step(tmp_path, host, take_back, then) > 40


def test_a_change_that_can_cut_off_killed_anywhere_undoes_itself_or_is_taken_back(tmp_path, host):
    former = snapshot(host)

    def then(root, number):
        killed = FakeHost(root)
        if os.path.exists(killed.at(f"/var/lib/fastpath-cilium/{RUN}/armed")):
            undo.fire(FakeHost(root), RUN)  # what the timer does
        assert killed.machine()["mtu"] == {"eth0": 1500, "eth1": 1500}, f"after a kill at step {number}"
        take_back(FakeHost(root))
        found = snapshot(FakeHost(root))
        found["machine"]["timers"] = {}  # a timer that finds nothing to do
        assert not differences(found, former), f"after a kill at step {number}"

    # The last time it comes through, and the controller is the one that is killed.
    assert killed_at_every_step(tmp_path, host, lambda killed: apply_all(killed, CUTTING), then) > 40


def test_confirm_killed_anywhere_is_completed_or_taken_back(tmp_path, host):
    former, wanted = snapshot(host), wanted_state(tmp_path, host, CUTTING)
    apply_all(host, CUTTING)

    def then(root, number):
        killed = FakeHost(root)
        twin = root.with_name("twin")
        shutil.copytree(root, twin, symlinks=True)
        apply.confirm(killed, apply.Request(RUN, []))
        found = settled(killed)
        assert not differences(found, wanted), f"after a kill at step {number}"
        take_back(killed)
        assert not differences(snapshot(killed), former), f"after a kill at step {number}"
        take_back(FakeHost(twin))
        assert not differences(snapshot(FakeHost(twin)), former), f"after a kill at step {number}"
        shutil.rmtree(twin)

    killed_at_every_step(tmp_path, host, lambda killed: apply.confirm(killed, apply.Request(RUN, [])), then)


@pytest.mark.parametrize("ops", (PLAIN, CUTTING), ids=("plain", "cutting"))
def test_a_system_call_that_fails_anywhere_leaves_the_former_state_or_says_what_is_not(tmp_path, host, ops):
    former = settled(host)
    roots = copies(tmp_path, host)
    failed = 0
    for number in range(1, 1000):
        root = next(roots)
        try:
            apply_all(FakeHost(root, (number, "fail")), ops)
        except (ChangeError, OSError):
            failed += 1
        else:
            if number > 60:
                break
        take_back(FakeHost(root))
        assert not differences(settled(FakeHost(root)), former), f"after a failure at step {number}"
    assert failed > 20
