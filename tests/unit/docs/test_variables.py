# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The list of variables that a misspelt name is told by, against the variables that roles read."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[3]
SETS = {"fastpath_result"}  # handed to whoever started the run
GROUPS = {"fastpath_clients"}  # of the inventory


def test_the_list_holds_what_the_roles_read_and_nothing_else():
    listed = yaml.safe_load((TOP / "roles/preflight/vars/main.yml").read_text())["__preflight_variables"]
    roles = [path for path in (TOP / "roles").glob("*/*/*.yml") if path.parent.name in ("defaults", "tasks")]
    read = {name for path in [*roles, *(TOP / "playbooks").glob("*.yml")]
            for name in re.findall(r"\bfastpath_[a-z_]+", path.read_text())}
    assert set(listed) == read - SETS - GROUPS and listed == sorted(listed)


def test_a_misspelt_name_is_told_before_a_cluster_is_read(tmp_path):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "KUBE", "K8S_"))}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(TOP / "playbooks/audit.yml"), "-e", "fastpath_profil=max"]
    done = subprocess.run(command, cwd=TOP, env={**clean, "HOME": str(tmp_path), "PWD": str(tmp_path)}, capture_output=True,
                          text=True, check=False)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0 and "There is no variable fastpath_profil; known are: fastpath_acknowledge," in said
    assert not (tmp_path / "fastpath-runs").exists()
