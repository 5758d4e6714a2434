# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from front import keeping

from bed import sockets
from bed.errors import VmError
from bed.keeper import Keeper
from bed.qemu import TAP_FDS


class FakeSegment:
    """Opens pipes where the real one opens taps."""

    path = "/proc/self/ns/net"

    def __init__(self, mtu: int = 9000) -> None:
        self.mtus = [(mtu, [])]

    def plug(self, name: str, queues: int) -> list[int]:
        return [os.open("/dev/null", os.O_RDONLY) for queue in range(queues)]

    def set_mtu(self, mtu: int, ports: list[str]) -> None:
        self.mtus.append((mtu, ports))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    made = Keeper(FakeSegment())
    yield made
    made.end()


def wait(what, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def start(made: Keeper, name: str = "vm1", command=("sleep", "600"), queues: int = 1) -> dict:
    return made.answer({"do": "start", "name": name, "command": list(command), "queues": queues})


def test_machine_gets_its_open_queues(kept: Keeper):
    script = 'for n in $(echo "$1" | tr : " "); do [ -e /proc/self/fd/$n ] && echo open; done'
    start(kept, command=["sh", "-c", script, "sh", TAP_FDS], queues=3)
    kept.machines["vm1"].wait(60)
    assert Path("vm1.log").read_text(encoding="utf-8") == "open\n" * 3


def test_kill_pulls_the_plug_and_it_can_be_switched_on_again(kept: Keeper):
    pid = start(kept)["pid"]
    assert kept.answer({"do": "list"}) == {"running": {"vm1": pid}}
    assert start(kept) == {"error": "vm1 runs already"}
    assert kept.answer({"do": "kill", "name": "vm1"}) == {}
    assert not alive(pid) and kept.answer({"do": "list"}) == {"running": {}}
    assert start(kept)["pid"] != pid


def test_machine_that_ended_by_itself_is_off(kept: Keeper):
    start(kept, command=["true"])
    wait(lambda: kept.running() == {})


def test_segment_changes_for_the_machines_that_are_on(kept: Keeper):
    start(kept)
    start(kept, "vm2", ["true"])
    wait(lambda: "vm2" not in kept.running())
    assert kept.answer({"do": "mtu", "mtu": 1500}) == {}
    assert kept.segment.mtus[-1] == (1500, ["vm1"])


@pytest.mark.parametrize("request_", [{"do": "dance"}, {}, {"do": "kill"}, {"do": "list", "name": "x"},
                                      {"do": "start", "name": "vm1", "command": ["/nowhere"], "queues": 0}])
def test_what_cannot_be_done_is_an_answer(kept: Keeper, request_: dict):
    assert "error" in kept.answer(request_)
    assert not kept.ended


SCRIPT = """
import sys
sys.path[:0] = {path!r}
from bed import keeper
from test_keeper import FakeSegment
keeper.Segment = FakeSegment
sys.exit(keeper.keep(keeper.Path({folder!r}), {watch!r}, {lifetime!r}, 9000))
"""


@pytest.fixture
def run_keeper(tmp_path: Path):
    """Starts a keeper as a process; gives it and its folder."""
    started = []

    def run(watch: int | None = None, lifetime: float = 60) -> tuple[subprocess.Popen, Path]:
        folder = tmp_path / ("deep" * 20) / ("er" * 20)  # a socket's own path would be too long
        folder.mkdir(parents=True, exist_ok=True)
        path = [str(Path(__file__).parent), *[part for part in sys.path if part]]
        script = SCRIPT.format(path=path, folder=str(folder), watch=watch, lifetime=lifetime)
        process = subprocess.Popen([sys.executable, "-c", script])
        started.append(process)
        lock = folder / "keeper.lock"
        wait(lambda: lock.exists() and lock.read_text(encoding="utf-8").endswith("}"))
        return process, folder

    yield run
    for process in started:
        process.kill()
        process.wait()


def start_sleeper(folder: Path) -> int:
    return sockets.ask_keeper(folder, do="start", name="vm1", command=["sleep", "600"], queues=1)["pid"]


def test_keeper_answers_on_its_socket_and_tells_who_it_is(run_keeper):
    process, folder = run_keeper()
    assert json.loads((folder / "keeper.lock").read_text(encoding="utf-8"))["pid"] == process.pid
    pid = start_sleeper(folder)
    assert sockets.ask_keeper(folder, do="list") == {"running": {"vm1": pid}}
    with pytest.raises(VmError, match="could not start: vm1 runs already"):
        start_sleeper(folder)


def test_told_to_end_it_ends_its_machines(run_keeper):
    process, folder = run_keeper()
    pid = start_sleeper(folder)
    sockets.ask_keeper(folder, do="end")
    assert process.wait(60) == 0 and not alive(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_machines_end_with_the_keeper_however_it_ends(run_keeper, number: int):
    process, folder = run_keeper()
    pid = start_sleeper(folder)
    process.send_signal(number)
    process.wait(60)
    wait(lambda: not alive(pid))


def test_keeper_ends_with_the_process_it_watches(run_keeper):
    watched = subprocess.Popen(["sleep", "600"])
    process, folder = run_keeper(watch=watched.pid)
    pid = start_sleeper(folder)
    watched.kill()  # not yet waited for: a zombie is gone as well
    assert process.wait(60) == 0 and not alive(pid)
    watched.wait()


def test_keeper_ends_after_its_lifetime(run_keeper):
    process, folder = run_keeper(lifetime=0.5)
    assert process.wait(60) == 0


def test_request_that_is_no_json_harms_nobody(run_keeper):
    process, folder = run_keeper()
    with keeping.connect(folder / "keeper.sock", 5) as connection:
        connection.sendall(b"\xff\xfe{\n")
        assert connection.recv(10) == b""
    assert sockets.ask_keeper(folder, do="list") == {"running": {}}


def test_keeper_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(VmError, match="keeper does not answer .*: take the bed down and up again"):
        sockets.ask_keeper(tmp_path, do="list")
