#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: jumbo_plan
short_description: Says what each host of a segment has to do for jumbo frames
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - Finds the segment that hosts share, the devices that carry it, and the ops for M(fastpath.cilium.host_apply) of two phases; in
    the first one devices get the size while their routes keep the former one, in the second one the segment's routes are let
    go and it is written down for the next boot.
  - Used by the role P(fastpath.cilium.jumbo_mtu#role).
options:
  facts:
    description: By host, the facts that M(fastpath.cilium.host_info) returned.
    type: dict
    required: true
  size:
    description: The larger MTU in bytes.
    type: int
    required: true
  segment:
    description: The segment's IPv4 network, such as V(192.0.2.0/24). Without it the one network that all hosts share.
    type: str
  by_hand:
    description: Whether somebody else writes the MTU down where this collection only tells how.
    type: bool
    default: false
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: See what would be done
  fastpath.cilium.jumbo_plan:
    facts: {node-1: "{{ hostvars['node-1'].host.facts }}", node-2: "{{ hostvars['node-2'].host.facts }}"}
    size: 9000
  register: jumbo
"""

RETURN = r"""
segment:
  description: The segment's network.
  returned: success
  type: str
hosts:
  description:
    - By host, its C(address) on the segment, the C(device) with it, the addresses of its C(peers), the ops of the first phase
      (C(raise)) and of the second one (C(free)), and what is left to do C(by_hand).
  returned: success
  type: dict
"""
