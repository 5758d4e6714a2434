#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: match_hosts
short_description: Puts the hosts of the inventory into the facts of a cluster
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - Takes what M(fastpath.cilium.host_info) answered on each host and finds the node that the host is, by boot ID, since names
    and addresses may differ.
  - A host that is no node of the cluster, and one that could not be read, is kept with a sentence that says so.
options:
  facts:
    description: The facts document, as M(fastpath.cilium.cilium_info) returns it.
    type: dict
    required: true
  registered:
    description: The variable in which an earlier play registered what M(fastpath.cilium.host_info) answered on each host.
    type: str
  answers:
    description:
      - Results of a task with M(fastpath.cilium.host_info) that was delegated in a loop over hosts; C(item) is the host's name.
    type: list
    elements: dict
  former:
    description: C(hosts) of facts that were read before; those stay for what is not in O(answers).
    type: list
    elements: dict
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Read the hosts
  hosts: all:!localhost
  gather_facts: false
  tasks:
    - name: Read the host
      fastpath.cilium.host_info:
      become: true
      register: host_read

- name: Read the cluster
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Read the cluster
      fastpath.cilium.cilium_info:
      register: cilium

    - name: Find the node of each host
      fastpath.cilium.match_hosts:
        facts: "{{ cilium.facts }}"
        registered: host_read
      register: whole
"""

RETURN = r"""
facts:
  description:
    - The same facts with C(hosts), which is C(null) where the inventory has none. Each entry has C(host) (its name in the
      inventory), C(node), C(problem) (one sentence, where no node is known) and C(facts).
  returned: success
  type: dict
"""
