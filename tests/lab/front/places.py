# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the lab finds and keeps things."""
from __future__ import annotations

import os
from pathlib import Path

LAB = Path(__file__).resolve().parents[1]
CHECKOUT = LAB.parents[1]
CLUSTER_SOURCE = LAB / "cluster"
CHARTS = LAB / "chart"
MANIFESTS = LAB / "manifests"
VENV = CHECKOUT / ".venv"


def cache() -> Path:
    """The folder for built programs, made when missing."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "fastpath-cilium"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def state(name: str) -> Path:
    """The state folder of lab `name`; it need not be there."""
    return CHECKOUT / ".lab" / name
