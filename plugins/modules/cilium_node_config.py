#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cilium_node_config
short_description: Gives nodes a configuration of their own, and takes it back
version_added: "0.1.0"
description:
  - Writes, removes or puts back CiliumNodeConfigs, which lay keys over C(cilium-config) for the nodes that they select.
    Agents follow when their pod is created anew; M(fastpath.cilium.cilium_rollout) does that.
  - Writes through the version of the API that the cluster serves, V(cilium.io/v2alpha1) up to Cilium 1.15 and
    V(cilium.io/v2) from 1.16 on.
  - Every object bears the label C(app.kubernetes.io/managed-by=fastpath.cilium). One of the same name without it is somebody
    else's, and is never touched.
  - All of what is asked for is checked before the first object is written.
  - Needs the rights get, list, create, update and delete on C(ciliumnodeconfigs) of the group C(cilium.io).
author:
  - fastpath.cilium developers (@fastpath)
extends_documentation_fragment:
  - fastpath.cilium.cluster
options:
  configs:
    description: The CiliumNodeConfigs, in the order in which they are written.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name, which begins with C(fastpath-).
        type: str
        required: true
      state:
        description:
          - V(present) has it as O(configs[].node_selector) and O(configs[].defaults) say, V(absent) removes it.
          - V(former) has it as O(configs[].object) says, or removes it where that is empty.
        type: str
        choices: [present, absent, former]
        default: present
      node_selector:
        description: The label selector of the nodes. Needed by O(configs[].state=present).
        type: dict
      defaults:
        description: Keys of C(cilium-config) with their values, all of them text; none leaves nothing laid over.
        type: dict
      object:
        description: What RV(former) once said of it.
        type: dict
attributes:
  check_mode:
    description: Reads and compares all the same, and writes nothing.
    support: full
  diff_mode:
    description: Shows what is written of each object.
    support: full
"""

EXAMPLES = r"""
- name: Leave a node out of BBR
  fastpath.cilium.cilium_node_config:
    configs:
      - name: fastpath-bbr
        node_selector:
          matchExpressions:
            - {key: kubernetes.io/hostname, operator: In, values: [node-3]}
        defaults:
          enable-bbr: "false"
"""

RETURN = r"""
former:
  description: Each object as it was before, V(null) where there was none, in the order of O(configs).
  returned: success
  type: list
  elements: dict
  sample: [{name: fastpath-bbr, object: null}]
error_class:
  description: Class of the error.
  returned: failure
  type: str
  sample: denied
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import KubeError
from ansible_collections.fastpath.cilium.plugins.module_utils.node_config_change import Wish, change

CONFIG = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "former"], "default": "present"},
    "node_selector": {"type": "dict"},
    "defaults": {"type": "dict"},
    "object": {"type": "dict"},
}
OPTIONS = dict(CLUSTER_OPTIONS, configs={
    "type": "list", "elements": "dict", "required": True, "options": CONFIG,
    "required_if": [("state", "present", ("node_selector", "defaults"))]})


def main() -> None:
    """Write what is asked for, and tell what was there."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=OPTIONS)
    wishes = [Wish(**given) for given in module.params["configs"]]
    try:
        result = change(connect(module), module.params["release_namespace"], wishes, module.check_mode)
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
