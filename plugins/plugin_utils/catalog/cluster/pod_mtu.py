# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pod MTU: how large a packet pods may send. By default Cilium finds it out from the nodes' devices.

Why: large frames (9000 bytes) carry the same data in a sixth of the packets. The way to them is the MTU of the NICs and
switches; Cilium then takes it up by itself at the agents' next restart. An MTU that was set by hand keeps pods below it.
Cost: only new pods have the new MTU; until all are created anew, large and small ones are mixed. An MTU above that of
any device or switch on the way loses large packets without a word.
Undo: the former value; pods have it when they are created anew.
Refuse when: a device of a node has a lesser MTU than is wanted; devices of nodes have unlike ones and Cilium shall find it
out. Where hosts are not in the inventory that is unknown, until {devices: checked} says that you looked. The devices' own
MTU says nothing of the switches: that they carry it shows in the hosts' own traffic, which has it already.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#mtu
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _devices as devices
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Number, OneOf, Opt, Option, Options, Phase, Risk, Stage, State, Text, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

DETECTED = OneOf((None, "0"))
AUTO = {"mtu": (None,)}
CHECK = ("Put the nodes' hosts into the inventory; or compare ip link of every device that carries pods' traffic, and ping "
         "between all nodes with large packets that may not be fragmented (ping -M do -s); then add {devices: checked}.")


def _configured(view: View) -> str | None:
    """The MTU that cilium-config sets, None where it is left to detection."""
    value = view.config_value("mtu", {})
    return None if value in (None, "", "0") else value


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """An MTU may be changed only when the devices are known to carry it: from their hosts, or because somebody looked."""
    now, mtu = _configured(view), options["mtu"]
    if options["devices"] == "checked" or view.config is None or now == (None if mtu is None else str(mtu)):
        return
    sizes, unknown = devices.mtus(view)
    if mtu is not None:
        yield from _too_small(sizes, mtu)
    elif len(sizes) > 1:
        yield _unlike(sizes)
    if unknown:
        yield _unseen(unknown, now, mtu)


def _too_small(sizes: dict[int, list[str]], mtu: int) -> Iterator[Finding]:
    small = {size: nodes for size, nodes in sizes.items() if size < mtu}
    if small:
        listed = ", ".join(f"{size} on {name_nodes(nodes)}" for size, nodes in sorted(small.items()))
        yield Finding(State.BLOCKED, f"Pods shall have an MTU of {mtu}, and devices of nodes have less: {listed}.",
                      f"Raise the devices' MTU there first (tuning jumbo_mtu), or ask for {min(small)} or less.",
                      tuple(node for nodes in small.values() for node in nodes))


def _unlike(sizes: dict[int, list[str]]) -> Finding:
    least = min(sizes)
    listed = ", ".join(f"{size} on {name_nodes(nodes)}" for size, nodes in sorted(sizes.items()))
    return Finding(State.BLOCKED, f"Devices have unlike MTUs ({listed}), so pods would have what others cannot take.",
                   "Give all devices the same MTU first (tuning jumbo_mtu), or set the options of pod_mtu to "
                   f"{{mtu: {least}}}.",
                   tuple(node for size, nodes in sizes.items() if size != least for node in nodes))


def _unseen(nodes: list[str], now: str | None, mtu: int | None) -> Finding:
    if mtu is None:
        return Finding(State.UNKNOWN, f"cilium-config sets an MTU of {now}; whether all devices of {name_nodes(nodes)} carry "
                       "what detection would find is not in the facts.", CHECK, tuple(nodes))
    return Finding(State.UNKNOWN, f"Whether all devices of {name_nodes(nodes)} carry packets of {mtu} bytes is not in the "
                   "facts.", f"Best raise the devices' MTU and leave mtu out, so that Cilium finds it. {CHECK}", tuple(nodes))


def notes(view: View, options: Options) -> Iterator[str]:
    """What detection rests on."""
    if options["mtu"] is None:
        yield "The MTU is left to detection: raise it on the nodes' devices and the switches first, then restart the agents."
    else:
        yield (f"{options['mtu']} is the MTU of the devices; Cilium takes off itself what a tunnel or encryption needs. "
               "Running pods keep theirs until they are created anew.")


TUNING = Tuning(
    id="pod_mtu",
    title="MTU of pods",
    phase=Phase.PODS,
    risk=Risk.PODS_RECREATED,
    reason="Agents restart with another MTU, which pods take on when they are created anew; until then both are in use.",
    undo="Put the former MTU back, restart the agents and create pods anew.",
    pods=True,
    options=(Number("mtu", 1280, 65535), Option("devices", ("unchecked", "checked"), "unchecked")),
    absent={"MTU": 0},
    stages=(Stage(
        "mtu",
        wants=(
            # Charts up to 1.12 have no value for it; what extraConfig sets must be taken out there.
            Want({}, {"mtu": DETECTED}, until="1.12", when=AUTO),
            Want({"extraConfig.mtu": Text("mtu")}, {"mtu": Text("mtu")}, until="1.12"),
            Want({"MTU": 0}, {"mtu": DETECTED}, since="1.13", when=AUTO),
            Want({"MTU": Opt("mtu")}, {"mtu": Text("mtu")}, since="1.13"),
        ),
        live=(),
    ),),
    # Not for recommended: where an MTU was set by hand, only the user can tell why.
    profiles={"throughput": {}, "max": {}},
)
