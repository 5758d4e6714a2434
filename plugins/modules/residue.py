#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: residue
short_description: Says what agents leave behind on their hosts, and how to put it back
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - Agents change their host for some tunings (sysctls, queueing disciplines) and leave it so when the tuning is gone. Before a
    step this says what stands there; on the way back, what to do about it.
options:
  facts:
    description: The facts document with C(hosts), as M(fastpath.cilium.match_hosts) returns it.
    type: dict
    required: true
  step:
    description: A step of the plan that is about to be taken.
    type: dict
  before:
    description:
      - C(hosts) of the facts from before O(step), to be told what hosts may have lost by it. Tunings of hosts that are named in
        C(disturbs) of the step are looked at.
    type: list
    elements: dict
  recorded:
    description: What this module returned as C(recorded) before the step, to find the way back.
    type: dict
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Remember what stands on the hosts
  fastpath.cilium.residue:
    facts: "{{ whole.facts }}"
    step: "{{ planned.plan.steps | first }}"
  register: before

- name: Find the way back
  fastpath.cilium.residue:
    facts: "{{ whole_now.facts }}"
    recorded: "{{ before.recorded }}"
  register: back
"""

RETURN = r"""
recorded:
  description:
    - C(tunings) of the step, and by C(nodes) the C(host), its C(sysctls) and C(devices) as they stand. Empty where no tuning of
      the step leaves anything.
  returned: with O(step), without O(before)
  type: dict
lost:
  description: By node, sentences about what is another one than before the step.
  returned: with O(before)
  type: dict
ways:
  description:
    - For each node C(node), C(host), C(ops) for M(fastpath.cilium.host_apply), and C(kept), sentences about what stays as it is
      because somebody else changed it, or because the host could not be read.
  returned: with O(recorded)
  type: list
  elements: dict
"""
