#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: judge
short_description: Says of each tuning whether a cluster is in line with it
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - Compares facts from M(fastpath.cilium.cilium_info) with what is wanted and returns a verdict for each tuning.
  - What was not read makes a verdict C(UNKNOWN), which never counts as C(OK).
options:
  facts:
    description: The facts document, as M(fastpath.cilium.cilium_info) returns it.
    type: dict
    required: true
  tunings:
    description:
      - A mapping of tuning to its options; V(true) or an empty mapping means the default options, V(false)
        leaves it out.
      - Tunings that a wanted one needs are judged with it. Without this option, DSR is wanted with its default
        options.
    type: raw
  profile:
    description:
      - A profile, V(recommended), V(latency), V(throughput) or V(max), whose tunings are wanted where O(tunings) does not
        say otherwise. What of it cannot be done is left out and told, and does not keep the rest back.
    type: str
  groups:
    description:
      - 'What groups of nodes have instead: a list of C(nodes), a mapping of labels or a list of names, and C(tunings), as
        O(tunings) has them. Only what nodes may have a configuration of their own of can be in it.'
    type: raw
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Is DSR on for TCP, on every agent?
  fastpath.cilium.judge:
    facts: "{{ cilium.facts }}"
    tunings:
      dsr:
        mode: hybrid
  register: judged

- name: Show what is not in line
  ansible.builtin.debug:
    msg: "{{ judged.verdicts | rejectattr('state', 'eq', 'OK') | map(attribute='reason') | list }}"
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
      sample: dsr
    title:
      description: Its title.
      type: str
    selected:
      description: Whether it is wanted itself, and not just needed by another one.
      type: bool
    applies:
      description: Whether a plan can apply it. If not, RV(verdicts[].way_out) holds the procedure.
      type: bool
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
    options:
      description: The options it was judged with.
      type: dict
    stage:
      description: The first stage that is not reached, C(null) where there is none to take.
      type: str
    wanted:
      description: What is wanted in C(values), C(config) and C(live).
      type: dict
    found:
      description: What was found there; in C(live), each value with the nodes that run it.
      type: dict
    restart_pending:
      description: Nodes whose agent runs something else than C(cilium-config) says.
      type: list
      elements: str
    nodes:
      description: Nodes that hold it back.
      type: list
      elements: str
    notes:
      description: What is worth knowing besides.
      type: list
      elements: str
host_verdicts:
  description: One verdict for each tuning of hosts, in the order in which they would be applied.
  returned: success
  type: list
  elements: dict
  contains:
    tuning:
      description: Its id.
      type: str
      sample: irq_affinity
    state:
      description: The worst among the hosts.
      type: str
    reason:
      description: Why, for each reason with its hosts.
      type: str
    hosts:
      description: The verdict of each host, with C(state), C(reason), C(way_out), C(settings) and C(notes).
      type: dict
"""
