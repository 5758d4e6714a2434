# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nothing of a fabric is left behind, however it ends, and this machine is not changed while one is up."""
from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fabrickit import HERE, run_fabric, started, told, wait

pytestmark = pytest.mark.fabric

NAME = "fabric-cleanup"
FOLDER = HERE.parents[1] / ".fabric" / NAME
MACHINE_SYSCTLS = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
                   "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes", "net/netfilter/nf_conntrack_max")


def sysctls() -> dict[str, str]:
    return {name: Path("/proc/sys", name).read_text(encoding="ascii") for name in MACHINE_SYSCTLS if Path("/proc/sys", name).exists()}


def left() -> dict[str, Any]:
    """What of this fabric there is on the machine."""
    return {"processes": processes(), "mounts": [line for line in mounts() if str(FOLDER) in line],
            "groups": [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/fabric-{NAME}-*")]}


def processes() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue  # it has just ended
        if str(FOLDER) in words or f"keep --name {NAME} " in words:
            found.append(words)
    return found


def mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()


def devices(slot: str) -> list[str]:
    return [path.name for path in Path("/sys/class/net").iterdir() if path.name == slot]


def device_of(facts: dict[str, Any]) -> str:
    last = int(facts["server"].split("/")[2].partition(":")[0].rpartition(".")[2])
    return f"fabric{(last - 2) // 4}"


def end_by_down(facts: dict[str, Any], watched: subprocess.Popen) -> None:
    told("down", "--name", NAME)


def end_watched(facts: dict[str, Any], watched: subprocess.Popen) -> None:
    watched.kill()


def kill_keeper(facts: dict[str, Any], watched: subprocess.Popen) -> None:
    os.kill(facts["keeper"], signal.SIGKILL)


def kill_janitor(facts: dict[str, Any], watched: subprocess.Popen) -> None:
    os.kill(facts["janitor"], signal.SIGKILL)


@pytest.mark.parametrize("end", [end_by_down, end_watched, kill_keeper, kill_janitor])
def test_nothing_is_left(tools, end):
    told("down", "--name", NAME)
    before = sysctls()
    with subprocess.Popen(["sleep", "600"]) as watched:
        try:
            facts = told("up", "--name", NAME, "--nodes", "1", "--watch-pid", str(watched.pid))
            assert sysctls() == before  # nor is the machine changed meanwhile
            assert left()["processes"] and left()["groups"] and devices(device_of(facts))
            end(facts, watched)
            wait(lambda: not any(left().values()) and not devices(device_of(facts)))
            assert sysctls() == before
            assert run_fabric("status", "--name", NAME).returncode == 3
        finally:
            watched.kill()
            told("down", "--name", NAME)


def test_second_fabric_does_not_disturb_the_first(fabric):
    with started(NAME, "--nodes", "1") as other:
        assert other.facts["server"] != fabric.facts["server"]
        assert not fabric.broken(fabric.ways(local=True))
    assert not fabric.broken(fabric.ways(local=True))


def test_second_up_is_refused(fabric):
    assert "is up already" in run_fabric("up", "--name", fabric.name).stderr


def test_unknown_node_and_namespace_are_named(fabric):
    assert "node-9" in run_fabric("fault", "source", "--from", "node-9", "--name", fabric.name).stderr
    assert "There is no moon" in run_fabric("exec", "--name", fabric.name, "moon", "true").stderr
