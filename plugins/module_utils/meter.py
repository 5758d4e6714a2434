# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Starts, reads and stops a connection meter on a client (see meter_program.py)."""
from __future__ import annotations

import json
import os
import re
import resource
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import meter_program

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")
MOST_RATE, MOST_HELD, SPARE = 2000, 10000, 64
STARTS_WITHIN, ENDS_WITHIN = 20.0, 5.0  # seconds


class MeterError(Exception):
    """It cannot be done; the message is one sentence with what to do."""


def folder_of(name: str, base: Optional[str] = None) -> str:
    """Folder of a meter, below one that only this user can enter. Raises MeterError."""
    if not NAME.match(name):
        raise MeterError("A meter's name is made of letters, digits, dots, _ and -, not {0!r}.".format(name[:80]))
    top = base or os.path.join(tempfile.gettempdir(), "fastpath-meter-{0}".format(os.getuid()))
    return os.path.join(top, name)


def make_private(path: str) -> None:
    """Raises MeterError where somebody else could have a hand in it."""
    os.makedirs(path, mode=0o700, exist_ok=True)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise MeterError("{0} is not a folder of this user alone: remove it, or name another with folder.".format(path))


def start(folder: str, config: Dict[str, Any], watch_pid: Optional[int] = None) -> Dict[str, Any]:
    """The first document. Raises MeterError, with nothing left running."""
    checked(config)
    if os.path.lexists(folder):
        if running(folder):
            raise MeterError("This meter runs already: stop it first.")
        shutil.rmtree(folder)
    make_private(os.path.dirname(folder))
    os.mkdir(folder, 0o700)
    watch = None if watch_pid is None else {"pid": watch_pid, "born": meter_program.born(watch_pid)}
    if watch and watch["born"] is None:
        raise MeterError("Process {0} that the meter is to live as long as is not there.".format(watch_pid))
    write(folder, "config.json", json.dumps(dict(config, watch=watch)))
    write(folder, "alive", "")
    write(folder, "meter.py", source())
    launch(folder)
    return read(folder)


def checked(config: Dict[str, Any]) -> None:
    """Raises MeterError for what is beyond all bounds."""
    if not config["targets"]:
        raise MeterError("There is no target to measure: the probe has no ready backend on another node.")
    if not 0 < config["rate"] <= MOST_RATE or not 0 <= config["held"] <= MOST_HELD:
        raise MeterError("The rate must be above 0 and at most {0} a second, and at most {1} connections can be held.".format(
            MOST_RATE, MOST_HELD))
    if min(config["beat"], config["timeout"], config["duration"], config["ttl"]) <= 0:
        raise MeterError("beat, timeout, duration and ttl must be above 0.")
    needed = int(config["held"] + config["rate"] * config["timeout"] + SPARE)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard not in (resource.RLIM_INFINITY, -1) and needed > hard:
        raise MeterError("{0} open files may be needed and {1} are allowed here: lower held, rate or timeout.".format(
            needed, hard))


def source() -> str:
    """The program's text, also where Ansible ships it in an archive."""
    loader = getattr(getattr(meter_program, "__spec__", None), "loader", None)
    return loader.get_source(meter_program.__name__) or ""  # type: ignore[union-attr]


def write(folder: str, name: str, text: str) -> None:
    handle = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def launch(folder: str) -> None:
    """The program in a session of its own. Raises MeterError unless it says that it counts."""
    argv = [sys.executable, "-I", os.path.join(folder, "meter.py"), folder]
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
                             start_new_session=True)
    with child.stdout as said:  # type: ignore[union-attr]
        with selectors.DefaultSelector() as ready:
            ready.register(said, selectors.EVENT_READ)
            if not ready.select(STARTS_WITHIN) or said.readline() != b"ready\n":
                child.kill()
                child.wait()
                raise MeterError("The meter does not start with {0}.".format(sys.executable))


def read(folder: str) -> Dict[str, Any]:
    """What was counted so far; a sign of life to the meter. Raises MeterError."""
    try:
        os.utime(os.path.join(folder, "alive"))
        with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        raise MeterError("There is no meter of this name here: it was never started, or was stopped.") from None
    return dict(found, running=running(folder))


def running(folder: str) -> bool:
    """Whether its process lives: one that has its program and folder for arguments."""
    pid = pid_of(folder)
    try:
        with open("/proc/{0}/cmdline".format(pid), "rb") as file:
            words: List[bytes] = file.read().split(b"\0")
    except OSError:
        return False
    return os.fsencode(os.path.join(folder, "meter.py")) in words and meter_program.born(pid or 0) is not None


def pid_of(folder: str) -> Optional[int]:
    try:
        with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
            return int(json.load(file)["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def stop(folder: str) -> Dict[str, Any]:
    """The last document, with nothing left of the meter. Raises MeterError where there was none."""
    read(folder)
    write(folder, "stop", "")
    deadline = time.monotonic() + ENDS_WITHIN
    while running(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    if running(folder):
        os.kill(pid_of(folder) or 0, signal.SIGKILL)
    found = read(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return dict(found, running=False)
