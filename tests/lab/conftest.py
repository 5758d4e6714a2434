# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lab tests need the lab's own programs, which `tests/lab/lab tools` builds; every test says by its marker that it is one."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(scope="session")
def tools() -> dict[str, str]:
    """Paths of go, the lab's cluster program, helm3 and helm4."""
    program = Path(__file__).resolve().parent / "lab"
    done = subprocess.run([sys.executable, str(program), "tools", "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
