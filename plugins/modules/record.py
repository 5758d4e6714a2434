#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: record
short_description: Keeps the record of a run
version_added: "0.1.0"
description:
  - Every run has a folder of its own, which only its owner can read. Files are written so that a kill leaves
    either the former
    or the new one, and an entry of the journal is on the disk when the task ends.
  - What is loaded is plain data and never evaluated.
options:
  state:
    description:
      - V(open) makes the folder, V(write) puts documents into it, V(journal) adds an entry to its journal,
        V(close) writes
        C(result.json), V(load) reads a former run for a rollback.
    type: str
    required: true
    choices: [open, write, journal, close, load]
  dir:
    description: The folder that holds the runs. Needed by O(state=open) and O(state=load).
    type: path
  playbook:
    description: What is being run. Needed by O(state=open).
    type: str
  run:
    description: The run, as O(state=open) returned it. Needed by O(state=write), O(state=journal) and O(state=close).
    type: dict
  run_id:
    description: The run to load; without it the newest one that changed something.
    type: str
  documents:
    description: Documents by name, each written as C(<name>.json). Needed by O(state=write).
    type: dict
  patches:
    description: What a foreign owner of the release has to change, as a plan has it; each is written as C(<name>.yaml).
    type: list
    elements: dict
  entry:
    description:
      - An entry of the journal with C(step), the id of a step, and C(event). Needed by O(state=journal).
      - C(event) is C(started) (with C(former_revision), C(former_node_configs) and the step's C(nodes)),
        C(applied) (with C(revision)),
        C(rolled) (with
        C(nodes) as M(fastpath.cilium.cilium_rollout) returns them), C(done) or C(undone).
    type: dict
  outcome:
    description: How the run ended. Needed by O(state=close).
    type: str
    choices: [in_line, drift, blocked, failed, rolled_back, unknown]
  message:
    description: One sentence about the end.
    type: str
  about:
    description:
      - The run that this one took back, with O(state=close). The result then tells the steps and nodes of that run.
    type: dict
attributes:
  action:
    description: Runs on the controller, whatever the host and its connection.
    support: full
  check_mode:
    description: Runs the same, as the record of an audit or of a check is of use only when it is written.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
author:
  - fastpath.cilium developers (@fastpath)
"""

EXAMPLES = r"""
- name: Open a record
  fastpath.cilium.record:
    state: open
    dir: "{{ ansible_env.HOME }}/fastpath-runs"
    playbook: audit
  register: opened

- name: Keep the facts
  fastpath.cilium.record:
    state: write
    run: "{{ opened.run }}"
    documents:
      facts: "{{ cilium.facts }}"

- name: Write down what is there before anything is changed
  fastpath.cilium.record:
    state: journal
    run: "{{ opened.run }}"
    entry:
      step: 1-dsr-switch
      event: started
      former_revision: 3
      nodes: [worker-1, worker-2]

- name: What does the last run leave to be taken back?
  fastpath.cilium.record:
    state: load
    dir: "{{ ansible_env.HOME }}/fastpath-runs"
  register: former
"""

RETURN = r"""
run:
  description: The run.
  returned: O(state=open), O(state=write) and O(state=load)
  type: dict
  contains:
    id:
      description: Its id, which sorts by time.
      type: str
      sample: 20261123T225241Z-09af3c
    path:
      description: Its folder.
      type: str
entry:
  description: The entry with its time.
  returned: O(state=journal)
  type: dict
result:
  description: How the run ended, as in C(result.json); when loading, C(null) where it was killed.
  returned: O(state=close) and O(state=load)
  type: dict
  contains:
    outcome:
      description: One of C(in_line), C(drift), C(blocked), C(failed), C(rolled_back) and C(unknown).
      type: str
    nodes:
      description: Each node's state, one of C(untouched), C(changed), C(rolled_back), C(unknown); what changed
        or was rolled back is verified.
      type: dict
    steps:
      description: The steps that were begun.
      type: list
      elements: dict
    hosts:
      description: The hosts that were begun, each with C(host), C(node), C(run_id), C(state), C(changes), C(pending), C(kept) and
        C(rebooted).
      type: list
      elements: dict
    tunings:
      description: Each tuning's state and reason.
      type: list
      elements: dict
undo:
  description:
    - What must be taken back, the last step first, each with C(id), C(former_revision), C(revision), C(state)
      and C(nodes) in
      the order in which to restart them.
  returned: O(state=load)
  type: list
  elements: dict
undo_hosts:
  description: The hosts that must be taken back, the last one first, each with C(host), C(node), C(run_id) and C(state).
  returned: O(state=load)
  type: list
  elements: dict
journal:
  description: The journal's entries.
  returned: O(state=load)
  type: list
  elements: dict
started_by:
  description: What was started, and when.
  returned: O(state=load)
  type: dict
facts:
  description: The facts that the run was planned with, C(null) where none were written.
  returned: O(state=load)
  type: dict
plan:
  description: The plan, C(null) where none was written.
  returned: O(state=load)
  type: dict
"""
