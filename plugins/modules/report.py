#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Prints what was found, planned and done
version_added: "0.1.0"
description:
  - Prints the documents it is given as plain ASCII text, as wide as the terminal (60 to 120 columns).
  - Control characters in text from outside are left out, so that nothing of it reaches the terminal as a command.
options:
  facts:
    description: The facts document.
    type: dict
  verdicts:
    description: The verdicts.
    type: list
    elements: dict
  host_verdicts:
    description: The verdicts of the tunings of hosts.
    type: list
    elements: dict
  plan:
    description: The plan.
    type: dict
  result:
    description: The result of a run, as M(fastpath.cilium.record) returns it.
    type: dict
  run:
    description: The run, as M(fastpath.cilium.record) returns it. The text is added to C(report.txt) in its folder.
    type: dict
  width:
    description: Columns to use instead of those of the terminal.
    type: int
attributes:
  action:
    description: Runs on the controller, whatever the host and its connection.
    support: full
  check_mode:
    description: Runs the same; C(report.txt) is written too, as a plan is of use only when it can be read.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Show it
  fastpath.cilium.report:
    facts: "{{ cilium.facts }}"
    verdicts: "{{ judged.verdicts }}"
    plan: "{{ planned.plan }}"
"""

RETURN = r"""
text:
  description: What was printed.
  returned: success
  type: str
"""
