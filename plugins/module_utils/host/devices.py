# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Network devices of this network namespace, each with everything that decides how fast it can be."""
from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host import ethtool, irqs, netlink, network, queues, stack
from ansible_collections.fastpath.cilium.plugins.module_utils.host.cpu import cpus
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread

FOLDER = "/sys/class/net"
SPEED_UNKNOWN = (-1, 0, 2 ** 32 - 1)
SLOT = re.compile(r"^PCI_SLOT_NAME=([0-9A-Fa-f:.]{1,16})$", re.MULTILINE)
SHORT = ("name", "index", "kind", "link_kind", "mtu", "state", "master", "xdp", "rp_filter", "qdisc")


class Dumps(NamedTuple):
    """What is read once for all devices; None where it could not be."""

    links: Optional[Dict[int, Dict[str, Any]]]
    addresses: Optional[Dict[int, List[str]]]
    qdiscs: Optional[Dict[int, Dict[str, Any]]]
    interrupts: Optional[Dict[int, str]]


def read(root: Root, unread: Unread) -> Optional[List[Dict[str, Any]]]:
    """The document's `devices`, by index."""
    names = unread.attempt("devices", root.names, FOLDER)
    if names is None:
        return None
    machine = root.machine
    dumps = Dumps(unread.attempt("devices/links", netlink.links, machine),
                  unread.attempt("devices/addresses", netlink.addresses, machine),
                  unread.attempt("devices/qdiscs", netlink.qdiscs, machine),
                  unread.attempt("devices/interrupts", irqs.table, root))
    found = [_Device(root, unread, name, dumps) for name in names if root.there("{0}/{1}/ifindex".format(FOLDER, name))]
    _compare(found, unread, dumps)
    placed = _placed(found, dumps)
    return sorted((device.document(placed) for device in found), key=lambda entry: (entry["index"] or 0, entry["name"]))


def _compare(devices: List["_Device"], unread: Unread, dumps: Dumps) -> None:
    """Tells where /sys and netlink speak of different devices: two network namespaces, or a change meanwhile."""
    shown = {device.name for device in devices}
    told = {link["name"] for link in (dumps.links or {}).values()}
    for name in sorted(shown ^ told if dumps.links is not None else ()):
        where = "/sys/class/net and not by netlink" if name in shown else "netlink and not by /sys/class/net"
        unread.add("devices/" + name, "conflict", "Device {0} is known by {1}: run again, on the host itself.".format(
            name, where))


class _Place(NamedTuple):
    """How all devices stand upon each other, by name."""

    lowers: Dict[str, List[str]]
    kinds: Dict[str, str]
    names: Dict[int, str]


def _placed(devices: List["_Device"], dumps: Dumps) -> _Place:
    names = {device.index: device.name for device in devices if device.index is not None}
    return _Place({device.name: device.neighbours("lower_") for device in devices},
                  {device.name: device.kind for device in devices}, names)


class _Device:
    """One device."""

    def __init__(self, root: Root, unread: Unread, name: str, dumps: Dumps) -> None:
        self.root, self.unread, self.name, self.dumps = root, unread, name, dumps
        self.folder = "{0}/{1}".format(FOLDER, name)
        self.index = self.attempt("index", self.number, "ifindex")
        self.link = self._told()
        self.uevent = self.attempt("uevent", self.root.text, self.folder + "/uevent") or ""
        self.link_kind = self.link.get("link_kind") or self._device_type()
        # A virtio device stands on a PCI device, which has the interrupts, the address and the place.
        virtio = self.attempt("bus", root.target, self.folder + "/device/subsystem") == "virtio"
        self.bus = self.folder + ("/device/.." if virtio else "/device")
        self.driver = self.attempt("driver", root.target, self.folder + "/device/driver")
        self.kind = stack.kind_of(self.link_kind, self.attempt("type", self.number, "type"),
                                  root.there(self.folder + "/device"), root.there(self.folder + "/device/physfn"))

    def _told(self) -> Dict[str, Any]:
        """What netlink says of it; nothing where the same number is another device's."""
        link = (self.dumps.links or {}).get(self.index if self.index is not None else -1, {})
        return link if link.get("name") == self.name else {}

    def attempt(self, what: str, reader: Callable[..., Any], *args: Any) -> Any:
        """As Unread.attempt, under the device's name."""
        return self.unread.attempt("devices/{0}/{1}".format(self.name, what), reader, *args)

    def number(self, key: str) -> Optional[int]:
        """A file of the device as a number."""
        return self.root.number("{0}/{1}".format(self.folder, key))

    def word(self, key: str) -> Optional[str]:
        """A file of the device as text."""
        return self.attempt(key, self.root.word, "{0}/{1}".format(self.folder, key))

    def _device_type(self) -> Optional[str]:
        """The kernel's word where netlink could not be asked: uevent's DEVTYPE."""
        match = re.search(r"^DEVTYPE=([a-z0-9_]{1,32})$", self.uevent, re.MULTILINE)
        return match.group(1) if match and self.dumps.links is None else None

    def neighbours(self, prefix: str) -> List[str]:
        """Names of the devices directly below (lower_) or above (upper_)."""
        names = self.attempt(prefix, self.root.names, self.folder) or []
        return [name[len(prefix):] for name in names if name.startswith(prefix)]

    def document(self, placed: _Place) -> Dict[str, Any]:
        """Its entry; a short one for the host's ends of pods."""
        entry = {"name": self.name, "index": self.index, "kind": self.kind, "link_kind": self.link_kind}
        entry.update(self._link(placed))
        if self.kind in stack.BRIEF:
            return {key: entry[key] for key in SHORT}
        for part in (self._identity(), self._hardware(), self._stack(placed), self._queues()):
            entry.update(part)
        return entry

    def _link(self, placed: _Place) -> Dict[str, Any]:
        """What every device has."""
        mtu = self.link.get("mtu")
        known = self.dumps.links is not None
        return {
            "mtu": self.attempt("mtu", self.number, "mtu") if mtu is None else mtu,
            "mtu_min": self.link.get("mtu_min"), "mtu_max": self.link.get("mtu_max"),
            "state": self.word("operstate"),
            "master": placed.names.get(self.link.get("master")) if known else self._master(),
            "xdp": self.link.get("xdp"), "sizes": self.link.get("sizes"),
            "addresses": self._addresses(),
            "rp_filter": self._setting("ipv4", "rp_filter"), "forwarding": self._setting("ipv4", "forwarding"),
            "qdisc": (self.dumps.qdiscs or {}).get(self.index) if self.link else None,
            "vlan": self.link.get("vlan"),
        }

    def _addresses(self) -> Optional[List[str]]:
        known = self.dumps.addresses is not None and bool(self.link)
        return (self.dumps.addresses or {}).get(self.index or 0, []) if known else None

    def _master(self) -> Optional[str]:
        return self.attempt("master", self.root.target, self.folder + "/master")

    def _setting(self, family: str, key: str) -> Optional[int]:
        return self.attempt(key, self.root.number, "/proc/sys/net/{0}/conf/{1}/{2}".format(family, self.name, key))

    def _identity(self) -> Dict[str, Any]:
        found = self.attempt("identity", ethtool.identity, self.root.machine, self.name) or {}
        address = self.attempt("bus_address", self._bus_address)
        return {"driver": self.driver or found.get("driver"), "driver_version": found.get("driver_version"),
                "firmware": found.get("firmware"), "bus_address": address or found.get("bus_address"),
                "mac": self.word("address")}

    def _bus_address(self) -> Optional[str]:
        match = SLOT.search(self.root.text(self.bus + "/uevent") or "")
        return match.group(1) if match else None

    def _hardware(self) -> Dict[str, Any]:
        node = self.attempt("numa_node", self.root.number, self.bus + "/numa_node")
        speed = self.attempt("speed", self.number, "speed")
        carrier = self.attempt("carrier", self.number, "carrier")
        return {
            "numa_node": None if node is None or node < 0 else node,  # -1: the firmware does not say
            "local_cpus": self.attempt("local_cpus", cpus, self.root, self.bus + "/local_cpulist"),
            "speed": None if speed in SPEED_UNKNOWN else speed, "carrier": None if carrier is None else bool(carrier),
        }

    def _stack(self, placed: _Place) -> Dict[str, Any]:
        return {
            "lowers": placed.lowers[self.name], "uppers": self.neighbours("upper_"),
            "real": stack.reals(self.name, placed.lowers, placed.kinds),
            "physical_function": self.attempt("physical_function", self.root.target, self.folder + "/device/physfn"),
            "vfs": self.attempt("vfs", self.number, "device/sriov_numvfs"),
            "bond": self.attempt("bond", self._bond), "managed_by": self.attempt("managed_by", self._manager),
            "network_file": self.attempt("network_file", network.network_file, self.root, self.index),
        }

    def _bond(self) -> Optional[Dict[str, Any]]:
        mode = self.root.word(self.folder + "/bonding/mode")
        if mode is None:
            return None
        ports = self.root.word(self.folder + "/bonding/slaves") or ""
        return {"mode": mode.split()[0], "ports": ports.split()}

    def _manager(self) -> Optional[str]:
        return network.manager(self.root, self.name, self.index)

    def _queues(self) -> Dict[str, Any]:
        held = self.attempt("queues", queues.numbers, self.root, self.folder) or {"rx": [], "tx": []}
        found: Dict[str, Any] = {
            "rps": self.attempt("rps", queues.masks, self.root, self.folder, "rx", "rps_cpus", held["rx"]),
            "rfs": self.attempt("rfs", queues.flows, self.root, self.folder, held["rx"]),
            "xps": self.attempt("xps", queues.masks, self.root, self.folder, "tx", "xps_cpus", held["tx"]),
        }
        machine = self.root.machine
        found["queues"] = {"rx": len(held["rx"]), "tx": len(held["tx"]),
                           "channels": self.attempt("channels", ethtool.channels, machine, self.name)}
        found["rings"] = self.attempt("rings", ethtool.rings, machine, self.name)
        offloads = self.attempt("offloads", ethtool.offloads, machine, self.name)
        found["offloads"], found["offloads_fixed"] = offloads or (None, None)
        found["irqs"] = self._irqs()
        return found

    def _irqs(self) -> Optional[List[Dict[str, Any]]]:
        """None where the table of interrupts could not be read."""
        if self.kind not in stack.REAL or self.dumps.interrupts is None:
            return [] if self.dumps.interrupts is not None else None
        return self.attempt("irqs", irqs.of_device, self.root, self.bus, self.name, self.dumps.interrupts)
