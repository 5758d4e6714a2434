# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the README says of where playbooks work: from any folder, by path and by name, with `make venv` alone."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]
PLAYBOOKS = sorted(path.stem for path in (TOP / "playbooks").glob("*.yml"))


@pytest.mark.parametrize("name", PLAYBOOKS)
@pytest.mark.parametrize("by", ["path", "name"])
def test_a_playbook_is_found_from_any_folder(tmp_path: Path, by: str, name: str) -> None:
    # As in a shell that knows nothing of this checkout.
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHON"))}
    playbook = str(TOP / "playbooks" / f"{name}.yml") if by == "path" else f"fastpath.cilium.{name}"
    done = subprocess.run([str(Path(sys.executable).with_name("ansible-playbook")), "--syntax-check", playbook], cwd=tmp_path,
                          env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
