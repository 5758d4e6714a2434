#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Plans the steps that bring a cluster in line
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.controller
description:
  - Turns verdicts from M(fastpath.cilium.judge) into ordered steps with risk, reason and undo. Nothing is applied.
  - Only a plan whose C(outcome) is C(drift) and whose C(unacknowledged) is empty may be applied;
    M(fastpath.cilium.gate) fails for any other.
options:
  facts:
    description: The facts document, as M(fastpath.cilium.cilium_info) returns it.
    type: dict
    required: true
  verdicts:
    description: The verdicts, as M(fastpath.cilium.judge) returns them for the same facts and tunings.
    type: list
    elements: dict
    required: true
  tunings:
    description: What is wanted, as in M(fastpath.cilium.judge).
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
  acknowledge:
    description: Tunings whose risk is accepted, from lost connections on.
    type: list
    elements: str
    default: []
  canary:
    description: How many nodes take each step before all others, where a CiliumNodeConfig can give it to them.
    type: int
    default: 0
  batch:
    description: How many agents are restarted at a time.
    type: int
    default: 1
  owner_apply:
    description:
      - Plan steps also where a HelmChart of K3s or RKE2 owns the release; M(fastpath.cilium.helm_chart_config) takes them.
    type: bool
    default: false
  host_verdicts:
    description: The verdicts of the tunings of hosts, as M(fastpath.cilium.judge) returns them.
    type: list
    elements: dict
    default: []
  serial:
    description: How many hosts are changed before the cluster is looked at again. Of the control plane it is always one.
    type: int
    default: 1
  reboot:
    description: Whether hosts may be drained and rebooted for what only a boot brings about.
    type: bool
    default: false
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Plan
  fastpath.cilium.plan:
    facts: "{{ cilium.facts }}"
    verdicts: "{{ judged.verdicts }}"
    tunings:
      dsr: {}
    acknowledge: [dsr]
  register: planned
"""

RETURN = r"""
plan:
  description: The plan.
  returned: success
  type: dict
  contains:
    digest:
      description: Hash over cluster, steps, hosts and basis.
      type: str
      sample: sha256:4103e6210bd219f64a29f10ede74a4cc2c53c2eb8c5d0bb6bb403576926bd5ff
    cluster_uid:
      description: UID of the namespace kube-system, which identifies the cluster.
      type: str
    outcome:
      description: One of C(in_line), C(drift), C(blocked) and C(unknown).
      type: str
      sample: drift
    batch:
      description: How many agents are restarted at a time.
      type: int
    steps:
      description:
        - The steps in order, each with C(id), C(tunings), C(stage), C(reason), C(risk), C(undo), C(values),
          C(former_values), C(config), C(expect) and C(nodes).
      type: list
      elements: dict
    hosts:
      description:
        - What is done on each host, by its name in the inventory, with C(node), C(boot_id), C(tunings), C(ops), C(changes),
          C(risk), C(reason), C(undo) and C(reboot).
      type: dict
    host_order:
      description: The names of these hosts in order, workers first.
      type: list
      elements: str
    host_batches:
      description: The same, by those that are changed before the cluster is looked at again.
      type: list
      elements: list
    reboot_pending:
      description: Hosts with what only a reboot brings about, which was not asked for.
      type: dict
    blocked:
      description: What is wanted and cannot be reached; C(tuning) is C(null) where it is about the cluster as a whole.
      type: list
      elements: dict
    unacknowledged:
      description: Tunings whose risk was not accepted.
      type: list
      elements: dict
    acknowledged:
      description: The names whose risk was accepted.
      type: list
      elements: str
    basis:
      description: The facts that the plan rests on.
      type: dict
"""
