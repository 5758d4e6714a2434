# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What stands in cilium-config and begins only with kube-proxy replacement.

Agents without it do not look at options of the load balancer. With it they would take them on in the same restart,
unproved, or exit on them. They have a tuning of their own, which comes after.
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

# Key, the value that begins nothing, its Helm value, and the tuning that sets it.
SLEEPING = (
    ("bpf-lb-mode", "snat", "loadBalancer.mode", "dsr"),
    ("bpf-lb-dsr-dispatch", "opt", "loadBalancer.dsrDispatch", "dsr"),
    ("bpf-lb-mode-annotation", "false", "bpf.lbModeAnnotation", "dsr"),
    ("bpf-lb-acceleration", "disabled", "loadBalancer.acceleration", "xdp"),
    ("bpf-lb-algorithm", "random", "loadBalancer.algorithm", "maglev"),
)


def find(view: View) -> Iterator[Finding]:
    """What would begin with the replacement, where nothing has it yet."""
    for key, still, path, tuning in SLEEPING:
        value = view.config_value(key, {key: still})
        if value != still:
            yield Finding(State.BLOCKED, f"cilium-config has {key} '{value}', which agents look at only with the replacement: "
                          "it would begin in the same restart.",
                          f"Set the Helm value {path} to {still}, and ask for {tuning} instead, which comes after.")
    yield from _excluded(view)


def _excluded(view: View) -> Iterator[Finding]:
    """What agents exit on as soon as they have the replacement."""
    encrypted = view.agents_within(None, "1.15")
    if encrypted and view.config_value("enable-ipsec", {}) == "true":
        yield Finding(State.BLOCKED, f"Agents up to 1.15 ({name_nodes(encrypted)}) exit on the replacement with IPsec.",
                      "Upgrade Cilium to 1.16 or later, or do without IPsec (encryption.enabled).", encrypted)
    nodes = view.agents_within("1.13", "1.13")
    on = all(view.config_value(key, {"enable-ipv6-masquerade": "true"}) == "true"
             for key in ("enable-bpf-masquerade", "enable-ipv6", "enable-ipv6-masquerade"))
    if nodes and on:
        yield Finding(State.BLOCKED, f"Agents of 1.13 ({name_nodes(nodes)}) exit on masquerading by BPF together with IPv6, "
                      "which begins with the replacement.", "Set the Helm value enableIPv6Masquerade to false.", nodes)
