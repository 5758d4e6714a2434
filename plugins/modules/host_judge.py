#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: host_judge
short_description: Says of each host tuning whether a host is in line with it, and what would bring it there
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - Compares facts from M(fastpath.cilium.host_info) with what is wanted and returns a verdict for each tuning, and the ops
    for M(fastpath.cilium.host_apply).
  - What was not read makes a verdict C(UNKNOWN), which never counts as C(OK).
options:
  facts:
    description: The facts document, as M(fastpath.cilium.host_info) returns it.
    type: dict
    required: true
  tunings:
    description: A mapping of host tuning to its options; V(true) or an empty mapping means the default options.
    type: dict
    required: true
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Read the host
  fastpath.cilium.host_info:
  become: true
  register: host

- name: Are its interrupts pinned?
  fastpath.cilium.host_judge:
    facts: "{{ host.facts }}"
    tunings:
      irq_affinity: {}
  register: judged

- name: Pin them
  fastpath.cilium.host_apply:
    run_id: irq_affinity
    ops: "{{ judged.ops }}"
  become: true
"""

RETURN = r"""
verdicts:
  description: One verdict for each tuning, in the order in which they would be applied.
  returned: success
  type: list
  elements: dict
  contains:
    tuning:
      description: Its id.
      type: str
      sample: irq_affinity
    title:
      description: Its title.
      type: str
    state:
      description: One of C(OK), C(DRIFT), C(BLOCKED), C(NOT_APPLICABLE) and C(UNKNOWN).
      type: str
      sample: DRIFT
    reason:
      description: One sentence why.
      type: str
    way_out:
      description: What to do about it.
      type: str
    settings:
      description: Everything that was compared, with C(what), C(found), C(wanted), C(at_boot) and C(in_place).
      type: list
      elements: dict
    notes:
      description: What is worth knowing besides.
      type: list
      elements: str
ops:
  description: What brings the host in line, as M(fastpath.cilium.host_apply) takes it.
  returned: success
  type: list
  elements: dict
risk:
  description: What that costs.
  returned: success
  type: str
  sample: none
outcome:
  description: One of V(in_line), V(drift), V(blocked) and V(unknown).
  returned: success
  type: str
why:
  description: One sentence why nothing may be applied, with the way out; V(null) where it may.
  returned: success
  type: str
"""
