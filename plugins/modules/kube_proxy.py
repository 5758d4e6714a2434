#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kube_proxy
short_description: Keeps kube-proxy's DaemonSet off all nodes, or lets it come back
version_added: "0.1.0"
description:
  - Adds the label C(fastpath.cilium/kube-proxy=kept-off) to the DaemonSet's node selector, which no node has, and waits
    until its pods are gone. Nothing is deleted, so that V(restored) brings back exactly what was there, and waits until
    kube-proxy is Ready on every node that fits. Nodes that are not Ready themselves are not waited for.
  - A node selector that is neither the former one nor that with the label was changed by somebody else; it is kept, and
    the module fails.
  - The rules that kube-proxy made on each host stay there until the host reboots or C(kube-proxy --cleanup) runs.
author:
  - fastpath.cilium developers (@fastpath)
extends_documentation_fragment:
  - fastpath.cilium.cluster
options:
  state:
    description: V(kept_off) takes kube-proxy off all nodes, V(restored) lets it come back.
    type: str
    choices: [kept_off, restored]
    required: true
  namespace:
    description: Namespace of the DaemonSet.
    type: str
    default: kube-system
  name:
    description: Name of the DaemonSet.
    type: str
    default: kube-proxy
  former:
    description: What the node selector was, or has to be, without the label. By default whatever it is now.
    type: dict
  timeout:
    description: Longest time until all pods are gone, or all are Ready, in seconds.
    type: float
    default: 300
attributes:
  check_mode:
    description: Tells whether the node selector would change.
    support: full
  diff_mode:
    description: Shows the node selector before and after.
    support: full
"""

EXAMPLES = r"""
- name: Cilium serves all Services, so kube-proxy may go
  fastpath.cilium.kube_proxy:
    state: kept_off
  register: kube_proxy

- name: Let it come back before Cilium gives Services up
  fastpath.cilium.kube_proxy:
    state: restored
    former: "{{ kube_proxy.former }}"
"""

RETURN = r"""
former:
  description: The node selector without the label, to be kept for the way back.
  returned: success
  type: dict
  sample: {kubernetes.io/os: linux}
node_selector:
  description: The node selector as it is now, or in check mode as it would be.
  returned: success
  type: dict
  sample: {kubernetes.io/os: linux, fastpath.cilium/kube-proxy: kept-off}
namespace:
  description: Namespace of the DaemonSet.
  returned: success
  type: str
  sample: kube-system
name:
  description: Name of the DaemonSet.
  returned: success
  type: str
  sample: kube-proxy
error_class:
  description: Class of the error, C(conflict) where somebody else changed the DaemonSet.
  returned: failure
  type: str
  sample: conflict
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils import kube_proxy_switch
from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import KubeError

OPTIONS = dict(
    CLUSTER_OPTIONS,
    state={"type": "str", "choices": ["kept_off", "restored"], "required": True},
    namespace={"type": "str", "default": kube_proxy_switch.Switch().namespace},
    name={"type": "str", "default": kube_proxy_switch.Switch().name},
    former={"type": "dict"},
    timeout={"type": "float", "default": 300.0},
)


def shown(selector: dict) -> str:
    """A node selector for the diff."""
    return json.dumps(selector, indent=2, sort_keys=True) + "\n"


def result_of(outcome: dict) -> dict:
    """The outcome with the diff that --diff shows."""
    found = outcome.pop("found")
    return dict(outcome, diff={"before": shown(found), "after": shown(outcome["node_selector"])})


def run(module: AnsibleModule) -> Any:
    """The result. Raises KubeError."""
    params = module.params
    wish = kube_proxy_switch.Switch(params["namespace"], params["name"], params["former"], params["timeout"])
    act = kube_proxy_switch.keep_off if params["state"] == "kept_off" else kube_proxy_switch.restore
    return result_of(act(connect(module), wish, module.check_mode))


def main() -> None:
    """Keep off or restore."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=OPTIONS)
    try:
        result = run(module)
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
