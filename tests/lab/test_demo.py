# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `make demo` runs, on a machine where the lab's own tools are all there is."""
from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from labkit import Lab
from plays import TOP

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("demo")]


def path_without_helm() -> str:
    return os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if not shutil.which("helm", path=folder))


def test_the_demo_needs_no_helm_in_path_and_ends_in_line() -> None:
    name = "test-demo"
    try:
        done = subprocess.run([str(TOP / "tests/tools/demo"), "--watch-pid", str(os.getpid())], cwd=TOP, text=True, check=False,
                              env={**os.environ, "PATH": path_without_helm(), "DEMO_LAB": name, "ANSIBLE_FORCE_COLOR": "0"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        assert done.returncode == 0, done.stdout
        assert re.search(r"^dsr +DRIFT +snat +dsr$", done.stdout, re.MULTILINE) and "bpf-lb-mode: dsr" in done.stdout
        assert re.findall(r"Outcome +(\w+ ?\w*)", done.stdout)[-1].startswith("in line")
        assert "No inventory was parsed" not in done.stdout
        assert f".lab/{name}/kubeconfig" in done.stdout.split("Look further:")[1]
    finally:
        Lab(name).down()
