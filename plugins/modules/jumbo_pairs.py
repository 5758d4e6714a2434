#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: jumbo_pairs
short_description: Fails with each pair of hosts over which full-size packets did not go
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - Holds what M(fastpath.cilium.full_size_probe) answered on each host against all pairs that M(fastpath.cilium.jumbo_plan) knows.
options:
  hosts:
    description: The C(hosts) that M(fastpath.cilium.jumbo_plan) returned.
    type: dict
    required: true
  answers:
    description: By host, what M(fastpath.cilium.full_size_probe) returned there.
    type: dict
    required: true
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Go on only where every host reaches every other one
  fastpath.cilium.jumbo_pairs:
    hosts: "{{ jumbo.hosts }}"
    answers: {node-1: "{{ hostvars['node-1'].probe }}", node-2: "{{ hostvars['node-2'].probe }}"}
"""

RETURN = r"""
pairs:
  description: A sentence for each pair and direction that failed.
  returned: always
  type: list
  elements: str
"""
