# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Jumbo frames on the nodes' NICs: a larger MTU of the devices that carry the cluster's traffic.

Why: each packet costs the same work, so that larger ones move more bytes for it.
Cost: every switch and every peer of the segment has to carry the size; one that does not drops what is larger, in silence.
Undo: the former MTU of each device.
Refuse when: never applied to one host by itself, since a switch that does not carry it cuts nodes off from each other; judged
only. The role jumbo_mtu takes all hosts of a segment there in step, and proves it between all pairs first.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import UNREAD, HostPhase, HostTuning, Setting
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, Number, Options, Risk, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.node._places import fixed


def refusals(host: Host, options: Options) -> Iterator[Finding]:
    """Devices that cannot carry the size."""
    yield from fixed(host)
    if host.nics is None:
        why = host.why_unread("devices")
        yield Finding(State.UNKNOWN, f"Its NICs are not known{f' ({why})' if why else ''}.",
                      "See why they cannot be read there, and run again.")
    elif not host.nics:
        yield Finding(State.NOT_APPLICABLE, "No real NIC carries its traffic.")
    else:
        yield from _too_small(host, host.nics, options["mtu"])


def _too_small(host: Host, nics: tuple[Mapping, ...], wanted: int) -> Iterator[Finding]:
    small = {nic["name"]: most for nic in nics if (most := read.number(nic.get("mtu_max"))) is not None and 0 < most < wanted}
    if small:
        told = ", ".join(f"{name} up to {most}" for name, most in small.items())
        yield Finding(State.BLOCKED, f"A NIC does not carry {wanted} bytes ({told}).",
                      f"Ask for {{mtu: {min(small.values())}}}, or leave jumbo_mtu out.")


def settings(host: Host, options: Options) -> Iterator[Setting]:
    """The MTU of each NIC, and of what lies on it."""
    wanted = options["mtu"]
    names = {nic["name"] for nic in host.nics or ()}
    for name, device in host.devices.items():
        if name in names or names & set(map(str, read.listing(device.get("real")) or ())):
            found = read.number(device.get("mtu"))
            yield Setting(f"the MTU of {name}", UNREAD if found is None else found, wanted, (), fact=f"devices/{name}/mtu")


TUNING = HostTuning(
    id="jumbo_mtu",
    title="Jumbo frames on the nodes' NICs",
    phase=HostPhase.LINK,
    risk=Risk.NETWORK_BLIP,
    reason="Links are raised one by one; a switch that does not carry the size would cut nodes off from each other.",
    undo="The former MTU of each device.",
    options=(Number("mtu", 1501, 9216, 9000),),
    applies=False,
    way_out=(
        "Run the role jumbo_mtu in a play over all hosts of the segment: it raises the devices while routes keep the former size, has "
        "each host prove full-size packets to each other (as ping -M do does), and only then lets the segment's routes go and writes it "
        "down; else all goes back. Then restart the agents, which take the MTU from the device, create the pods anew, and run again."
    ),
)
