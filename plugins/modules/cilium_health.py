#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cilium_health
short_description: Proves that every Cilium agent reaches every node and its pods
version_added: "0.1.0"
description:
  - Has every agent's health daemon probe all nodes anew (C(cilium-health status --probe)), by ICMP and HTTP, to the node's
    own address and to the endpoint that stands for its pods, and waits until what is asked for works between all nodes.
  - Fails where it does not in time, and names the first way that lacks.
  - Needs the right to create C(pods/exec) for the agents' pods. Nothing is changed.
author:
  - fastpath.cilium developers (@fastpath)
extends_documentation_fragment:
  - fastpath.cilium.cluster
  - fastpath.cilium.reading
options:
  kinds:
    description:
      - Kinds of ways that must work from every agent to every node, those that worked before a change.
      - Without it one kind of way to the pods must work between all nodes, whichever that is.
    type: list
    elements: str
    choices: [endpoint/icmp, endpoint/http, host/icmp, host/http]
  timeout:
    description: How long to wait until they do, in seconds.
    type: float
    default: 120
  pause:
    description: How long to wait before those agents probe again that do not reach everything, in seconds.
    type: float
    default: 5
  agent_timeout:
    description: Longest time for one agent's probes, in seconds.
    type: float
    default: 60
  concurrency:
    description: How many agents probe at a time.
    type: int
    default: 32
  progress:
    description:
      - File to which a line is added every now and then while it waits, to be followed while the module runs.
      - Where the module runs on the controller, its lines are shown while it waits, without this option.
    type: path
"""

EXAMPLES = r"""
- name: See what works between all nodes
  fastpath.cilium.cilium_health:
  register: before

- name: Wait until the same works again
  fastpath.cilium.cilium_health:
    kinds: "{{ before.proved }}"
"""

RETURN = r"""
proved:
  description: Kinds of ways that work from every agent to every node.
  returned: always
  type: list
  elements: str
  sample: [endpoint/icmp, endpoint/http, host/icmp, host/http]
lacking:
  description: What does not work, at most 20 entries with C(agent), C(node), C(way) and C(reason).
  returned: always
  type: list
  elements: dict
  sample: [{agent: node-1, node: node-3, way: endpoint/icmp, reason: Connection timed out}]
agents:
  description: How many agents there are.
  returned: always
  type: int
  sample: 3
rounds:
  description: How many rounds of probes it took.
  returned: always
  type: int
  sample: 1
error_class:
  description: Class of the error if the agents could not be found or asked at all.
  returned: failure
  type: str
  sample: denied
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_health import KINDS
from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import KubeError
from ansible_collections.fastpath.cilium.plugins.module_utils.reach import NotReached, Question, prove

OPTIONS = dict(
    CLUSTER_OPTIONS,
    kinds={"type": "list", "elements": "str", "choices": list(KINDS)},
    timeout={"type": "float", "default": 120.0},
    pause={"type": "float", "default": 5.0},
    agent_timeout={"type": "float", "default": 60.0},
    concurrency={"type": "int", "default": 32},
    progress={"type": "path"},
)


def main() -> None:
    """Probe until all is proved, and tell what is."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=OPTIONS)
    params = module.params
    given = {name: params[name] for name in Question._fields if name in params}
    question = Question(namespace=params["release_namespace"], **given)
    try:
        result = prove(connect(module, question.concurrency), question)
    except NotReached as error:
        module.fail_json(msg=error.message, **error.result)
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind, agents=0, rounds=0, proved=[], lacking=[])
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
