# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the node keeps what belongs to runs, and who may be at work there: one process at a time, one run at a time."""
from __future__ import annotations

import fcntl
import json
import os
import re
import stat
import time
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import (
    Conflict, Denied, Garbled, Gone, Refused, failure)
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node

BASE = "/var/lib/fastpath-cilium"
LOCK = BASE + "/lock"
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
WAIT = 10.0  # seconds for another call to end


def checked_run_id(run_id: str) -> str:
    if not RUN_ID.match(run_id) or run_id == "lock":
        raise Refused("{0!r} is no run id: letters, digits, dots, dashes and underscores.".format(run_id[:80]))
    return run_id


def run_folder(run_id: str) -> str:
    return BASE + "/" + checked_run_id(run_id)


def private() -> Dict[str, int]:
    """Attributes of our own files: of the user who runs this, which is root on a node."""
    return {"mode": 0o600, "uid": os.geteuid(), "gid": os.getegid()}


def check_base(node: Node) -> None:
    """Raises Denied without root, and Refused where the folder is not ours alone: undo would do what somebody else wrote."""
    if node.root == "/" and os.geteuid():
        raise Denied("Changing a host needs root there: use become.")
    try:
        found = os.lstat(node.at(BASE))
    except FileNotFoundError:
        return
    except OSError as error:
        raise failure(error, BASE, "looked at") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Refused("{0} is not a folder that belongs to this user alone: look at who made it.".format(BASE))


@contextmanager
def at_work(node: Node, wait: float = WAIT) -> Iterator[None]:
    """One process at a time; the kernel ends this when the process is killed. Raises Conflict after `wait` seconds."""
    check_base(node)
    until = time.monotonic() + wait
    handle = _locked(node)
    while handle is None:
        if time.monotonic() > until:
            raise Conflict("Another call changes this node at the moment: wait for its end.")
        time.sleep(0.05)
        handle = _locked(node)
    try:
        yield
    finally:
        os.close(handle)


def _locked(node: Node) -> Optional[int]:
    """A handle that holds the lock; None while another process has it, or has just removed the folder."""
    node.make_folder(BASE, 0o700)
    try:
        handle = os.open(node.at(BASE), os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == os.stat(node.at(BASE)).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def holder(node: Node) -> Optional[str]:
    """Run id of the run in progress on this node; None where there is none. Raises Garbled."""
    if not node.exists(LOCK):
        return None
    try:
        found: Any = json.loads(node.read_text(LOCK))
        return checked_run_id(found["run_id"])
    except Gone:
        return None
    except (ValueError, TypeError, KeyError, AttributeError, Refused):
        raise Garbled("{0} names no run, so nobody can tell whether one is in progress: look at it, and remove it if "
                      "there is none.".format(LOCK)) from None


def check_lock(node: Node, run_id: str, takeover: Optional[str]) -> None:
    """Raises Conflict while another run is in progress, unless `takeover` spells out its id."""
    found = holder(node)
    if found in (None, run_id):
        return
    if takeover != found:
        raise Conflict("Run {0} is in progress on this node: take it back with host_revert, or take over with its id "
                       "spelled out.".format(found), holder=found)
    if node.exists(run_folder(str(found)) + "/armed"):
        raise Conflict("Run {0} waits for a confirmation on this node and will undo itself without it: wait for that, or "
                       "take it back with host_revert.".format(found), holder=found)


def take_lock(node: Node, run_id: str) -> None:
    """After check_lock, while at work."""
    if holder(node) != run_id:
        content = json.dumps({"run_id": run_id, "pid": os.getpid(), "boot_id": node.boot_id()}) + "\n"
        node.write(LOCK, content.encode("ascii"), private())


def release_lock(node: Node, run_id: str) -> bool:
    """Whether this run held it."""
    node.sweep(LOCK)
    if holder(node) != run_id:
        return False
    node.remove(LOCK)
    return True


def drop_base(node: Node) -> None:
    """The folder goes with the last thing in it."""
    if os.path.isdir(node.at(BASE)) and not os.listdir(node.at(BASE)):
        node.remove_folder(BASE)


def drop_run(node: Node, run_id: str) -> bool:
    """Removes the run's folder, the journal last. False where something is in it that is not ours."""
    folder = run_folder(run_id)
    for name in ("armed", "journal.jsonl"):
        node.sweep(folder + "/" + name)
        node.remove(folder + "/" + name)
    return node.remove_folder(folder)
