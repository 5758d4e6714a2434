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
    done = run(tmp_path, "--syntax-check", path_of(name) if by == "path" else f"fastpath.cilium.{name}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted({*PLAYBOOKS} - {"hosts"}))
def test_a_limit_without_the_controller_is_refused_since_nothing_would_be_done(tmp_path: Path, name: str) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {node-1: {ansible_connection: local}, node-2: {ansible_connection: local}}}")
    limited = run(tmp_path, "-i", str(inventory), path_of(name), "--limit", "node-2")
    assert limited.returncode == 2 and "give --limit 'node-2,localhost'." in " ".join(limited.stdout.split()), limited.stdout
    whole = run(tmp_path, "-i", str(inventory), path_of(name), "--limit", "node-2,localhost", "-e",
                f"fastpath_kubeconfig={tmp_path}/none", "-e", f"fastpath_record_dir={tmp_path}/runs")
    assert "give --limit" not in whole.stdout and "\nlocalhost  " in whole.stdout, whole.stdout


def path_of(name: str) -> str:
    return str(TOP / "playbooks" / f"{name}.yml")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """ansible-playbook in a shell that knows nothing of this checkout."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHON"))}
    return subprocess.run([str(Path(sys.executable).with_name("ansible-playbook")), *arguments], cwd=folder, env=clean,
                          capture_output=True, text=True, check=False)
