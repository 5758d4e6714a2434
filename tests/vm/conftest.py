# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bedkit import CANNOT, PROGRAM, Bed, vm  # noqa: E402


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    if subprocess.run([str(PROGRAM), "tools"], check=False, capture_output=True).returncode == CANNOT:
        pytest.skip("this machine cannot run virtual machines: see `tests/vm/vm tools`")
    vm("down", "--name", "vm-tests")
    yield Bed("vm-tests")
    vm("down", "--name", "vm-tests")
