#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: gate
short_description: Fails unless a plan may be applied or the next step may be taken
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - With O(plan), fails where it is blocked, rests on too little, or has risks that nobody accepted.
  - With O(facts) as well, fails where the cluster is no longer what the plan was made for.
  - With O(before) and O(after), fails where a node or agent is worse off than before the step, or an agent of
    the step does
    not show what it should.
options:
  plan:
    description: The plan, as M(fastpath.cilium.plan) returns it.
    type: dict
  facts:
    description: Facts that were read again just before O(plan) is applied.
    type: dict
  before:
    description: Facts from before a step.
    type: dict
  after:
    description: Facts from after it.
    type: dict
  step:
    description: The step, one of the plan's. Without it only the health of nodes and agents is compared.
    type: dict
  rolled:
    description: RV(fastpath.cilium.cilium_rollout#module:nodes) of the roll-out in between. Restarts that an agent had before it was
      verified are not held against it.
    type: dict
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: May this plan be applied to this cluster, as it is now?
  fastpath.cilium.gate:
    plan: "{{ planned.plan }}"
    facts: "{{ cilium_again.facts }}"

- name: Did the step do what it should, and nothing else?
  fastpath.cilium.gate:
    before: "{{ cilium_before.facts }}"
    after: "{{ cilium_after.facts }}"
    step: "{{ planned.plan.steps[0] }}"
"""

RETURN = r"""
failures:
  description: Why the gate is closed, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["Node worker-2 was Ready before the step and is not Ready."]
"""
