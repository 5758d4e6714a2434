# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change import detach, places
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.apply import Request, apply
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node

VALUE = {"kind": "value", "path": "/proc/sys/net/core/somaxconn", "value": "4096", "cuts_off": True}
# Arms in a session of its own, as ssh does, and says so; then it is killed with all its children.
ARM = """
import sys, time
from ansible_collections.fastpath.cilium.plugins.module_utils.change.apply import Request, apply
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
apply(Node(sys.argv[1]), Request("run-1", [{op!r}], confirm_within=int(sys.argv[2])))
print("armed", flush=True)
time.sleep(60)
"""


@pytest.fixture
def plain(host):
    """A node without systemd: real files and real processes."""
    shutil.rmtree(host.at("/run/systemd"))
    return Node(host.root)


def value(node):
    return Path(node.at(VALUE["path"])).read_text().strip()


def wait_for(what, seconds):
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.05)
    return what()


def test_a_killed_caller_with_all_of_its_session_does_not_keep_the_undo_from_coming(plain):
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    with subprocess.Popen([sys.executable, "-c", ARM.format(op=VALUE), plain.root, "3"], stdout=subprocess.PIPE, env=env,
                          start_new_session=True) as caller:
        assert caller.stdout.readline() == b"armed\n" and value(plain) == "4096"
        os.killpg(caller.pid, signal.SIGHUP)
        os.killpg(caller.pid, signal.SIGKILL)
    assert wait_for(lambda: value(plain) == "128", 3 + 5)
    assert wait_for(lambda: not plain.exists(places.run_folder("run-1") + "/armed"), 5)


def test_a_program_that_does_not_start_arms_nothing(plain, monkeypatch):
    monkeypatch.setattr(detach, "STARTS_WITHIN", 0.5)
    silent = Path(plain.root) / "silent"
    silent.write_text("#!/bin/sh\ncase \"$*\" in *--probe*) echo ready ;; *) sleep 5 ;; esac\n")
    silent.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(silent))
    with pytest.raises(Refused, match="does not say that it waits"):
        apply(plain, Request("run-1", [VALUE]))
    assert value(plain) == "128" and not plain.exists(places.run_folder("run-1") + "/armed")
    with pytest.raises(ChangeError, match="cannot be started: No such file"):
        detach.start(plain, type("Journal", (), {"folder": "/x", "run_id": "run-1"})(), "/no/python", 5)
