#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: node_drain
short_description: Takes a node out of service, or puts it back
version_added: "0.1.0"
description:
  - V(drained) cordons the node and evicts its pods, so that PodDisruptionBudgets are respected, and waits until they are gone.
    Pods of DaemonSets, static pods and pods that ended stay.
  - Pods without a controller, and unless O(local_data) pods with emptyDir volumes, are refused before anything is changed.
  - V(uncordoned) lets pods come again. Whoever calls it keeps whether RV(cordoned) was so before, as the node of somebody else
    who cordoned it is not to be put back into service.
author:
  - fastpath.cilium developers (@fastpath)
extends_documentation_fragment:
  - fastpath.cilium.cluster
options:
  node:
    description: Name of the node.
    type: str
    required: true
  state:
    description: What it is to be.
    type: str
    choices: [drained, uncordoned]
    required: true
  timeout:
    description: Longest time until all pods are gone, in seconds. The node stays cordoned when it is over.
    type: float
    default: 300
  local_data:
    description: Evict pods that keep something in emptyDir volumes, which is lost.
    type: bool
    default: false
attributes:
  check_mode:
    description: Tells which pods would be evicted, and refuses what would be refused.
    support: full
  diff_mode:
    description: There is nothing to differ but one word.
    support: none
"""

EXAMPLES = r"""
- name: Drain it
  fastpath.cilium.node_drain:
    node: worker-1
    state: drained
  register: drained

- name: Back into service
  fastpath.cilium.node_drain:
    node: worker-1
    state: uncordoned
  when: not drained.cordoned
"""

RETURN = r"""
cordoned:
  description: Whether the node was cordoned before.
  returned: success
  type: bool
evicted:
  description: Pods that were evicted, as namespace/name.
  returned: success
  type: list
  elements: str
error_class:
  description: Class of the error, C(timeout) where pods did not go.
  returned: failure
  type: str
  sample: timeout
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils import node_drain
from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import KubeError

OPTIONS = dict(
    CLUSTER_OPTIONS,
    node={"type": "str", "required": True},
    state={"type": "str", "choices": ["drained", "uncordoned"], "required": True},
    timeout={"type": "float", "default": 300.0},
    local_data={"type": "bool", "default": False},
)


def main() -> None:
    """Drain or uncordon."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=OPTIONS)
    params = module.params
    wish = node_drain.Wish(params["node"], params["timeout"], params["local_data"])
    act = node_drain.drain if params["state"] == "drained" else node_drain.uncordon
    try:
        result = act(connect(module), wish, module.check_mode)
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
