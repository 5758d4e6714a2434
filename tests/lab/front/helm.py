# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Helm program: a given one, one of PATH, or one built into the cache."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Optional

from . import golang
from .builds import build_once
from .errors import LabError
from .places import cache
from .progress import Progress

VERSIONS = {3: "v3.22.0", 4: "v4.3.1"}
DEFAULT_MAJOR = 4  # built where PATH has no Helm at all


def find_helm(wanted: Optional[str], progress: Progress) -> Path:
    """`wanted` is a path, "3" or "4"; None takes any supported Helm of PATH, else builds the newest."""
    if wanted and wanted not in map(str, VERSIONS):
        return _given(wanted)
    found = shutil.which("helm")
    major = major_of(found) if found else None
    if found and (str(major) == wanted or (wanted is None and major in VERSIONS)):
        return Path(found)
    return build_helm(int(wanted or DEFAULT_MAJOR), progress)


def _given(wanted: str) -> Path:
    path = shutil.which(wanted)
    if not path or major_of(path) not in VERSIONS:
        raise LabError(f"{wanted} is no Helm 3 or 4: give --helm 3, 4 or the path of a helm program.")
    return Path(path)


def major_of(helm: str) -> Optional[int]:
    """Helm's major version; None where the program does not say."""
    try:
        answer = subprocess.run([helm, "version", "--short"], check=False, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v(\d+)\.", answer.stdout)
    return int(found.group(1)) if found else None


def build_helm(major: int, progress: Progress) -> Path:
    version = VERSIONS[major]
    folder = cache() / f"helm-{version}"
    folder.mkdir(exist_ok=True)

    def build(into: Path) -> subprocess.CompletedProcess:
        go = golang.find_go(progress)
        module = f"helm.sh/helm/v{major}"
        flags = f"-X {module}/internal/version.version={version}"
        return subprocess.run([str(go), "install", "-ldflags", flags, f"{module}/cmd/helm@{version}"],
                              env={**golang.environment(), "GOBIN": str(into)}, check=False, capture_output=True, text=True)

    return build_once(folder / "helm", f"Building Helm {version}", build, progress)


def environment(home: Path) -> dict[str, str]:
    """Keeps Helm out of the user's own Helm folders, and the user's cluster out of the lab."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HELM_", "KUBE"))}
    return {**kept, "HELM_CACHE_HOME": str(home / "cache"), "HELM_CONFIG_HOME": str(home / "config"),
            "HELM_DATA_HOME": str(home / "data")}
