# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Attributes of the steps that run on the controller and change nothing outside of it."""
from __future__ import annotations


class ModuleDocFragment:
    """Found by name through extends_documentation_fragment."""

    DOCUMENTATION = r"""
attributes:
  action:
    description: Runs on the controller, whatever the host and its connection.
    support: full
  check_mode:
    description: Runs the same, as nothing outside the controller is read or changed.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
"""
