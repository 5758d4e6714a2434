#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: host_step
short_description: Says what is to be done on hosts of a plan, or whether it is done
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - Compares hosts that were read again with what a plan from M(fastpath.cilium.plan) found on them, and afterwards with what
    it wants there.
  - Fails, with a sentence for each reason, where a host is not the one that the plan was made for, or is not as it shall be.
options:
  plan:
    description: The plan.
    type: dict
    required: true
  facts:
    description: The facts document, with the hosts as they are now.
    type: dict
    required: true
  hosts:
    description: Names of these hosts in the inventory.
    type: list
    elements: str
    required: true
  stage:
    description: Whether they are looked at V(before) anything is changed on them, or V(after).
    type: str
    required: true
    choices: [before, after]
  tunings:
    description: What is wanted, as in M(fastpath.cilium.judge).
    type: raw
  profile:
    description: A profile, as in M(fastpath.cilium.judge).
    type: str
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Find what is still to be done
  fastpath.cilium.host_step:
    plan: "{{ planned.plan }}"
    facts: "{{ whole.facts }}"
    hosts: [rack-1]
    stage: before
    profile: latency
"""

RETURN = r"""
steps:
  description: What is to be done on each, with C(host), C(node), C(boot_id), C(ops) and C(reboot); empty with O(stage=after).
  returned: success
  type: list
  elements: dict
pending:
  description: What only a reboot brings about, for each host; empty with O(stage=before).
  returned: success
  type: dict
failures:
  description: A sentence for each reason.
  returned: failure
  type: list
  elements: str
"""
