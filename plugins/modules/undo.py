#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: undo
short_description: Tells what takes one step of a recorded run back
version_added: "0.1.0"
author:
  - fastpath.cilium developers (@fastpath)
description:
  - From the record of a run and the cluster's facts of now, the revision to go back to, the agents to restart, and what must
    be true afterwards.
  - Fails when the record belongs to another cluster, when the release has a revision that the run did not make, which is
    kept, or when the step only restarted agents, so that there is nothing to put back.
  - Runs on the controller and changes nothing.
options:
  record:
    description: The run's record as M(fastpath.cilium.record) with O(fastpath.cilium.record#module:state=load) returns it.
    type: dict
    required: true
  entry:
    description:
      - One of the record's RV(fastpath.cilium.record#module:undo) entries; take the first one first.
      - Without it only RV(before) is returned, for a run whose hosts are taken back.
    type: dict
  facts:
    description: What M(fastpath.cilium.cilium_info) read now.
    type: dict
    required: true
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
  diff_mode:
    description: There is nothing to differ.
    support: none
  action:
    description: Runs on the controller.
    support: full
"""

EXAMPLES = r"""
- name: See what would take the last step back
  fastpath.cilium.undo:
    record: "{{ loaded }}"
    entry: "{{ loaded.undo[0] }}"
    facts: "{{ info.facts }}"
"""

RETURN = r"""
revision:
  description: Revision of the release to go back to; V(null) when the values are as they were.
  returned: success
  type: int
  sample: 3
current:
  description: Revision of the release now.
  returned: success
  type: int
  sample: 4
nodes:
  description: Nodes whose agents may run the step's configuration, also those that joined since, in the order to restart them.
  returned: success
  type: list
  elements: str
  sample: [node-2, node-1]
spared:
  description: Nodes of the step whose agents have not started since before it; they are not restarted.
  returned: success
  type: list
  elements: str
  sample: [node-3]
config:
  description: Keys of C(cilium-config) and what they must be afterwards; V(null) for one that must not be there.
  returned: success
  type: dict
  sample: {bpf-lb-mode: null}
expect:
  description: What every agent must show afterwards.
  returned: success
  type: dict
  sample: {nodeport_mode: snat}
node_configs:
  description: What puts CiliumNodeConfigs back, as O(fastpath.cilium.cilium_node_config#module:configs) takes it.
  returned: success
  type: list
  elements: dict
  sample: [{name: fastpath-bbr, state: former, object: null}]
renew:
  description: Those of RV(nodes) whose CiliumNodeConfig is put back, for O(fastpath.cilium.cilium_rollout#module:renew).
  returned: success
  type: list
  elements: str
chart_config:
  description: C(name), C(namespace) and C(release_name) of the HelmChartConfig that the run changed values in; V(null) where
    it used Helm.
  returned: success
  type: dict
former_values:
  description: Helm values from before the step; V(null) for one that was not set.
  returned: success
  type: dict
expect_nodes:
  description: Nodes apart from the others, each with what its agent must show afterwards.
  returned: success
  type: dict
reached:
  description: Kinds of ways between nodes and their pods that must work again afterwards, for O(fastpath.cilium.cilium_health#module:kinds);
    none where the step did not change them.
  returned: success
  type: list
  elements: str
  sample: [endpoint/icmp, endpoint/http]
before:
  description: Facts for O(fastpath.cilium.gate#module:before) after the way back, those of now with the nodes of the record that are
    still part of the cluster.
  returned: success
  type: dict
"""
