# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where test beds find and keep things."""
from __future__ import annotations

import os
from pathlib import Path

VM = Path(__file__).resolve().parents[1]
CHECKOUT = VM.parents[1]
PROGRAM = VM / "vm"
RECIPE = VM / "image"


def cache() -> Path:
    """The folder for images, made when missing."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "fastpath-cilium"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def state(name: str) -> Path:
    """The state folder of test bed `name`; it need not be there."""
    return CHECKOUT / ".vm" / name
