#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module host_apply: changes a host by a list of ops."""
from __future__ import annotations

DOCUMENTATION = r"""
module: host_apply
short_description: Change a host by a list of ops that can all be taken back
version_added: "0.1.0"
author:
  - fastpath.cilium developers (@fastpath)
description:
  - Applies a list of ops in one call. What was there before is written to a journal on the host, and synced, before
    anything is changed; every op is read back.
  - When an op fails, those of the same call before it are taken back.
  - An op that can cut the host off (another MTU, other queue counts, or one with O(ops[].cuts_off)) arms a dead man's
    switch first. Unless O(state=confirmed) comes over a new connection within O(confirm_within), the host takes this call
    back by itself, also after a reboot. Ops with O(ops[].persist) wait for the confirmation.
  - One run at a time changes a host. The lock of another run is refused, also after a reboot, until that run is finished,
    taken back, or taken over with its id spelled out.
options:
  run_id:
    description: Id of the run; the journal is kept under it. Letters, digits, dots, dashes and underscores.
    type: str
    required: true
  state:
    description:
      - V(applied) applies O(ops).
      - V(confirmed) ends the dead man's switch and applies what waited for that. It is refused over the connection that
        armed it, so the meta task C(reset_connection) comes before.
      - V(finished) ends the run on this host, so that another one may begin. The journal stays, for
        M(fastpath.cilium.host_revert).
      - V(forgotten) ends it and removes the journal, for a run that only put back what others had changed. It is refused while
        the dead man's switch is armed.
    type: str
    choices: [applied, confirmed, finished, forgotten]
    default: applied
  ops:
    description: What is to be, in this order; no two about the same thing.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description:
          - V(file) is a file of settings, with O(ops[].path), O(ops[].content), and where wanted C(mode), C(owner),
            C(group), or C(state=absent). Mode and owner of a file that is there stay unless they are given.
          - V(value) is one file of C(/proc/sys) or C(/sys), with O(ops[].path), O(ops[].value) and O(ops[].compare).
          - V(unit) is a systemd unit, with C(name), C(enabled) (V(enabled), V(disabled) or V(masked)) and C(active).
          - V(tuned_profile) is tuned's active profile, with C(profile).
          - V(kernel_argument) is an argument of the next boot's kernel, with C(name) and C(value).
          - V(irq_affinity) is the CPUs that take an interrupt, with C(irq), C(cpus) and where wanted C(name), the user it
            must have.
          - V(link) is the MTU of a device, with C(device) and C(mtu).
          - V(queues) is the queue counts of a device, with C(device) and C(rx), C(tx) or C(combined).
          - V(qdisc) is the queueing discipline of a device, with C(device) and C(discipline).
          - V(routes) is the largest packet that IPv4 routes over a device may carry, with C(device), C(mtu) and where wanted
            C(free).
        type: str
        required: true
        choices: [file, irq_affinity, kernel_argument, link, qdisc, queues, routes, tuned_profile, unit, value]
      path:
        description: Absolute path, for V(file) and V(value).
        type: str
      content:
        description: Text of a V(file).
        type: str
      mode:
        description: Mode of a V(file), such as V("0644").
        type: str
      owner:
        description: Owner of a V(file), by name or number.
        type: str
      group:
        description: Group of a V(file), by name or number.
        type: str
      state:
        description: Whether a V(file) is there; V(present) if not given.
        type: str
        choices: [present, absent]
      value:
        description: Text of a V(value), or value of a V(kernel_argument).
        type: str
      compare:
        description:
          - How the text of a V(value) is compared. V(text) leaves white space aside and is meant if nothing is given;
            V(selected) looks at the one word of several that is marked, as in C([none\]) or C((none\)); V(mask) compares CPU
            masks with commas and V(cpus) CPU lists.
        type: str
        choices: [text, selected, mask, cpus]
      name:
        description: Name of a V(unit) with its suffix, of a V(kernel_argument), or of what uses the interrupt.
        type: str
      enabled:
        description: What a V(unit) is to be at the next boot; left as it is if not given.
        type: str
        choices: [enabled, disabled, masked]
      active:
        description: Whether a V(unit) runs; left as it is if not given.
        type: bool
      profile:
        description: Name of a V(tuned_profile).
        type: str
      irq:
        description: Number of the interrupt.
        type: int
      cpus:
        description: CPUs that may take the interrupt.
        type: list
        elements: int
      device:
        description: Network device, for V(link), V(queues), V(qdisc) and V(routes).
        type: str
      mtu:
        description: MTU of a V(link), or size that V(routes) keep, in bytes, 1280 at least.
        type: int
      free:
        description:
          - Where V(routes) may carry what the device carries. A network or an address stands for direct routes within it, an
            address for the routes that go by it as well.
        type: list
        elements: str
      rx:
        description: Number of receive V(queues).
        type: int
      tx:
        description: Number of transmit V(queues).
        type: int
      combined:
        description: Number of combined V(queues).
        type: int
      discipline:
        description: The V(qdisc); on a device with several transmit queues one for each.
        type: str
        choices: [fq, fq_codel, noqueue, pfifo, pfifo_fast]
      persist:
        description: Comes after all that only changes the running system, and waits for a confirmation where one is needed.
        type: bool
        default: false
      cuts_off:
        description: Arms the dead man's switch. V(link) and V(queues) do so without it.
        type: bool
        default: false
  root:
    description: Folder that stands for V(/) on this host, for tests. Devices and commands are always the machine's own.
    type: path
    default: /
  takeover:
    description: Id of another run in progress on this host whose lock is to be taken over.
    type: str
  confirm_within:
    description: Seconds until what can cut the host off is taken back, unless it is confirmed.
    type: int
    default: 60
requirements:
  - root on the host
attributes:
  check_mode:
    description: Tells what would be changed, and refuses what would be refused.
    support: full
  diff_mode:
    description: Shows each op's former and new value. The content of files that only their owner may read is hidden.
    support: full
"""

EXAMPLES = r"""
- name: Larger packets, on trial
  fastpath.cilium.host_apply:
    run_id: 20260101T120000Z-4f2a
    confirm_within: 60
    ops:
      - {kind: link, device: eth1, mtu: 9000}
      - {kind: file, path: /etc/netplan/60-jumbo.yaml, content: "{{ jumbo }}", mode: "0600", persist: true}
  become: true

- name: A new connection shows that the host can still be reached
  ansible.builtin.meta: reset_connection

- name: Keep them, and write them down
  fastpath.cilium.host_apply:
    run_id: 20260101T120000Z-4f2a
    state: confirmed
  become: true

- name: No preemption, now and after a reboot
  fastpath.cilium.host_apply:
    run_id: 20260101T120000Z-4f2a
    ops:
      - {kind: value, path: /sys/kernel/debug/sched/preempt, value: none, compare: selected}
      - {kind: kernel_argument, name: preempt, value: none, persist: true}
  become: true
"""

RETURN = r"""
ops:
  description: What became of each op, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: What the op is about, such as C(value /proc/sys/net/core/somaxconn).
      type: str
    kind:
      description: Kind of the op.
      type: str
    former:
      description: What was there before this call. Of a file its checksum, size, mode and owner.
      type: raw
    new:
      description: What is there now; in check mode, and for what waits, what would be there.
      type: raw
    changed:
      description: Whether former and new differ.
      type: bool
    verified:
      description: Whether the new state was read back.
      type: bool
    persist:
      description: Whether the op was marked so.
      type: bool
    state:
      description: V(applied), V(in_place) (nothing to do), V(withheld) (waits for the confirmation) or V(planned) (in check
        mode).
      type: str
armed:
  description: C(confirm_within), the seconds until this call is taken back unless it is confirmed; V(null) if nothing waits.
  returned: success
  type: dict
new_connection:
  description: Whether the confirmation came over another ssh connection; V(null) where there is no ssh to tell by.
  returned: when O(state=confirmed)
  type: bool
undone:
  description: What was taken back after a failure, as RV(fastpath.cilium.host_revert#module:ops).
  returned: failure
  type: list
  elements: dict
holder:
  description: Id of the run in progress on this host.
  returned: when another run's lock is in the way
  type: str
error_class:
  description: Class of the error, such as V(conflict) if another run or somebody else is at work.
  returned: failure
  type: str
"""

from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.change.apply import Request, apply, confirm, finish, forget
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_file import is_private

STATES = {"applied": apply, "confirmed": confirm, "finished": finish, "forgotten": forget}
OP = dict(
    kind={"type": "str", "required": True, "choices": [
        "file", "irq_affinity", "kernel_argument", "link", "qdisc", "queues", "routes", "tuned_profile", "unit",
        "value"]},
    path={"type": "str"}, content={"type": "str"}, mode={"type": "str"}, owner={"type": "str"}, group={"type": "str"},
    state={"type": "str", "choices": ["present", "absent"]}, value={"type": "str"},
    compare={"type": "str", "choices": ["text", "selected", "mask", "cpus"]}, name={"type": "str"},
    enabled={"type": "str", "choices": ["enabled", "disabled", "masked"]}, active={"type": "bool"}, profile={"type": "str"},
    irq={"type": "int"}, cpus={"type": "list", "elements": "int"}, device={"type": "str"}, mtu={"type": "int"},
    free={"type": "list", "elements": "str"}, rx={"type": "int"}, tx={"type": "int"}, combined={"type": "int"},
    discipline={"type": "str", "choices": ["fq", "fq_codel", "noqueue", "pfifo", "pfifo_fast"]},
    persist={"type": "bool", "default": False}, cuts_off={"type": "bool", "default": False},
)
OPTIONS = dict(
    run_id={"type": "str", "required": True},
    state={"type": "str", "choices": list(STATES), "default": "applied"},
    ops={"type": "list", "elements": "dict", "default": [], "options": OP},
    root={"type": "path", "default": "/"},
    takeover={"type": "str"},
    confirm_within={"type": "int", "default": 60},
)


def request_of(module: AnsibleModule) -> Request:
    """The parameters, each op with the fields that were given."""
    params = module.params
    ops = [{name: value for name, value in op.items() if value is not None} for op in params["ops"]]
    return Request(params["run_id"], ops, params["takeover"], params["confirm_within"], module.check_mode)


def private_contents(ops: List[Dict[str, Any]]) -> List[str]:
    """Contents that only their owner is to read: they are hidden wherever Ansible shows arguments."""
    return [op["content"] for op in ops if op["content"] and is_private(op["mode"] or "0644")]


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    module.no_log_values.update(private_contents(module.params["ops"]))
    try:
        result = STATES[module.params["state"]](Node(module.params["root"]), request_of(module))
    except ChangeError as error:
        module.fail_json(msg=error.message, error_class=error.kind, **error.details)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
