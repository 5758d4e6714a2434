#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nodeport_ring
short_description: Says what the clients of a NodePort probe are to ask
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - A ring - every backend is asked through a node that is not its own, so that each node is tested as an entry and as a
    backend - and
    each backend through its own node.
  - With O(answers), other ways to and from the nodes of what failed, which tell an entry, a backend and the way between
    them apart.
options:
  workload:
    description: What M(fastpath.cilium.nodeport_probe) deployed.
    type: dict
    required: true
  answers:
    description: Results of M(fastpath.cilium.nodeport_ask), each with the client's name as C(item).
    type: list
    elements: dict
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Draw the ring
  fastpath.cilium.nodeport_ring:
    workload: "{{ workload }}"
"""

RETURN = r"""
targets:
  description: What to ask. C(rooms) are sizes - null for a small request, else how many bytes a full one leaves below
    the MTU.
  returned: always
  type: list
  elements: dict
  sample: [{entry: node-1, backend: node-2, address: 192.0.2.1, family: ipv4, protocol: tcp, port: 31001,
            hostname: probe-0123456789abcdef, rooms: [null, 0, 8, 50]}]
"""
