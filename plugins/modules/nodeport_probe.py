#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nodeport_probe
short_description: Deploys and removes the backends of a NodePort probe
version_added: "0.1.0"
description:
  - In a namespace of its own one backend is pinned to each node, with a NodePort Service for it, TCP and UDP.
  - Clients outside of the cluster then ask them with M(fastpath.cilium.nodeport_ask).
  - A namespace that another run of this collection left is removed first; one of somebody else is refused. Where the
    deployment fails, nothing is left behind.
  - Pods comply with the restricted Pod Security Standard, tolerate every taint, and end by themselves after O(lifetime).
author:
  - fastpath.cilium developers (@fastpath)
extends_documentation_fragment:
  - fastpath.cilium.cluster
options:
  state:
    description: V(present) deploys, V(absent) removes, V(heard) tells by the backends' logs whose datagrams arrived.
    type: str
    choices: [present, absent, heard]
    default: present
  run_id:
    description: Id of the run, which labels everything. Needed to deploy.
    type: str
  namespace:
    description: Namespace of the probe; must not be there, or be one that this collection made.
    type: str
    default: fastpath-probe
  image:
    description: An agnhost image, or another one whose C(netexec) answers alike.
    type: str
    default: registry.k8s.io/e2e-test-images/agnhost:2.53
  registry:
    description: Registry that has the image under the same path, instead of the one that O(image) names.
    type: str
  pull_secret:
    description: A Secret of type C(kubernetes.io/dockerconfigjson), as C(namespace/name); it is copied.
    type: str
  nodes:
    description: Names of the nodes; all of the cluster without it.
    type: list
    elements: str
  annotations:
    description: Annotations of the Services, such as one that sets their forwarding mode.
    type: dict
  address_type:
    description: Which addresses of nodes clients use.
    type: str
    choices: [InternalIP, ExternalIP]
    default: InternalIP
  timeout:
    description: How long backends may take to become ready, and the namespace to go, in seconds.
    type: float
    default: 120
  lifetime:
    description: Seconds after which the pods end by themselves.
    type: int
    default: 3600
  backends:
    description: With O(state=heard), the backends as this module returned them.
    type: list
    elements: dict
  progress:
    description: File to which a line is added every now and then while it waits.
    type: path
attributes:
  check_mode:
    description: Tells whether the namespace may be used, and deploys nothing.
    support: full
  diff_mode:
    description: What is deployed goes away again, so there is nothing to differ.
    support: none
"""

EXAMPLES = r"""
- name: Deploy the backends from a mirror
  fastpath.cilium.nodeport_probe:
    run_id: 20260101T120000Z-4f2a11
    registry: registry.example.com
  register: workload

- name: Remove all of it
  fastpath.cilium.nodeport_probe:
    state: absent
"""

RETURN = r"""
namespace:
  description: The probe's namespace.
  returned: success
  type: str
  sample: fastpath-probe
backends:
  description: One entry for each node. C(why) says why a backend is not ready.
  returned: when O(state=present)
  type: list
  elements: dict
  sample: [{node: node-1, hostname: probe-0123456789abcdef, ready: true, why: null, families: [ipv4],
            ports: {tcp: 31001, udp: 31002}}]
nodes:
  description: All addresses of each node, and those by which clients reach it.
  returned: when O(state=present)
  type: list
  elements: dict
  sample: [{node: node-1, addresses: [192.0.2.1], entries: {ipv4: 192.0.2.1}}]
heard:
  description: Address and port of clients whose datagrams arrived, by node; null where the log tells nothing.
  returned: when O(state=heard)
  type: dict
  sample: {node-1: ["203.0.113.9 40000"]}
error_class:
  description: Class of the error, C(conflict) for a namespace of somebody else.
  returned: failure
  type: str
  sample: conflict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils import probe_logs, probe_workload
from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import KubeError
from ansible_collections.fastpath.cilium.plugins.module_utils.probe_objects import IMAGE, Wish, mirrored
from ansible_collections.fastpath.cilium.plugins.module_utils.progress import Progress

OPTIONS = dict(
    CLUSTER_OPTIONS,
    state={"type": "str", "choices": ["present", "absent", "heard"], "default": "present"},
    run_id={"type": "str"},
    namespace={"type": "str", "default": "fastpath-probe"},
    image={"type": "str", "default": IMAGE},
    registry={"type": "str"},
    pull_secret={"type": "str", "no_log": False},
    nodes={"type": "list", "elements": "str"},
    annotations={"type": "dict"},
    address_type={"type": "str", "choices": ["InternalIP", "ExternalIP"], "default": "InternalIP"},
    timeout={"type": "float", "default": 120.0},
    lifetime={"type": "int", "default": 3600},
    backends={"type": "list", "elements": "dict"},
    progress={"type": "path"},
)


def wish_of(params: dict) -> Wish:
    """What is to be deployed. Raises ValueError for a pull secret that is not namespace/name."""
    secret = params["pull_secret"].split("/") if params["pull_secret"] else None
    if secret is not None and (len(secret) != 2 or not all(secret)):
        raise ValueError("The pull secret is named as namespace/name, not {0}.".format(params["pull_secret"]))
    given = {name: params[name] for name in Wish._fields if name not in ("image", "pull_secret")}
    return Wish(image=mirrored(params["image"], params["registry"]), pull_secret=secret, **given)


def main() -> None:
    """Deploy, remove or listen."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=OPTIONS, required_if=[
        ("state", "present", ["run_id"]), ("state", "heard", ["backends"])])
    params = module.params
    try:
        cluster = connect(module)
        if params["state"] == "present":
            result = probe_workload.deploy(cluster, wish_of(params), module.check_mode, Progress(params["progress"]))
        elif params["state"] == "absent":
            result = probe_workload.remove(cluster, params["namespace"], params["timeout"], module.check_mode)
        else:
            heard = probe_logs.heard(cluster, params["namespace"], params["backends"])
            result = {"changed": False, "namespace": params["namespace"], "heard": heard}
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind)
    except ValueError as error:
        module.fail_json(msg=str(error), error_class="failed")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
