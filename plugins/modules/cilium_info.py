#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cilium_info
short_description: Reads everything about Cilium in a cluster that decides how fast its data path can be
version_added: "0.1.0"
description:
  - Reads the Helm release, C(cilium-config), CiliumNodeConfigs, nodes, the agents' DaemonSet, and asks every agent for
    its status.
  - Needs only the rights to get and list, and to create C(pods/exec) for the agents' status. Nothing is changed.
  - What cannot be read is C(null), with an entry in C(unread) that says why. Only a missing connection or credential
    makes the module fail.
author:
  - fastpath.cilium developers (@fastpath)
extends_documentation_fragment:
  - fastpath.cilium.cluster
  - fastpath.cilium.reading
options:
  agents:
    description: Ask each agent for its status. Without it agents are known by their pods alone.
    type: bool
    default: true
  agent_timeout:
    description: Longest time for everything that one agent is asked, in seconds.
    type: float
    default: 10
  concurrency:
    description: How many agents are asked at a time.
    type: int
    default: 32
"""

EXAMPLES = r"""
- name: Read the cluster that the kubeconfig leads to
  fastpath.cilium.cilium_info:
    kubeconfig: /etc/kubernetes/admin.conf
  register: cilium

- name: Show what each agent says of itself
  ansible.builtin.debug:
    msg: "{{ cilium.facts.agents | items2dict(key_name='node', value_name='status') }}"

- name: RKE2 has another name for its release; leave the agents alone
  fastpath.cilium.cilium_info:
    release_name: rke2-cilium
    agents: false
"""

RETURN = r"""
facts:
  description: The facts document. Times are RFC 3339 in UTC. C(null) means not read or not there, see C(unread).
  returned: success
  type: dict
  contains:
    schema:
      description: Version of this document.
      type: int
      returned: always
      sample: 1
    cluster:
      description: Identity of the cluster, its C(uid) (of namespace C(kube-system)), C(version) and C(server).
      type: dict
      returned: always
      sample: {uid: 0f4a8e3c-93f1-4ee5-a7a4-2a4fa0cb8a3c, version: v1.26.3, server: "https://10.0.0.1:6443"}
    release:
      description:
        - The Helm release with C(name), C(namespace), C(revision), C(status), C(chart), C(chart_version),
          C(app_version), C(description), C(updated), C(dependencies), C(hold), C(values) (secrets hidden) and
          C(history).
      type: dict
      returned: always
    release_found:
      description: Whether there is a release; C(null) if it cannot be told.
      type: bool
      returned: always
    owner:
      description:
        - Who manages Cilium. C(kind) is one of C(helm), C(k3s_helm_chart), C(flux), C(argocd), C(managed), C(none).
        - C(name) and C(namespace) are those of the object that holds the values, C(release) those of its Helm release, and
          C(resource) is what stands in that object, secrets hidden.
      type: dict
      returned: always
      sample: {kind: helm, name: cilium, namespace: kube-system, evidence: release kube-system/cilium,
               release: {name: cilium, namespace: kube-system}, resource: null}
    config:
      description: C(cilium-config) as it is, with C(resource_version), C(changed_at) and C(data).
      type: dict
      returned: always
    manifest_config:
      description: Data of C(cilium-config) as the release's stored manifest has it.
      type: dict
      returned: always
    node_config_api:
      description: Version of the API that serves CiliumNodeConfigs, V(null) where none does.
      type: str
      returned: always
      sample: cilium.io/v2
    node_configs:
      description: CiliumNodeConfigs with C(labels), C(changed_at), C(node_selector) and C(defaults).
      type: list
      elements: dict
      returned: always
    nodes:
      description:
        - Nodes with C(name), C(kernel), C(os_image), C(architecture), C(provider_id), C(boot_id), C(labels),
          C(addresses), C(ready), C(unschedulable), C(control_plane), C(kubelet_version) and C(built_in_kube_proxy) (whether
          a K3s server runs kube-proxy; V(null) for other nodes).
      type: list
      elements: dict
      returned: always
    daemonset:
      description: Roll-out state and update strategy of the agents' DaemonSet.
      type: dict
      returned: always
    agents:
      description:
        - One entry for each node that has an agent, with C(node), C(pod), C(uid), C(image), C(version), C(created_at),
          C(started_at), C(restarts), C(ready), C(waiting), C(last_message), C(config_current), C(status), C(source),
          C(options) and C(error).
        - C(config_current) tells whether the pod was created after the last change of C(cilium-config), and is C(null)
          if both happened in the same second.
        - C(status) has the keys of P(fastpath.cilium.parse_status#filter).
      type: list
      elements: dict
      returned: always
    kube_proxy:
      description:
        - Who serves Services besides Cilium. C(kind) is one of C(daemonset), C(k3s), C(static_pod), C(none); with
          C(namespace), C(name), C(node_selector), C(desired) and C(ready) of a DaemonSet, C(nodes) where its pods were
          listed, and C(evidence).
      type: dict
      returned: always
      sample: {kind: daemonset, namespace: kube-system, name: kube-proxy, node_selector: {kubernetes.io/os: linux},
               desired: 3, ready: 3, nodes: null, evidence: DaemonSet kube-system/kube-proxy}
    api:
      description:
        - By which address agents reach the Kubernetes API. C(explicit) tells whether their DaemonSet names one, with C(host)
          and C(port); C(endpoints) are those of the API servers themselves.
      type: dict
      returned: always
      sample: {explicit: true, host: 10.0.0.10, port: "6443", endpoints: ["10.0.0.10:6443"]}
    service_addresses:
      description: Every address and host name that stands for a Service.
      type: list
      elements: str
      returned: always
      sample: [10.96.0.1, 10.96.0.10]
    unread:
      description:
        - What could not be read. C(class) is one of C(denied), C(throttled), C(unreachable), C(timeout), C(not_found),
          C(garbled), C(conflict), C(failed).
      type: list
      elements: dict
      returned: always
      sample: [{what: agents/node-1/status, class: timeout, reason: "cilium status did not end within 10 s."}]
error_class:
  description: Class of the error, one of those of RV(facts.unread).
  returned: failure
  type: str
  sample: unreachable
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_facts import Scope, read_facts
from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import KubeError


def main() -> None:
    """Read, and return what was read."""
    module = AnsibleModule(supports_check_mode=True, argument_spec=dict(
        CLUSTER_OPTIONS,
        agents={"type": "bool", "default": True},
        agent_timeout={"type": "float", "default": 10.0},
        concurrency={"type": "int", "default": 32},
    ))
    params = module.params
    scope = Scope(params["release_name"], params["release_namespace"], params["agents"], params["concurrency"],
                  params["agent_timeout"])
    try:
        facts = read_facts(connect(module, params["concurrency"]), scope)
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind)
    module.exit_json(changed=False, facts=facts)


if __name__ == "__main__":
    main()
