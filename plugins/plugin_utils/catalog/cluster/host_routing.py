# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""BPF host routing: pods' packets go from device to device in Cilium's programs, past the host's own network stack.

Why: the way through the host's stack (netfilter, routing, a second queue) costs most of what a container network costs;
BBR for pods and BIG TCP work without it only.
Cost: agents restart. Netfilter rules of other software no longer see pods' packets, and what rests on such rules for pods
(Istio's redirection on the host, workload identity of GKE) does not work with it.
Undo: bpf.hostLegacyRouting true (chart 1.11: bpf.hostRouting true, which is misnamed) and restarted agents.
Refuse when: kube-proxy replacement is not full; masquerading is done by iptables; IPsec up to 1.19; endpoint routes or
WireGuard up to 1.13; Cilium is chained to another CNI plugin; an agent started with all that and went on without, which up
to 1.13 it does on devices without a hardware address too.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#ebpf-host-routing
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _clash as clash
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Need, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.cluster.ebpf_masquerade import fallbacks, masqueraded

KEY = "enable-host-legacy-routing"
OFF = {KEY: "false"}


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What agents fall back to the host's stack for, silently but for a line in their log."""
    plugin = clash.chained(view)
    if plugin:
        yield Finding(State.BLOCKED, f"Cilium is chained to another CNI plugin ({plugin}), whose ways through the host's "
                      "stack BPF host routing would leave out.", "Leave host_routing out of fastpath_tunings.")
    for key, until, what, way_out in (
        ("enable-ipsec", "1.19", "Agents up to 1.19 route by the host's stack with IPsec",
         "Do without IPsec (encryption.enabled), or upgrade Cilium to 1.20 or later."),
        ("enable-endpoint-routes", "1.13", "Agents up to 1.13 route by the host's stack with a route per endpoint",
         "Set endpointRoutes.enabled to false, or upgrade Cilium to 1.14 or later."),
        ("enable-wireguard", "1.13", "Agents up to 1.13 route by the host's stack with WireGuard",
         "Do without WireGuard (encryption.enabled), or upgrade Cilium to 1.14 or later."),
    ):
        yield from clash.excluded(view, key, what, way_out, until=until)
    if clash.on(view, "enable-bpf-masquerade") and not masqueraded(view):
        yield from fallbacks(view)


def notes(view: View, options: Options) -> Iterator[str]:
    """What no fact here can tell."""
    if len(view.running("host_routing", "bpf")) < len(view.agents):
        yield ("Netfilter rules of other software no longer see pods' packets (Istio on the host, workload identity of GKE, "
               "firewalls of your own): see that nothing rests on them.")


TUNING = Tuning(
    id="host_routing",
    title="BPF host routing",
    phase=Phase.HOST_PATH,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart; pods' packets then pass the host's netfilter by, and established connections go on.",
    undo="Set bpf.hostLegacyRouting to true (chart 1.11: bpf.hostRouting to true) and restart the agents.",
    needs=(Need("kube_proxy_replacement"), Need("ebpf_masquerade")),
    absent={"bpf.hostRouting": False, "bpf.hostLegacyRouting": False, KEY: "false"},
    kernel="5.10",
    # Older kernels fall back by themselves; said in so many words it is known what runs there.
    off={KEY: "true"},
    left_off="where something that it takes is missing after all",
    profiles={"recommended": {}, "latency": {}, "throughput": {}, "max": {}},
    stages=(
        # In chart 1.11 the value has the opposite of its name's meaning. 1.12 reads it where the new one is not set.
        Stage("bpf", wants=(Want({"bpf.hostRouting": False}, OFF, until="1.11"),
                            Want({"bpf.hostLegacyRouting": False}, OFF, since="1.12")),
              live=(Live("host_routing", "bpf"),)),
    ),
)
