#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cilium_rollout
short_description: Restarts Cilium's agents node by node and proves each of them
version_added: "0.1.0"
description:
  - Deletes the agents' pods on the given nodes, in the given order and batches, so that they start with the current
    C(cilium-config).
  - After each batch every agent of it must have a new pod that is Ready, does not restart for the settle time, is
    healthy, and itself reports what is expected. The first that does not come back so stops the rollout.
  - Never more agents are down than the batch. Agents that were Ready at the start must still be Ready before each
    further batch. Agents among O(nodes) that are not Ready are restarted first, one by one.
  - Refuses while the DaemonSet rolls out by itself.
author:
  - fastpath.cilium developers (@fastpath)
extends_documentation_fragment:
  - fastpath.cilium.cluster
options:
  nodes:
    description: Names of the nodes whose agents are to be restarted, in this order.
    type: list
    elements: str
    required: true
  batch:
    description: How many agents are restarted at a time.
    type: int
    default: 1
  timeout:
    description: Longest time for one batch, in seconds.
    type: float
    default: 300
  settle:
    description: How long a restarted agent has to stay Ready without a restart, in seconds.
    type: float
    default: 10
  agent_timeout:
    description: Longest time for asking one agent for its status, in seconds.
    type: float
    default: 10
  expect:
    description:
      - What each agent must report, keys as in P(fastpath.cilium.parse_status#filter), with a value or a list of values
        that are accepted. Where the agent reports a list, such as devices, it must contain all values.
    type: dict
    default: {}
  expect_nodes:
    description:
      - Nodes whose agents report something else than O(expect), each with what that is.
      - For nodes with a configuration of their own, see M(fastpath.cilium.cilium_node_config).
    type: dict
    default: {}
  renew:
    description:
      - Those among O(nodes) whose agents are restarted whatever they report, since a CiliumNodeConfig of theirs was changed,
        which their age does not tell.
    type: list
    elements: str
    default: []
  expect_config:
    description:
      - Keys of C(cilium-config) with the value each must have before any agent is restarted; C(null) for a key that must
        not be there.
    type: dict
    default: {}
  only_if_needed:
    description:
      - Leave agents alone that are Ready, healthy, report what is expected, were created after the last change of
        C(cilium-config), and from the current pod template.
    type: bool
    default: true
  max_unready:
    description:
      - How many agents on other nodes may be not Ready when the rollout starts. Each of them counts against O(batch),
        but one agent at a time is always restarted.
    type: int
    default: 0
  down_last:
    description:
      - Restart agents among O(nodes) that are not Ready last, and go on with the next of them where one does not come back.
      - For a way back, on which an agent that is down must not keep the others in a mixed state.
    type: bool
    default: false
  progress:
    description:
      - File to which a line is added whenever something happens to an agent, to be followed while the module runs.
      - Where the module runs on the controller, its lines are shown while it waits, without this option.
    type: path
attributes:
  check_mode:
    description: Tells which agents would be restarted and why.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
"""

EXAMPLES = r"""
- name: Restart the agents of two nodes, one after the other, and accept nothing but DSR
  fastpath.cilium.cilium_rollout:
    nodes: [worker-1, worker-2]
    expect:
      nodeport_mode: dsr
      dsr_dispatch: [opt, null]
    expect_config:
      bpf-lb-mode: dsr
"""

RETURN = r"""
nodes:
  description:
    - Each node's C(state), one of C(restarted_verified), C(skipped), C(failed), C(untouched), the C(config) its agent
      runs (C(new), C(old), C(unknown)), how often its container had restarted by then (C(restarts), V(null) where not
      known), and a C(detail).
  returned: always
  type: dict
  sample:
    worker-1: {state: restarted_verified, config: new, restarts: 0, detail: ""}
restart:
  description: Nodes that need (in check mode would need) a restart, in the given order.
  returned: always
  type: list
  elements: str
  sample: [worker-1]
error_class:
  description: Class of the error if the cluster could not be reached at all.
  returned: failure
  type: str
  sample: unreachable
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import KubeError
from ansible_collections.fastpath.cilium.plugins.module_utils.rollout import RolloutStopped, Wish, roll_out

OPTIONS = dict(
    CLUSTER_OPTIONS,
    nodes={"type": "list", "elements": "str", "required": True},
    batch={"type": "int", "default": 1},
    timeout={"type": "float", "default": 300.0},
    settle={"type": "float", "default": 10.0},
    agent_timeout={"type": "float", "default": 10.0},
    expect={"type": "dict", "default": {}},
    expect_nodes={"type": "dict", "default": {}},
    renew={"type": "list", "elements": "str", "default": []},
    expect_config={"type": "dict", "default": {}},
    only_if_needed={"type": "bool", "default": True},
    max_unready={"type": "int", "default": 0},
    down_last={"type": "bool", "default": False},
    progress={"type": "path"},
)


def main() -> None:
    """Roll out, and tell of every node how it ended."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=OPTIONS)
    params = module.params
    given = {name: params[name] for name in Wish._fields if name in params}
    wish = Wish(namespace=params["release_namespace"], **given)
    try:
        result = roll_out(connect(module), wish, module.check_mode)
    except RolloutStopped as stop:
        module.fail_json(msg=stop.message, **stop.result)
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind, changed=False, nodes={}, restart=[])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
