# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the fabric tells its user when it cannot go on."""
from __future__ import annotations


class FabricError(Exception):
    """One sentence: what is wrong and what to do."""


class CannotRun(FabricError):
    """This machine cannot run a fabric at all."""
