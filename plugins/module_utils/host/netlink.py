# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Links, addresses and queueing disciplines from route netlink dumps. The numbers are those of Linux's own headers."""
from __future__ import annotations

import socket
import struct
from typing import Any, Dict, Iterator, List, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import (
    HEADER, NLMSG_DONE, NLMSG_ERROR, HostError, Machine)
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

RTM_NEWLINK, RTM_GETLINK = 16, 18
RTM_NEWADDR, RTM_GETADDR = 20, 22
RTM_NEWQDISC, RTM_GETQDISC = 36, 38
NESTED = 0x3FFF  # without the flags "nested" and "network byte order"
LINK, ADDRESS, QDISC = struct.Struct("=BxHiII"), struct.Struct("=BBBBi"), struct.Struct("=BxxxiIII")
IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_OPERSTATE, IFLA_LINKINFO = 3, 4, 10, 16, 18
IFLA_GSO_MAX_SIZE, IFLA_XDP, IFLA_MIN_MTU, IFLA_MAX_MTU, IFLA_GRO_MAX_SIZE, IFLA_TSO_MAX_SIZE = 41, 43, 50, 51, 58, 59
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_VLAN_ID = 1, 2, 1
IFLA_XDP_ATTACHED, XDP_PROGRAMS = 2, (4, 5, 6, 7)
IFA_ADDRESS, IFA_LOCAL = 1, 2
TCA_KIND = 1
TC_H_ROOT, TC_H_INGRESS = 0xFFFFFFFF, 0xFFFFFFF1
XDP_MODES = {1: "native", 2: "generic", 3: "offload", 4: "multi"}
STATES = ("unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up")
SIZES = (("gso_max", IFLA_GSO_MAX_SIZE), ("gro_max", IFLA_GRO_MAX_SIZE), ("tso_max", IFLA_TSO_MAX_SIZE))

Attributes = Dict[int, bytes]


def links(machine: Machine) -> Dict[int, Dict[str, Any]]:
    """{index: {name, mtu, mtu_min, mtu_max, master (index), state, link_kind, vlan, xdp, sizes}} of every device."""
    body = LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    found = {}
    for payload in _messages(machine.netlink(RTM_GETLINK, body), RTM_NEWLINK):
        index = LINK.unpack_from(payload)[2]
        found[index] = _link(attributes(payload[LINK.size:]))
    return found


def _link(held: Attributes) -> Dict[str, Any]:
    info = attributes(held.get(IFLA_LINKINFO, b""))
    kind = _text(info[IFLA_INFO_KIND]) if IFLA_INFO_KIND in info else None
    data = attributes(info.get(IFLA_INFO_DATA, b"")) if kind == "vlan" else {}
    state = held.get(IFLA_OPERSTATE, b"\0")[0]
    return {
        "name": _text(held[IFLA_IFNAME]), "link_kind": kind, "mtu": _number(held, IFLA_MTU),
        "mtu_min": _number(held, IFLA_MIN_MTU), "mtu_max": _number(held, IFLA_MAX_MTU) or None,  # 0: there is no limit
        "master": _number(held, IFLA_MASTER), "state": STATES[state] if state < len(STATES) else None,
        "vlan": struct.unpack_from("=H", data[IFLA_VLAN_ID])[0] if IFLA_VLAN_ID in data else None,
        "xdp": _xdp(attributes(held.get(IFLA_XDP, b""))),
        "sizes": {name: _number(held, number) for name, number in SIZES},
    }


def _xdp(held: Attributes) -> Dict[str, Any]:
    mode = held.get(IFLA_XDP_ATTACHED, b"\0")[0]
    programs = {_number(held, number) for number in XDP_PROGRAMS} - {None, 0}
    return {"attached": XDP_MODES.get(mode), "programs": sorted(programs)}


def addresses(machine: Machine) -> Dict[int, List[str]]:
    """{index: ["192.0.2.1/24", ..]}, in the kernel's order."""
    found: Dict[int, List[str]] = {}
    body = ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    for payload in _messages(machine.netlink(RTM_GETADDR, body), RTM_NEWADDR):
        family, length, _flags, _scope, index = ADDRESS.unpack_from(payload)
        held = attributes(payload[ADDRESS.size:])
        packed = held.get(IFA_LOCAL) or held.get(IFA_ADDRESS)
        if family in (socket.AF_INET, socket.AF_INET6) and packed:
            found.setdefault(index, []).append("{0}/{1}".format(socket.inet_ntop(family, packed), length))
    return found


def qdiscs(machine: Machine) -> Dict[int, Dict[str, Any]]:
    """{index: {root: kind, leaves: {kind: count}, others: [kind]}}: others are clsact and ingress."""
    found: Dict[int, Dict[str, Any]] = {}
    body = QDISC.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
    for payload in _messages(machine.netlink(RTM_GETQDISC, body), RTM_NEWQDISC):
        _family, index, _handle, parent, _info = QDISC.unpack_from(payload)
        kind = _text(attributes(payload[QDISC.size:])[TCA_KIND])
        _sort_in(found.setdefault(index, {"root": None, "leaves": {}, "others": []}), kind, parent)
    return found


def _sort_in(entry: Dict[str, Any], kind: str, parent: int) -> None:
    if parent == TC_H_ROOT:
        entry["root"] = kind
    elif parent == TC_H_INGRESS:
        entry["others"].append(kind)
    else:
        entry["leaves"][kind] = entry["leaves"].get(kind, 0) + 1


def _messages(dumped: bytes, wanted: int) -> Iterator[bytes]:
    """The payloads of this type. HostError for the kernel's refusal and for what breaks off."""
    offset = 0
    while offset + HEADER.size <= len(dumped):
        length, kind = HEADER.unpack_from(dumped, offset)[:2]
        if kind == NLMSG_DONE:
            return
        if length < HEADER.size or offset + length > len(dumped):
            break
        payload = dumped[offset + HEADER.size:offset + length]
        if kind == NLMSG_ERROR:
            number = -struct.unpack_from("=i", payload)[0]
            raise HostError("failed", "The kernel refuses a netlink dump (error {0}).".format(number))
        if kind == wanted:
            yield payload
        offset += (length + 3) & ~3
    raise HostError("garbled", "The kernel's answer over netlink breaks off.")


def attributes(content: bytes) -> Attributes:
    """{type: value} of a run of attributes; of equal types the last counts, a broken end is left out."""
    return dict(_attributes(content))


def _attributes(content: bytes) -> Iterator[Tuple[int, bytes]]:
    offset = 0
    while offset + 4 <= len(content):
        length, kind = struct.unpack_from("=HH", content, offset)
        if length < 4 or offset + length > len(content):
            return
        yield kind & NESTED, content[offset + 4:offset + length]
        offset += (length + 3) & ~3


def _number(held: Attributes, kind: int) -> Any:
    return struct.unpack_from("=I", held[kind])[0] if len(held.get(kind, b"")) >= 4 else None


def _text(value: bytes) -> str:
    return one_line(value.split(b"\0")[0].decode("utf-8", "replace"), 100)
