# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: parse_status
short_description: Read the facts out of a Cilium agent's saved status
version_added: "0.1.0"
author:
  - fastpath.cilium developers (@fastpath)
description:
  - Turns what C(cilium status) or C(cilium-dbg status) printed inside an agent's pod into a dictionary of facts.
  - Text and JSON (C(-o json)) are taken alike, of agents 1.9 to 1.20, whole or cut down to single lines, with kubectl's
    warnings before it, with colours, and with any line ends.
  - What the text does not say, or says twice and differently, is V(none). Nothing is guessed.
positional: _input
options:
  _input:
    description:
      - The output of one agent.
      - The overview that the cilium command line tool prints for a whole cluster is not an agent's status.
    type: string
    required: true
notes:
  - Use C(--verbose). Without it the agent prints neither the NodePort mode nor the XDP acceleration.
  - Input that is not the status of one agent is an error.
seealso:
  - plugin: fastpath.cilium.cilium_info
    plugin_type: module
    description: Asks every agent of a running cluster.
"""

EXAMPLES = r"""
# kubectl -n kube-system exec ds/cilium -- cilium-dbg status --verbose > status.txt
- name: Show how this agent forwards NodePort traffic
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'status.txt', rstrip=false) | fastpath.cilium.parse_status }}"

- name: Stop unless every saved status says DSR
  ansible.builtin.assert:
    that: (lookup('ansible.builtin.file', item) | fastpath.cilium.parse_status).nodeport_mode == 'dsr'
  loop: "{{ query('ansible.builtin.fileglob', 'saved/*.txt') }}"

- name: Ask one agent
  ansible.builtin.command:
    argv: [kubectl, -n, kube-system, exec, ds/cilium, -c, cilium-agent, --, cilium-dbg, status, -o, json]
  register: answer
  changed_when: false

- name: Show its devices
  ansible.builtin.debug:
    msg: "{{ (answer.stdout | fastpath.cilium.parse_status).devices }}"
"""

RETURN = r"""
_value:
  description: The facts. Every key is always there; V(none) where the text does not say.
  type: dict
  contains:
    kube_proxy_replacement:
      description: The mode of the kube-proxy replacement, as printed, in lower case.
      type: str
      sample: strict
    nodeport_mode:
      description:
        - V(snat), V(dsr) or V(hybrid).
        - Where Services may ask for another one by an annotation, this is the default.
      type: str
      sample: dsr
    dsr_dispatch:
      description:
        - V(opt), V(ipip) or V(geneve), told since 1.15.
        - JSON tells it under SNAT too. It does not mean that DSR is on.
      type: str
      sample: opt
    xdp_acceleration:
      description: V(disabled), V(native), V(generic) or V(best-effort).
      type: str
      sample: native
    lb_algorithm:
      description: How a backend is chosen, V(random) or V(maglev).
      type: str
      sample: maglev
    masquerading:
      description: V(bpf), V(iptables) or V(disabled).
      type: str
      sample: bpf
    host_routing:
      description: V(bpf) or V(legacy).
      type: str
      sample: bpf
    routing_mode:
      description: V(native) or V(tunnel), told since 1.16.
      type: str
      sample: native
    tunnel_protocol:
      description: V(vxlan) or V(geneve), told since 1.16.
      type: str
      sample: geneve
    bandwidth_manager:
      description: V(enabled) or V(disabled).
      type: str
      sample: enabled
    congestion_control:
      description: V(bbr) or V(cubic), told since 1.12 where the bandwidth manager is on.
      type: str
      sample: bbr
    ipv4_big_tcp:
      description: V(enabled) or V(disabled), told since 1.14.
      type: str
      sample: disabled
    ipv6_big_tcp:
      description: V(enabled) or V(disabled), told since 1.13.
      type: str
      sample: disabled
    devices:
      description: Names of the devices of the kube-proxy replacement.
      type: list
      elements: str
      sample: [eth0, eth1]
    direct_routing_device:
      description: The one of them that is marked C((Direct Routing)). The mark says nothing of the routing mode.
      type: str
      sample: eth0
    socket_lb:
      description: The socket load balancer, V(enabled) or V(disabled).
      type: str
      sample: enabled
    device_mode:
      description: V(veth), V(netkit) or V(netkit-l2), told since 1.16.
      type: str
      sample: veth
    attach_mode:
      description: V(tc) (printed as Legacy TC) or V(tcx), told since 1.16.
      type: str
      sample: tcx
    annotations:
      description: Service annotations that the agent obeys, told since 1.17. An empty list where it prints C((n/a)).
      type: list
      elements: str
      sample: [service.cilium.io/type]
    health:
      description: V(ok), V(warning) or V(failure) by the line C(Cilium:) alone.
      type: str
      sample: ok
    version:
      description: The agent's version, by the same line.
      type: str
      sample: 1.13.4
"""

from ansible.errors import AnsibleFilterError

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status import NotAStatus, parse_status


def _parse_status(text: str) -> dict[str, object]:
    """Facts of a saved agent status. Raises AnsibleFilterError with one sentence for anything else."""
    try:
        return parse_status(text)
    except NotAStatus as error:
        raise AnsibleFilterError("fastpath.cilium.parse_status: %s" % error) from error


class FilterModule:
    """The filter under the name users call."""

    def filters(self) -> dict[str, object]:
        return {"parse_status": _parse_status}
