# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Attributes of the modules that only read."""
from __future__ import annotations


class ModuleDocFragment:
    """Found by name through extends_documentation_fragment."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Runs the same, as it never changes anything.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
"""
