#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module full_size_probe: whether packets of a size reach other hosts in one piece."""
from __future__ import annotations

DOCUMENTATION = r"""
module: full_size_probe
short_description: Prove that packets of a size reach other hosts in one piece
version_added: "0.1.0"
author:
  - fastpath.cilium developers (@fastpath)
description:
  - Sends echo requests (ICMP) of a size to other hosts of a segment, with "don't fragment", and waits for the answers. Nothing
    is changed on the host.
  - What is proven is the way there, since an answer may come in pieces; for both ways each host of a pair asks the other.
options:
  device:
    description: The device that they go out by.
    type: str
    required: true
  targets:
    description: IPv4 addresses of the other hosts.
    type: list
    elements: str
    required: true
  size:
    description: Size of the whole packet in bytes, which is the MTU to be proven.
    type: int
    required: true
  by_route:
    description:
      - Whether routes are to allow the size too. Without it they are asked no question, so that a larger MTU of devices can be
        proven while routes still keep everybody else to the former size.
    type: bool
    default: false
  attempts:
    description: How often it is tried.
    type: int
    default: 3
  timeout:
    description: Seconds for the answers to each attempt.
    type: int
    default: 2
requirements:
  - root on the host
attributes:
  check_mode:
    description: Sends packets, but changes nothing.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
"""

EXAMPLES = r"""
- name: Ask all others
  fastpath.cilium.full_size_probe:
    device: eth1
    targets: [192.0.2.11, 192.0.2.12]
    size: 9000
  become: true
  register: probe
"""

RETURN = r"""
targets:
  description:
    - By address, V(carried); V(lost) where only small packets are answered; V(silent) where nothing is; V(not_sent) where this host
      lets no packet of that size out.
  returned: success
  type: dict
"""

import socket

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.full_size import HEADERS, Question, probe

OPTIONS = dict(
    device={"type": "str", "required": True},
    targets={"type": "list", "elements": "str", "required": True},
    size={"type": "int", "required": True},
    by_route={"type": "bool", "default": False},
    attempts={"type": "int", "default": 3},
    timeout={"type": "int", "default": 2},
)


def wrong(params: dict) -> str:
    """What is wrong with the parameters, empty where nothing is."""
    if not HEADERS <= params["size"] <= 65535:
        return "size must be from {0} to 65535.".format(HEADERS)
    if params["attempts"] < 1 or params["timeout"] < 1:
        return "attempts and timeout must be 1 at least."
    for target in params["targets"]:
        try:
            socket.inet_pton(socket.AF_INET, target)
        except OSError:
            return "{0!r} is no IPv4 address.".format(target[:60])
    return ""


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    params = module.params
    problem = wrong(params)
    if problem:
        module.fail_json(msg=problem)
    question = Question(params["device"], params["size"], params["attempts"], params["timeout"], params["by_route"])
    try:
        found = probe(list(dict.fromkeys(params["targets"])), question)
    except OSError as error:
        module.fail_json(msg="No echo request can be sent by {0}: {1}.".format(params["device"], error.strerror or error))
    module.exit_json(changed=False, targets=found)


if __name__ == "__main__":
    main()
