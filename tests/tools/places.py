# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the project's own tools find and keep things."""
from __future__ import annotations

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BIN = TOP / ".venv" / "bin"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fastpath-cilium"
