# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Netkit: pods' network devices are a pair in which BPF runs at the pod's end, instead of veth.

Why: with BPF host routing a packet leaves the pod without waiting in a queue of the host: the network of a pod is as fast as
that of the host.
Cost: every pod is created anew, node by node; nothing changes the device of a running pod.
Undo: the same way back, node by node.
Refuse when: never applied by itself, since one value for the whole cluster would meet running pods with veth devices: agents
of 1.20 exit on those, and Cilium documents no change in place; judged only. Kernel older than 6.8; BPF host routing cannot
be had; BPF TProxy from 1.19 on.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#netkit-device-mode
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _clash as clash
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Need, OneOf, Opt, Option, Options, Phase, Risk, Stage, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

KEY, VALUE = "datapath-mode", "bpf.datapathMode"


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What chart and agents refuse together with netkit."""
    yield from clash.excluded(
        view, "enable-bpf-tproxy", "Charts and agents from 1.19 on refuse BPF TProxy together with netkit",
        "Set bpf.tproxy to false, or leave netkit out of fastpath_tunings.", since="1.19")


def notes(view: View, options: Options) -> Iterator[str]:
    """What no fact here can tell."""
    if len(view.running("device_mode", options["mode"])) < len(view.agents):
        yield "The kernel must be built with CONFIG_NETKIT: see /boot/config of the nodes."


# With auto, agents from 1.20 on take netkit where the kernel has it; what runs is seen from their status.
NETKIT = OneOf(("netkit", "auto"))

TUNING = Tuning(
    id="netkit",
    title="Netkit devices for pods",
    phase=Phase.PODS,
    risk=Risk.PODS_RECREATED,
    reason="Every pod is created anew, node by node.",
    undo="The same procedure with veth, node by node.",
    applies=False,
    way_out=(
        "Node by node, best with nodes that join anew: (1) cordon and drain the node; (2) set datapath-mode to the wanted "
        "mode for it alone, in a CiliumNodeConfig that selects its hostname; (3) reboot it, so that no pod with the "
        "former kind of device is left when its agent starts; (4) see that `cilium-dbg status` says the new Device Mode, "
        "and uncordon it; (5) after the last node set the Helm value bpf.datapathMode to that mode, upgrade the release, "
        "and delete the CiliumNodeConfigs; then run again."
    ),
    needs=(Need("host_routing"),),
    options=(Option("mode", ("netkit", "netkit-l2"), "netkit"),),
    absent={VALUE: "veth", KEY: "veth"},
    kernel="6.8",
    since="1.16",
    pods=True,
    profiles={"max": {}},
    stages=(
        Stage("devices",
              wants=(Want({VALUE: Opt("mode")}, {KEY: Opt("mode")}, until="1.19"),
                     Want({VALUE: NETKIT}, {KEY: NETKIT}, since="1.20", when={"mode": ("netkit",)}),
                     Want({VALUE: Opt("mode")}, {KEY: Opt("mode")}, since="1.20", when={"mode": ("netkit-l2",)})),
              live=(Live("device_mode", Opt("mode")),)),
    ),
)
