# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the fabric finds and keeps things."""
from __future__ import annotations

from pathlib import Path

FABRIC = Path(__file__).resolve().parents[1]
CHECKOUT = FABRIC.parents[1]
PROGRAM = FABRIC / "fabric"
NODE_PROGRAM = FABRIC / "netbed" / "node.py"
TOOL_SOURCE = FABRIC / "tool"
CNI_PLUGINS = Path("/usr/lib/cni")  # where Debian's package puts them


def state(name: str) -> Path:
    """The state folder of fabric `name`; it need not be there."""
    return CHECKOUT / ".fabric" / name
