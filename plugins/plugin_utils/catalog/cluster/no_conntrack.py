# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""No connection tracking for pods: iptables rules that let pods' packets pass netfilter's connection tracking by.

Why: with kube-proxy replacement Cilium tracks connections itself; the kernel's own table then is work done twice and a
limit of its own (nf_conntrack_max).
Cost: agents restart. Rules of other software that look at the state of a connection (ctstate ESTABLISHED, NAT of pods'
packets) no longer know pods' packets; a firewall on the host that accepts by state alone drops them.
Undo: installNoConntrackIptablesRules false and restarted agents, which take the rules away.
Refuse when: there is a tunnel; kube-proxy replacement is not full; masquerading is done by iptables; Cilium is chained to
another plugin, or runs with the networking of EKS, AKS or GKE, where the chart never sets it. No meaning without IPv4.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#bypass-iptables-connection-tracking
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _clash as clash
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Need, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

KEY = "install-no-conntrack-iptables-rules"
VALUE = "installNoConntrackIptablesRules"
# Values with which every chart writes "false", whatever was asked for.
MANAGED = ("azure.enabled", "eni.enabled", "gke.enabled")


def _unset_by_chart(view: View) -> str | None:
    """What keeps the chart from setting it."""
    plugin = clash.chained(view)
    if plugin:
        return f"Cilium is chained to another CNI plugin ({plugin})"
    managed = [path for path in MANAGED if read.nested(view.values or {}, path)[0]]
    return f"the release has {managed[0]}" if managed else None


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """Where the rules could not be, or the chart would not ask for them."""
    if not clash.on(view, "enable-ipv4"):
        yield Finding(State.NOT_APPLICABLE, "IPv4 is off here, and the rules are for IPv4 only.",
                      "Leave no_conntrack out of fastpath_tunings.")
    why = _unset_by_chart(view)
    if why:
        yield Finding(State.BLOCKED, f"The chart never sets {KEY} there: {why}.",
                      "Leave no_conntrack out of fastpath_tunings.")


def notes(view: View, options: Options) -> Iterator[str]:
    """What no fact here can tell."""
    if view.config_value(KEY, {}) != "true":
        yield ("Rules on the hosts that accept or translate pods' packets by connection state (iptables -m conntrack, nft "
               "ct state) no longer match them: see that there are none.")


TUNING = Tuning(
    id="no_conntrack",
    title="No netfilter connection tracking for pods",
    phase=Phase.HOST_PATH,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart and add the rules; Cilium's own connection tracking goes on.",
    undo=f"Set {VALUE} to false and restart the agents, which take the rules away.",
    needs=(Need("native_routing"), Need("kube_proxy_replacement"), Need("ebpf_masquerade")),
    absent={VALUE: False, KEY: "false"},
    off={KEY: "false"},
    profiles={"latency": {}, "throughput": {}, "max": {}},
    stages=(Stage("rules", wants=(Want({VALUE: True}, {KEY: "true"}),), live=()),),
)
