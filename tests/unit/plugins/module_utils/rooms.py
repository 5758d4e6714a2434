# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Network namespaces for tests that ask a real kernel: two hosts on a switch, which carries what it is told to."""
from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from typing import Any, Callable

import pytest

CLONE_NEWNET = 0x40000000


def ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
    return done.stdout


class Segment:
    """Rooms a and b, 192.0.2.1 and 192.0.2.2, each with a device eth1 of 1,500 bytes; `switch` is the room between."""

    def __init__(self) -> None:
        self.names = {name: f"fastpath-{os.getpid()}-{name}" for name in ("a", "b", "switch")}

    def build(self) -> None:
        for name in self.names.values():
            ip("netns", "add", name)
        self.ip("switch", "link", "add", "bridge", "type", "bridge")
        self.ip("switch", "link", "set", "bridge", "up")
        for number, room in enumerate("ab", 1):
            self.ip(room, "link", "add", "eth1", "type", "veth", "peer", "name", f"port-{room}", "netns", self.names["switch"])
            self.ip("switch", "link", "set", "dev", f"port-{room}", "master", "bridge", "up")
            self.ip(room, "address", "add", f"192.0.2.{number}/24", "dev", "eth1")
            self.ip(room, "link", "set", "eth1", "up")

    def ip(self, room: str, *words: str) -> str:
        return ip("-n", self.names[room], *words)

    def carry(self, size: int) -> None:
        """From now on larger packets are lost in the switch without a word."""
        for port in "ab":
            self.ip("switch", "link", "set", "dev", f"port-{port}", "mtu", str(size))

    def raise_links(self, size: int) -> None:
        for room in "ab":
            self.ip(room, "link", "set", "eth1", "mtu", str(size))

    def inside(self, room: str, call: Callable[[], Any]) -> Any:
        """What a call comes to in a thread of its own that is in the room."""
        box: dict[str, Any] = {}
        thread = threading.Thread(target=self._enter, args=(room, call, box))
        thread.start()
        thread.join()
        if "error" in box:
            raise box["error"]
        return box["result"]

    def _enter(self, room: str, call: Callable[[], Any], box: dict[str, Any]) -> None:
        try:
            with open(f"/run/netns/{self.names[room]}", "rb") as handle:
                assert ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), CLONE_NEWNET) == 0
            box["result"] = call()
        except BaseException as error:  # pylint: disable=broad-except
            box["error"] = error

    def end(self) -> None:
        for name in self.names.values():
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@pytest.fixture
def segment():
    made = Segment()
    try:
        made.build()
    except (AssertionError, FileNotFoundError) as error:
        made.end()
        pytest.skip(f"no network namespaces with bridges here: {error}")
    yield made
    made.end()
