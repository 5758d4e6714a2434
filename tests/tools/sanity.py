# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs ansible-test sanity over a copy of the checkout.

ansible-test wants the collection below ansible_collections/<namespace>/<name> and resolves links, so the checkout's
own link does not do.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from places import BIN, CACHE, TOP

COPY = CACHE / "sanity" / "ansible_collections" / "fastpath" / "cilium"
HOME = CACHE / "ansible-test"  # its virtual environments and caches; the user's own are left alone
# pip versions of ansible-test 2.19 to 2.21, by the Python it bootstraps.
BOOTSTRAPS = ("20.3.4", "21.3.1", "23.1.2", "24.0", "24.2", "25.0", "25.1", "25.3", "26.0")


def project_files() -> list[str]:
    """Files that git tracks or would track, as they are in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=TOP, check=True, capture_output=True, text=True).stdout
    return sorted({name for name in listed.split("\0") if name and (TOP / name).is_file()})


def copy_project() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    for name in project_files():
        target = COPY / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / name, target, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet"], cwd=COPY, check=True)
    subprocess.run(["git", "add", "--all"], cwd=COPY, check=True, stderr=subprocess.DEVNULL)


def provide_bootstrap() -> None:
    """ansible-test fetches a get-pip script from outside; a stand-in that runs ensurepip keeps it to pip's own index."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in BOOTSTRAPS:
        shutil.copy(Path(__file__).with_name("get_pip.py"), cache / f"get_pip_{version.replace('.', '_')}.py")


def environment() -> dict[str, str]:
    home = Path.home()
    env = dict(os.environ, HOME=str(HOME))
    env.setdefault("XDG_CONFIG_HOME", str(home / ".config"))  # pip's own settings stay in force
    # Shims of a version manager are no interpreters: put the real ones on PATH where there are some.
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    real = sorted(str(folder) for folder in pyenv.glob("versions/3.*/bin"))
    env["PATH"] = os.pathsep.join([str(BIN), *real, env["PATH"]])
    for name in ("PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONFIG"):
        env.pop(name, None)
    return env


def main(arguments: list[str]) -> int:
    copy_project()
    provide_bootstrap()
    command = [str(BIN / "ansible-test"), "sanity", "--venv", "--color", "no", *arguments]
    return subprocess.call(command, cwd=COPY, env=environment())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
