# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs built once and kept in the user's cache folder."""
from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable

from . import golang
from .errors import LabError
from .locks import exclusive
from .places import CLUSTER_SOURCE, cache
from .progress import Progress

KUBERNETES = "1.34.4"
KEPT_SECONDS = 24 * 3600  # an older build of the cluster goes when a newer one comes


Build = Callable[[Path], subprocess.CompletedProcess]


def build_once(target: Path, title: str, build: Build, progress: Progress) -> Path:
    """`target`, which `build` makes in a folder it is given, under target's name, where it is not there yet."""
    if not target.exists():
        with exclusive(target.with_name(target.name + ".lock"), lambda: progress.say("Waiting for another build ...")):
            if not target.exists():
                _build(target, title, build, progress)
    os.utime(target)
    return target


def _build(target: Path, title: str, build: Build, progress: Progress) -> None:
    folder = Path(tempfile.mkdtemp(prefix="build-", dir=target.parent))
    try:
        with progress.step(f"{title} (takes minutes the first time)"):
            done = build(folder)
        if done.returncode:
            raise LabError(f"{title} failed: {_last_lines(done.stderr)}")
        os.replace(folder / target.name, target)  # whole or not at all
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _last_lines(text: str, count: int = 5) -> str:
    return "\n".join(text.strip().splitlines()[-count:])


def cluster_program(progress: Progress) -> Path:
    """The lab's cluster program, built from the sources as they are now."""
    go = golang.find_go(progress)
    version = golang.dotted(golang.version_of(str(go)))
    target = cache() / f"cluster-{sources_digest(version)}"
    if not target.exists():
        _drop_old_builds(target)
    return build_once(target, f"Building the lab's cluster with Go {version}",
                      lambda folder: _go_build(go, folder / target.name), progress)


def sources_digest(go_version: str) -> str:
    """Changes with every source file, the modules and the compiler, and with nothing else."""
    digest = hashlib.sha256(go_version.encode())
    for path in sorted(CLUSTER_SOURCE.rglob("*")):
        if path.name in ("go.mod", "go.sum") or (path.suffix == ".go" and not path.name.endswith("_test.go")):
            digest.update(f"\0{path.relative_to(CLUSTER_SOURCE)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _go_build(go: Path, target: Path) -> subprocess.CompletedProcess:
    command = [str(go), "build", "-trimpath", "-buildvcs=false", "-ldflags", link_flags(), "-o", str(target), "."]
    return subprocess.run(command, cwd=CLUSTER_SOURCE, env=golang.environment(), check=False, capture_output=True, text=True)


def link_flags() -> str:
    """The version the API server reports; without it it would call itself v0.0.0-master."""
    major, minor = KUBERNETES.split(".")[:2]
    facts = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean",
             "buildDate": "2026-01-01T00:00:00Z"}
    return "-s -w " + " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in facts.items())


def _drop_old_builds(new: Path) -> None:
    for old in new.parent.glob("cluster-*"):
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            old.unlink(missing_ok=True)
