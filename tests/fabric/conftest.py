# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests in the fabric; all that it takes is installed and built first, or they are skipped by name."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fabrickit import CANNOT, PROGRAM, Fabric, started  # noqa: E402


@pytest.fixture(scope="session")
def tools() -> None:
    done = subprocess.run([sys.executable, str(PROGRAM), "tools", "--json"], check=False, capture_output=True, text=True)
    if done.returncode == CANNOT:
        pytest.skip("this machine cannot run a fabric: see `tests/fabric/fabric tools`")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def fabric(tools: None) -> Iterator[Fabric]:
    """One for all tests: each leaves it as it found it."""
    with started("fabric-tests") as up:
        up.deploy()
        up.wait_reached(up.ways(remote=True, local=True))
        yield up
