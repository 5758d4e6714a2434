#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nodeport_verdict
short_description: Tells what a NodePort probe proves, and what causes what failed
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - The mode on the wire by the client address that backends of other nodes saw, apart from what agents claim; what
    failed; and the causes
    that the pattern of it points to.
  - A probe that did not pass is no failure of this module. What is not proven is not passed.
options:
  workload:
    description: What M(fastpath.cilium.nodeport_probe) deployed.
    type: dict
    required: true
  answers:
    description: Results of M(fastpath.cilium.nodeport_ask), each with the client's name as C(item).
    type: list
    elements: dict
    required: true
  heard:
    description: What M(fastpath.cilium.nodeport_probe) says of the backends' logs.
    type: dict
  facts:
    description: Facts of the cluster at the time of the probe, for what agents claim.
    type: dict
  wanted:
    description: The mode that must be on the wire; without it everything need only work.
    type: str
    choices: [snat, dsr, hybrid]
  annotated:
    description: Whether the probe's Services asked for their mode themselves, so that what agents claim is not compared.
    type: bool
    default: false
  run:
    description: Run in whose record it is kept, as C(name).json.
    type: dict
  name:
    description: Name of the document in the record.
    type: str
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: What does it prove?
  fastpath.cilium.nodeport_verdict:
    workload: "{{ workload }}"
    answers: "{{ asked.results }}"
    facts: "{{ cilium.facts }}"
    wanted: dsr
"""

RETURN = r"""
verdict:
  description:
    - C(passed) is true, false, or null where not everything could be proven; C(mode) is the mode on the wire; C(causes)
      say what failed, why,
      and what to do.
  returned: always
  type: dict
  sample:
    passed: false
    reason: 6 of 12 requests failed. UDP is lost while TCP works.
    wanted: snat
    mode: snat
    nodes: {node-1: {wire: snat, claims: snat}}
    asked: 12
    failed: 6
    failures: [{entry: node-1, backend: node-2, protocol: udp, family: ipv4, room: null, state: timeout, client: localhost}]
    causes: [{cause: udp_only, sentence: UDP is lost while TCP works., way_out: Let UDP pass., nodes: [node-1, node-2],
      pairs: 6}]
    connect_ms: {median: 0.4, worst: 0.9}
"""
