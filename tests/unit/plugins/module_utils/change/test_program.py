# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import glob
import io
import os
import subprocess
import sys
import zipfile

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change import program, undo

PYTHONS = [sys.executable, *sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.8.*/bin/python3.8"))),
           *sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.13.*/bin/python3.13")))]


def run(interpreter, path, *arguments):
    return subprocess.run([interpreter, "-I", str(path), *arguments], capture_output=True, text=True, check=False, cwd="/",
                          env={"PATH": "/nowhere"}, timeout=60)


@pytest.mark.parametrize("interpreter", PYTHONS)
def test_it_stands_on_its_own(tmp_path, interpreter):
    (tmp_path / "undo.pyz").write_bytes(program.build(undo))
    done = run(interpreter, tmp_path / "undo.pyz", "--probe")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ready\n", "")
    nothing = run(interpreter, tmp_path / "undo.pyz", "--root", str(tmp_path), "--run-id", "run-1")
    assert (nothing.returncode, nothing.stderr) == (0, "")


def test_it_holds_what_the_undo_imports_and_nothing_of_ansible():
    with zipfile.ZipFile(io.BytesIO(program.build(undo))) as archive:
        names = archive.namelist()
        text = "".join(archive.read(name).decode() for name in names)
    assert any(name.endswith("change/op_unit.py") for name in names) and any(name.endswith("module_utils/text.py") for name in names)
    assert "ansible.module_utils" not in text
