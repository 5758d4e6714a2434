# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one kind of error a user of the test beds sees."""
from __future__ import annotations


class VmError(Exception):
    """One sentence: what is wrong and what to do."""


class CannotRun(VmError):
    """This machine cannot run test beds at all."""
