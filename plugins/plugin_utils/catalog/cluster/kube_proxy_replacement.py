# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Kube-proxy replacement: Cilium's BPF programs balance all Services; kube-proxy and its rules are gone.

Why: no walk through iptables or IPVS for each connection, and DSR, XDP and Maglev exist only with it.
Cost: agents must reach the Kubernetes API without Service rules. Connections through kube-proxy's NAT end.
Undo: the former value, kube-proxy back in place, agents restarted.
Refuse when: never applied by itself yet, since a safe change needs the API's address proved on every host and
kube-proxy found and stopped in the right order; judged only.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, OneOf, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

KEY = "kube-proxy-replacement"
# Up to 1.13 the mode is a word; 1.14 and 1.15 take both; from 1.16 on an agent exits on anything but true and false.
WORD, BOTH, TRUE = OneOf(("strict",)), OneOf(("true", "strict")), OneOf(("true",))


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """A value that the agents would exit on at their next restart."""
    nodes = view.agents_within("1.16")
    value = view.config_value(KEY, {})
    if nodes and value not in (None, "true", "false"):
        yield Finding(
            State.BLOCKED,
            f"cilium-config has {KEY} '{value}', and agents from 1.16 on ({name_nodes(nodes)}) exit at their next "
            "restart on anything but true and false.",
            "Set the Helm value kubeProxyReplacement to true or false, upgrade the release, then run again.",
            nodes,
        )


TUNING = Tuning(
    id="kube_proxy_replacement",
    title="Kube-proxy replacement, full",
    phase=Phase.SERVICES,
    risk=Risk.CONNECTIONS_LOST,
    reason="Connections through kube-proxy's address translation end, and the API is out of reach if its address is wrong.",
    undo="Put kube-proxy and the former value back and restart the agents.",
    applies=False,
    way_out=(
        "In a maintenance window: (1) find kube-proxy: a DaemonSet in kube-system, built into K3s (disable-kube-proxy), "
        "or a static pod of RKE2; (2) set k8sServiceHost and k8sServicePort to an address of the API server that every "
        "host reaches without Service rules, and try it from every host; (3) set kubeProxyReplacement: strict up to "
        "chart 1.13, or true from chart 1.14 on; (4) restart the agents one at a time; (5) remove kube-proxy, then its "
        "KUBE-* rules; then run again."
    ),
    stages=(
        Stage(
            id="full",
            wants=(
                Want({}, {KEY: WORD}, until="1.13"),
                Want({}, {KEY: BOTH}, since="1.14", until="1.15"),
                Want({}, {KEY: TRUE}, since="1.16"),
            ),
            live=(
                Live("kube_proxy_replacement", WORD, until="1.13", config=(KEY,)),
                Live("kube_proxy_replacement", BOTH, since="1.14", until="1.15", config=(KEY,)),
                Live("kube_proxy_replacement", TRUE, since="1.16", config=(KEY,)),
            ),
        ),
    ),
)
