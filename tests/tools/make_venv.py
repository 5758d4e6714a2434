# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes a virtual environment, installs requirement files into it and makes this checkout known there as fastpath.cilium:
make_venv.py FOLDER FILE..."""
from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
OLDEST = (3, 11)  # ansible-core 2.19 needs it on the controller


def main(folder: str, *requirements: str) -> int:
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        print(f"Python {found} is too old: Ansible's controller needs 3.11 or newer; name one with "
              f"`make PYTHON=/path/to/python3.11 ...`.", file=sys.stderr)
        return 1
    began = time.monotonic()
    print(f"Installing {', '.join(requirements)} into {folder} ...", flush=True)
    if not (Path(folder) / "bin" / "python").exists():
        venv.create(folder, with_pip=True)
    command = [f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for name in requirements:
        command += ["-r", name]
    code = subprocess.call(command)
    if code == 0:
        link_collection(Path(folder))
    print(f"... {'done' if code == 0 else 'failed'} in {time.monotonic() - began:.0f} s", flush=True)
    return code


def link_collection(folder: Path) -> None:
    """Ansible looks for collections among Python's packages too, so playbooks and roles are found from any folder."""
    for packages in (folder / "lib").glob("python3*/site-packages"):
        link = packages / "ansible_collections" / "fastpath" / "cilium"
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink():
            link.unlink()
        link.symlink_to(os.path.relpath(TOP, link.parent.resolve()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
