# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where test beds find and keep things."""
from __future__ import annotations

from pathlib import Path

from front.places import cache

__all__ = ["CHECKOUT", "PROGRAM", "RECIPE", "VM", "cache", "state"]

VM = Path(__file__).resolve().parents[1]
CHECKOUT = VM.parents[1]
PROGRAM = VM / "vm"
RECIPE = VM / "image"


def state(name: str) -> Path:
    """The state folder of test bed `name`; it need not be there."""
    return CHECKOUT / ".vm" / name
