# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What runs on the node by itself: takes back what was not confirmed. The entry of the program of program.py."""
from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from typing import List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change import deadman, places
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Conflict
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Journal
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node

PATIENCE = 2.0  # seconds that a call at work may still have; undone within 5 s is what is promised
LOOK_EVERY = 0.2
ATTEMPTS, BETWEEN = 60, 1.0


def fire(node: Node, run_id: str) -> str:
    """Takes back what the run did since it was armed. Words that tell what became of it. Raises ChangeError."""
    if not node.exists(places.run_folder(run_id) + "/armed"):
        return "nothing waits"
    try:
        with places.at_work(node, PATIENCE):
            return _fire(node, run_id)
    except Conflict:
        _end_holder(node)
    with places.at_work(node, PATIENCE):
        return _fire(node, run_id)


def _fire(node: Node, run_id: str) -> str:
    marker = deadman.armed(node, run_id)
    if marker is None:
        return "nothing waits"
    deadman.undo(node, Journal(node, run_id), marker)
    return "taken back"


def _end_holder(node: Node) -> None:
    """A call that hangs at its work when the time is over is ended: it is safe to, at any point."""
    place = os.stat(node.at(places.BASE))
    device = "{0:02x}:{1:02x}:{2}".format(os.major(place.st_dev), os.minor(place.st_dev), place.st_ino)
    for line in node.read_text("/proc/locks").splitlines():
        fields = line.split()
        if fields[1:2] == ["FLOCK"] and device in fields and fields[4].isdigit() and int(fields[4]) > 1:
            os.kill(int(fields[4]), signal.SIGKILL)


def wait(node: Node, run_id: str, seconds: float) -> bool:
    """Whether the time went by without a confirmation."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not node.exists(places.run_folder(run_id) + "/armed"):
            return False
        time.sleep(min(LOOK_EVERY, max(until - time.monotonic(), 0)))
    return True


def say(word: str) -> None:
    """One line to whoever started this, who closes the other end when it has read it."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)


def keep_trying(node: Node, run_id: str) -> int:
    """The exit code: 0 when the former state is there or nothing waits."""
    said: Optional[str] = None
    for _attempt in range(ATTEMPTS):
        try:
            fire(node, run_id)
            return 0
        except (ChangeError, OSError) as error:
            said = str(error)
        time.sleep(BETWEEN)
    sys.stderr.write("{0}\n".format(said))
    return 1


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="undo.pyz", description="Takes back what a run of fastpath.cilium did not have confirmed.")
    parser.add_argument("--root", default="/")
    parser.add_argument("--run-id", default="")
    parser.add_argument("--wait", type=float)
    parser.add_argument("--probe", action="store_true")
    options = parser.parse_args(arguments)
    if options.probe:
        sys.stdout.write("ready\n")
        return 0
    node = Node(options.root)
    places.checked_run_id(options.run_id)
    if options.wait is not None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        say("waiting")
        if not wait(node, options.run_id, options.wait):
            return 0
    return keep_trying(node, options.run_id)
