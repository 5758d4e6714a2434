# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What IPv4 and IPv6 BIG TCP have in common: what agents exit on, and what no fact tells."""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _clash as clash
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Conflict, Finding, Need, Residue, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

NEEDS = (Need("native_routing"), Need("host_routing"))
CONFLICTS = (
    Conflict("dsr", "agents from 1.19 on count dispatch geneve as a tunnel, and exit on BIG TCP there.",
             theirs={"mode": ("dsr", "hybrid"), "dispatch": ("geneve",)}, since="1.19"),
)
REASON = ("Agents restart and allow packets of up to 192 KB on the nodes' devices; running pods go on with 64 KB until they "
          "are created anew.")
UNDO = "Put {value} back and restart the agents; pods created meanwhile keep the larger sizes until they are created anew."
LEFT_OFF = "where the kernel is too old or a device does not take the larger sizes"
# Agents put larger sizes back to 64 KB themselves, whatever they were before.
RESIDUE = Residue(watched=("sizes.gso_max", "sizes.gro_max"))
OPT = "Set loadBalancer.dsrDispatch to opt, then run again."


def not_applicable(view: View, family: str) -> Iterator[Finding]:
    """Where the address family itself is off; it is never switched on for this."""
    if not clash.on(view, f"enable-{family}"):
        name = {"ipv4": "IPv4", "ipv6": "IPv6"}[family]
        yield Finding(State.NOT_APPLICABLE, f"{name} is off in this cluster, and is not switched on for this.",
                      f"Leave {family}_big_tcp out of fastpath_tunings, or set {family}.enabled yourself first.")


def refusals(view: View) -> Iterator[Finding]:
    """What the agents exit on together with BIG TCP."""
    for setting, what in (("enable-ipsec", "IPsec"), ("enable-wireguard", "WireGuard")):
        yield from clash.excluded(view, setting, f"BIG TCP does not go with encryption ({what})",
                                  f"Do without {what} (encryption.enabled), or leave BIG TCP out of fastpath_tunings.")
    yield from _device_mode(view)
    yield from _dispatch(view)
    yield from clash.no_devices(view, "BIG TCP")


def _device_mode(view: View) -> Iterator[Finding]:
    mode = view.config_value("datapath-mode", clash.AGENT_DEFAULTS)
    for since, until, known in ((None, "1.15", ("veth",)), ("1.16", None, ("veth", "netkit", "netkit-l2", "auto"))):
        nodes = view.agents_within(since, until)
        if nodes and mode is not None and mode not in known:
            yield Finding(
                State.BLOCKED,
                f"The agents on {name_nodes(nodes)} exit on BIG TCP with datapath-mode '{mode}', which cilium-config has.",
                f"Change the device mode to {known[0]}, or leave BIG TCP out of fastpath_tunings.", nodes)


def _dispatch(view: View) -> Iterator[Finding]:
    """Agents look at the dispatch whatever the mode of the Services is."""
    dispatch = view.config_value("bpf-lb-dsr-dispatch", clash.AGENT_DEFAULTS)
    nodes = view.agents_within("1.19")
    if nodes and dispatch == "ipip":
        yield Finding(State.BLOCKED, f"Agents from 1.19 on ({name_nodes(nodes)}) exit on BIG TCP with bpf-lb-dsr-dispatch "
                      "'ipip', which cilium-config has.", OPT, nodes)
    if nodes and dispatch == "geneve" and not clash.on(view, "enable-tunnel-big-tcp"):
        yield from _geneve(view)


def _geneve(view: View) -> Iterator[Finding]:
    strict, probing = view.agents_within("1.19", "1.19"), view.agents_within("1.20")
    if strict:
        yield Finding(State.BLOCKED, f"Agents of 1.19 ({name_nodes(strict)}) exit on BIG TCP with bpf-lb-dsr-dispatch "
                      "'geneve' unless enable-tunnel-big-tcp is 'true'.", OPT, strict)
    if probing:
        yield Finding(State.UNKNOWN, f"With bpf-lb-dsr-dispatch 'geneve' agents from 1.20 on ({name_nodes(probing)}) ask "
                      "their kernel whether it takes BIG TCP in a tunnel, which no fact here tells.", OPT, probing)


def notes(view: View, live: str) -> Iterator[str]:
    """What no fact here can tell, while it is not in place everywhere."""
    if len(view.running(live, "enabled")) < len(view.agents):
        yield ("The network cards' drivers decide how much larger packets get; Cilium names mlx4, mlx5 and ice as good, and "
               "with others BIG TCP may bring nothing or be left off.")
