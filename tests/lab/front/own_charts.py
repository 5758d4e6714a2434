# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's own charts, put together: each version's files and the templates that all share.

They are copied, not linked: links get lost where a checkout is copied, packed or made on a file system without them.
"""
from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from .places import CHARTS, cache

SHARED = CHARTS / "common"


def own_charts() -> Path:
    """The folder that holds `cilium-<version>/`, whole charts, of the sources as they are now."""
    target = cache() / f"charts-{_sources_digest()}"
    if not target.exists():
        _assemble(target)
    return target


def _sources_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in CHARTS.rglob("*") if path.is_file()):
        digest.update(f"\0{path.relative_to(CHARTS)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _assemble(target: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="build-", dir=target.parent))
    try:
        for version in CHARTS.glob("cilium-*"):
            shutil.copytree(version, folder / version.name)
            shutil.copytree(SHARED, folder / version.name, dirs_exist_ok=True)
        _rename(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rename(folder: Path, target: Path) -> None:
    """Whole or not at all; another lab may have been faster with the very same content."""
    try:
        os.rename(folder, target)
    except OSError:
        if not target.is_dir():
            raise
