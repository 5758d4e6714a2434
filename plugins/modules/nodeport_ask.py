#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nodeport_ask
short_description: Asks the backends of a probe through NodePorts
version_added: "0.1.0"
description:
  - Runs on a client outside of the cluster, with nothing but Python's standard library, and sends the requests that
    M(fastpath.cilium.nodeport_ring) names - TCP and UDP, small and as large as the path takes.
  - Each request is bounded in time; what fails is asked again. What answers is believed only in the exact form of netexec.
  - Nothing is changed.
author:
  - fastpath.cilium developers (@fastpath)
extends_documentation_fragment:
  - fastpath.cilium.reading
options:
  targets:
    description: What to ask, as RV(fastpath.cilium.nodeport_ring#module:targets) has it.
    type: list
    elements: dict
    required: true
    suboptions:
      entry:
        description: Node that is asked.
        type: str
        required: true
      backend:
        description: Node of the backend.
        type: str
        required: true
      address:
        description: Address of the entry.
        type: str
        required: true
      port:
        description: The backend's NodePort.
        type: int
        required: true
      family:
        description: Family of the address.
        type: str
        choices: [ipv4, ipv6]
        required: true
      protocol:
        description: Protocol of the request.
        type: str
        choices: [tcp, udp]
        required: true
      hostname:
        description: What the backend calls itself.
        type: str
        required: true
      rooms:
        description: Sizes - null for a small request, else how many bytes a full one leaves below the MTU.
        type: list
        elements: raw
        default: [null]
  timeout:
    description: Longest time for one request, in seconds.
    type: float
    default: 3
  attempts:
    description: How often what fails is asked.
    type: int
    default: 3
  pause:
    description: Time before it is asked again, in seconds.
    type: float
    default: 2
  concurrency:
    description: How many requests are under way at a time.
    type: int
    default: 32
  mtu:
    description: The MTU that full requests are measured by; 0 for that of the route.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Ask
  fastpath.cilium.nodeport_ask:
    targets: "{{ ring.targets }}"
  delegate_to: client-1
"""

RETURN = r"""
pairs:
  description:
    - What came of each request. C(state) is C(reached), C(refused), C(timeout), C(reset), C(unreachable), C(wrong_answer),
      C(too_large), C(failed), or C(not_asked) for a full request where the small one failed.
    - C(seen) is the client's address as the backend saw it, C(own) what the client's socket says.
  returned: success
  type: list
  elements: dict
  sample: [{entry: node-1, backend: node-2, protocol: tcp, family: ipv4, room: null, state: reached, answered:
    probe-0123456789,
            seen: 192.0.2.1, own: 203.0.113.9, port: 40000, heard: null, connect_ms: 0.4, attempts: 1, said: null}]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.nodeport_ask import Bounds, ask_all

TARGET = {
    "entry": {"type": "str", "required": True}, "backend": {"type": "str", "required": True},
    "address": {"type": "str", "required": True}, "port": {"type": "int", "required": True},
    "family": {"type": "str", "choices": ["ipv4", "ipv6"], "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp"], "required": True},
    "hostname": {"type": "str", "required": True}, "rooms": {"type": "list", "elements": "raw", "default": [None]},
}
OPTIONS = {
    "targets": {"type": "list", "elements": "dict", "required": True, "options": TARGET},
    "timeout": {"type": "float", "default": 3.0}, "attempts": {"type": "int", "default": 3},
    "pause": {"type": "float", "default": 2.0}, "concurrency": {"type": "int", "default": 32},
    "mtu": {"type": "int", "default": 0},
}


def main() -> None:
    """Ask all of it."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=OPTIONS)
    params = module.params
    try:
        targets = [dict(target, rooms=[None if room in (None, "") else int(room) for room in target["rooms"]])
                   for target in params["targets"]]
    except (TypeError, ValueError):
        module.fail_json(msg="The rooms of a target are null or whole numbers of bytes.")
    bounds = Bounds(**{name: params[name] for name in Bounds._fields})
    if bounds.timeout <= 0 or bounds.attempts < 1 or bounds.concurrency < 1:
        module.fail_json(msg="The timeout must be above 0, and attempts and concurrency at least 1.")
    module.exit_json(changed=False, pairs=ask_all(targets, bounds))


if __name__ == "__main__":
    main()
