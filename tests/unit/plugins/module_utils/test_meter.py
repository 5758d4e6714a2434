# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import meter
from ansible_collections.fastpath.cilium.plugins.module_utils.meter import MeterError, folder_of, read, running, start, stop
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_netexec import NetExec


def config(*pods, **other):
    targets = [{"node": "node-{0}".format(number), "backend": "b", "address": pod.address, "port": pod.ports["tcp"],
                "hostname": pod.hostname} for number, pod in enumerate(pods, 1)]
    return dict({"targets": targets, "rate": 60.0, "held": 6, "beat": 0.2, "timeout": 0.8, "duration": 30.0, "ttl": 30.0}, **other)


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    """A meter's folder; whatever runs there is ended."""
    folder = str(tmp_path / "top" / "meter")
    yield folder
    with contextlib.suppress(MeterError):
        stop(folder)


def until(what, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def new(document, node="node-1"):
    return document["nodes"][node]["new"]


def held(document, node="node-1"):
    return document["nodes"][node]["established"]


def lost(figures):
    return figures["tried"] - figures["ok"]


def test_where_all_is_well_nothing_is_lost(folder):
    with NetExec("127.0.0.6", "a") as one, NetExec("::1", "b") as other:
        start(folder, config(one, other, rate=40.0, timeout=8.0))
        until(lambda: read(folder)["seconds"] > 2.5)
        found = stop(folder)
    assert found["ended"] == "stopped" and found["open"] == 6 and not running(folder) and not os.path.exists(folder)
    for node in ("node-1", "node-2"):
        assert new(found, node)["ok"] > 20 and lost(new(found, node)) == 0 and new(found, node)["longest_gap"] == 0
        assert held(found, node)["answers"] > 10
        assert sum(held(found, node)[what] for what in ("hung", "reset", "closed", "wrong", "failed")) == 0
    # About as many as the rate says.
    opened = new(found)["tried"] + new(found, "node-2")["tried"]
    assert found["skipped"] or abs(opened - found["seconds"] * 40) < 40


def test_one_node_that_goes_away_and_comes_back(folder):
    with NetExec("127.0.0.7", "b") as other:
        pod = NetExec("127.0.0.6", "a").__enter__()
        port = pod.ports["tcp"]
        start(folder, config(pod, other, timeout=4.0))
        until(lambda: read(folder)["open"] == 6)
        pod.__exit__()
        pod.cut()
        time.sleep(1.5)
        with NetExec("127.0.0.6", "a", port=port):
            until(lambda: read(folder)["open"] == 6 and held(read(folder))["longest_gap"])
            found = stop(folder)
    assert new(found)["refused"] > 10 and 1.2 < new(found)["longest_gap"] < 9
    assert held(found)["reset"] + held(found)["closed"] >= 3 and 1.2 < held(found)["longest_gap"] < 12
    assert new(found, "node-2")["refused"] == 0 and held(found, "node-2")["reset"] + held(found, "node-2")["closed"] == 0
    assert {event["node"] for event in found["events"]} <= {"node-1", "node-2"} and found["events"][0]["at"] > 0


def test_what_hangs_is_told_from_what_is_reset(folder):
    with NetExec("127.0.0.6", "a") as pod:
        start(folder, config(pod, rate=20.0))
        until(lambda: read(folder)["open"] == 6)
        pod.mute.set()
        until(lambda: held(read(folder))["hung"] >= 6)
        during = read(folder)
        pod.mute.clear()
        found = stop(folder)
    assert new(found)["timeout"] >= 5 and new(found)["refused"] == new(found)["reset"] == 0
    assert held(found)["reset"] == 0 and during["nodes"]["node-1"]["new"]["longest_gap"] > 0.7


def test_another_one_that_answers_is_a_loss(folder):
    with NetExec("127.0.0.6", "a") as pod:
        start(folder, config(pod, held=0))
        until(lambda: new(read(folder))["ok"] > 5)
        pod.hostname = "somebody-else"
        until(lambda: new(read(folder))["wrong"] > 5)


def test_it_ends_with_its_starter(folder):
    starter = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with NetExec("127.0.0.6", "a") as pod:
        start(folder, config(pod), watch_pid=starter.pid)
        until(lambda: read(folder)["seconds"] > 1.2)
        assert running(folder)
        starter.kill()
        starter.wait()
        until(lambda: not running(folder))
    assert read(folder)["ended"] == "who started it is gone"
    with pytest.raises(MeterError, match="is not there"), NetExec("127.0.0.6", "a") as pod:
        start(folder, config(pod), watch_pid=starter.pid)


@pytest.mark.parametrize(("given", "why"), [({"duration": 1.0}, "its time was over"), ({"ttl": 1.0}, "nobody asked for it any more")])
def test_it_ends_by_itself(folder, given, why):
    with NetExec("127.0.0.6", "a") as pod:
        start(folder, config(pod, **given))
        until(lambda: not running(folder))
    assert read(folder)["ended"] == why


def test_it_ends_without_its_folder(folder):
    with NetExec("127.0.0.6", "a") as pod:
        pid = start(folder, config(pod))["pid"]
        os.rename(folder, folder + "-moved")
        until(lambda: meter.meter_program.born(pid) is None)


def test_one_at_a_time_and_the_next_after_a_kill(folder):
    with NetExec("127.0.0.6", "a") as pod:
        first = start(folder, config(pod))
        with pytest.raises(MeterError, match="runs already"):
            start(folder, config(pod))
        os.kill(first["pid"], 9)
        until(lambda: not running(folder))
        assert start(folder, config(pod))["pid"] != first["pid"]


@pytest.mark.parametrize(("given", "said"), [
    ({"targets": []}, "no target"), ({"rate": 0}, "rate"), ({"rate": 1e6}, "rate"), ({"held": 10 ** 6}, "at most"),
    ({"beat": 0}, "above 0"), ({"timeout": 1e7, "rate": 2000}, "open files")])
def test_what_has_no_bounds_is_refused(folder, monkeypatch, given, said):
    monkeypatch.setattr(meter.resource, "getrlimit", lambda _what: (1024, 4096))
    with NetExec("127.0.0.6", "a") as pod, pytest.raises(MeterError, match=said):
        start(folder, config(pod, **given))
    assert not os.path.exists(folder)


def test_folders_of_others_are_not_used(tmp_path):
    top = tmp_path / "top"
    top.mkdir(mode=0o777)
    top.chmod(0o777)
    with NetExec("127.0.0.6", "a") as pod, pytest.raises(MeterError, match="not a folder of this user alone"):
        start(str(top / "meter"), config(pod))
    for name in ("../x", "", "a/b", ".hidden"):
        with pytest.raises(MeterError, match="name"):
            folder_of(name)
    with pytest.raises(MeterError, match="no meter"):
        read(str(tmp_path / "none"))
