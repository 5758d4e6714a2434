#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Reads everything of a host that decides how fast its data path can be
version_added: "0.1.0"
extends_documentation_fragment:
  - fastpath.cilium.reading
description:
  - Reads kernel, preemption, CPUs, clock scaling, idle states, tuned, irqbalance, network devices with their queues and
    interrupts, sysctls, boot loader and platform in one call. Needs no other facts, and of Python the standard
    library alone.
  - What is not there is C(null). What could not be read is C(null) as well, with an entry in C(unread) that says why.
    Without root some things cannot be read (the live preemption model for one).
  - Nothing is changed.
author:
  - fastpath.cilium developers (@fastpath)
options:
  root:
    description:
      - Folder below which the host's files are read. Another one than V(/) is a recorded tree, for example of another host.
        What no file tells is then read from its folder C(.answers).
    type: path
    default: /
  ask_tuned:
    description:
      - Ask C(tuned-adm) which profile it recommends and whether every setting of the active one holds, where tuned is there.
        This is the slowest part.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Read the host
  fastpath.cilium.host_info:
  become: true
  register: host

- name: Show where the interrupts of each device go
  ansible.builtin.debug:
    msg: "{{ host.facts.devices | items2dict(key_name='name', value_name='irqs') }}"

- name: Read a recorded host, without asking anybody
  fastpath.cilium.host_info:
    root: /srv/recorded/node-1
    ask_tuned: false
"""

RETURN = r"""
facts:
  description: The facts document. Times are RFC 3339 in UTC. CPUs are lists of numbers.
  returned: success
  type: dict
  contains:
    schema:
      description: Version of this document.
      type: int
      returned: always
      sample: 1
    read_at:
      description: When it was read.
      type: str
      returned: always
    boot_id:
      description: Random number of this boot, by which a host is matched to its Kubernetes node.
      type: str
      returned: always
      sample: 8c1d1cb3-86f4-4b44-bb7c-6f7ea2b4f6a5
    hostname:
      description: The kernel's host name.
      type: str
      returned: always
    os:
      description:
        - Distribution, with C(id), C(id_like), C(version_id), C(variant_id), C(name), and C(immutable) for those whose
          files are not the administrator's to edit.
      type: dict
      returned: always
    kernel:
      description:
        - C(release), C(version), C(architecture), C(config) (the options that matter here), C(command_line) (secrets
          hidden), C(lockdown) and C(transparent_hugepages).
      type: dict
      returned: always
    preemption:
      description:
        - The model in C(build), asked for on the C(command_line), and C(live), each one of V(none), V(voluntary), V(full),
          V(lazy), V(rt); whether it is C(dynamic), what is C(available), and the file that C(switch)es it.
      type: dict
      returned: always
    cpus:
      description:
        - C(count), C(online), C(offline), C(possible), C(isolated), C(nohz_full), C(cpuset_isolated), C(numa), C(siblings),
          C(smt), C(smt_control) and C(model).
      type: dict
      returned: always
    cpufreq:
      description:
        - C(policies), each with C(policy), C(cpus), C(driver), C(governor), C(governors), C(epp), C(epps), C(min_khz),
          C(max_khz) and C(hardware_max_khz); and C(boost).
      type: dict
      returned: always
    cpuidle:
      description: C(driver), C(governor), C(states), those that are C(disabled), and C(limits) to deep ones.
      type: dict
      returned: always
    tuned:
      description:
        - C(installed), C(version), C(running), C(enabled), C(active_profile), C(profile_mode), C(profiles), C(recommended),
          C(verify) and C(options).
      type: dict
      returned: always
    irqbalance:
      description: C(installed), C(active), C(enabled), C(config), C(arguments), C(banned_irqs) and C(banned_cpus).
      type: dict
      returned: always
    devices:
      description:
        - Network devices with driver, MTU, addresses, place in the stack of bonds and VLANs, queues, rings, offloads, XDP
          program, interrupts, packet steering and queueing discipline. The host's ends of pods have a short entry.
      type: list
      elements: dict
      returned: always
    sysctl:
      description: The sysctls that matter, by name, as text.
      type: dict
      returned: always
    network:
      description: Whether C(netplan) is used, and C(units) of network services with C(active) and C(enabled).
      type: dict
      returned: always
    boot_loader:
      description: C(kind), C(efi), C(entries), C(tools), C(files) and C(next_command_line).
      type: dict
      returned: always
    files:
      description: Text of the files that this collection writes, by path; V(null) for those that are not there.
      type: dict
      returned: always
    cloud:
      description: C(provider) and C(evidence), by firmware's tables.
      type: dict
      returned: always
    virtualization:
      description: The hypervisor's name, C(null) on hardware.
      type: str
      returned: always
    container:
      description: The kind of container, C(null) outside of one.
      type: str
      returned: always
    unread:
      description:
        - What could not be read. C(class) is one of C(denied), C(timeout), C(not_found), C(garbled), C(conflict), C(failed).
      type: list
      elements: dict
      returned: always
      sample: [{what: preemption/live, class: denied, reason: "/sys/kernel/debug/sched/preempt may not be read."}]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.host.facts import read_host
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import Machine, Recorded
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root


def main() -> None:
    """Read, and return what was read."""
    module = AnsibleModule(supports_check_mode=True, argument_spec={
        "root": {"type": "path", "default": "/"},
        "ask_tuned": {"type": "bool", "default": True},
    })
    folder = module.params["root"]
    if not os.path.isdir(folder):
        module.fail_json(msg="There is no folder {0}: give root the folder of a recorded tree, or leave it out.".format(
            folder))
    machine = Machine() if folder == "/" else Recorded(folder)
    module.exit_json(changed=False, facts=read_host(Root(folder, machine), module.params["ask_tuned"]))


if __name__ == "__main__":
    main()
