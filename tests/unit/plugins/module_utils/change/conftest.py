# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change import program, undo
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.fake_host import FakeHost


@pytest.fixture
def tmp_path():
    """In memory where that is possible: these tests copy a host's files again and again."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def quick_sync(monkeypatch):
    """A killed process loses nothing of what it wrote, so nothing has to reach the disk here; see test_node."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(autouse=True, scope="session")
def program_made_once():
    """Zipping takes longer than all the rest of arming."""
    made = program.build(undo)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "build", lambda entry: made)
        yield


@pytest.fixture
def host(tmp_path):
    """A host in a folder; see fake_host."""
    return FakeHost.made(tmp_path / "host")
