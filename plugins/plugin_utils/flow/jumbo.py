# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Jumbo frames on a segment: who its hosts are, and what each of them does in the two phases. Pure.

First devices get the larger MTU while their routes keep the former size, so that nobody sends more than before; then each
host asks each other whether full-size packets arrive; only then the segment's routes are let go, and all is written down.
"""
from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.node._places import fixed
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import jumbo_files

Network = ipaddress.IPv4Network
STACKED = ("physical", "vf", "bond", "vlan")  # whose MTU a change takes up and back as is shown by tests or by the kernel's rules
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,15}")


class JumboError(Exception):
    """Why it cannot be begun, as one sentence."""


class Member(NamedTuple):
    """A host on the segment: its address there, the device that has it, and the devices from the real ones up to that."""

    host: Host
    address: str
    device: Mapping[str, Any]
    chain: tuple[Mapping[str, Any], ...]

    def lower(self, size: int) -> tuple[Mapping[str, Any], ...]:
        """Those of the chain that have less than this MTU."""
        return tuple(device for device in self.chain if device["mtu"] < size)


def plan(hosts: Sequence[Host], wanted: str | None, size: int, by_hand: bool = False) -> dict[str, Any]:
    """{segment, hosts: {name: {address, device, peers: [address], raise: [op], free: [op], by_hand: [sentence]}}}, the ops of
    the two phases among them.

    `wanted`: the segment's network; None where it is to be found. `by_hand`: somebody else writes it down where this collection
    cannot. Hosts that have the size already have no ops. Raises JumboError.
    """
    segment = _segment(hosts, wanted)
    members = [_member(host, segment, size) for host in hosts]
    _check_addresses(members)
    made = {member.host.name: _ways(member, segment, size, [other.address for other in members if other is not member])
            for member in members}
    told = [sentence for way in made.values() for sentence in way["by_hand"]]
    if told and not by_hand:
        raise JumboError(f"It would be lost with the next boot, and that host with its peers: {' '.join(told)} Say "
                         "jumbo_mtu_by_hand=true where that is seen to.")
    return {"segment": str(segment), "hosts": made}


def failed_pairs(hosts: Mapping[str, Mapping[str, Any]], answers: Mapping[str, Any]) -> list[str]:
    """Sentences that name each pair over which full-size packets did not go, by what full_size_probe answered on each host."""
    names = {way["address"]: name for name, way in hosts.items()}
    return [sentence for name, way in sorted(hosts.items()) for sentence in _failed(name, way, answers.get(name), names)]


def _failed(name: str, way: Mapping[str, Any], answer: Any, names: Mapping[str, str]) -> Iterator[str]:
    found = read.mapping((read.mapping(answer) or {}).get("targets"))
    if found is None:
        yield f"{name} could not be asked."
        return
    for peer in way["peers"]:
        if found.get(peer) != "carried":
            yield f"{name} to {names.get(peer, peer)}: {WORDS.get(str(found.get(peer)), 'it was not asked')}."


WORDS = {"lost": "large packets are lost on the way", "silent": "pings get no answer, so nothing is proven",
         "not_sent": "the host lets no large packet out"}


def _segment(hosts: Sequence[Host], wanted: str | None) -> Network:
    if len(hosts) < 2:
        raise JumboError("It takes at least two hosts in the play: nothing can be proven to nobody.")
    if wanted:
        try:
            return Network(wanted)
        except ValueError:
            raise JumboError(f"{wanted} is no IPv4 network, such as 192.0.2.0/24.") from None
    shared = set.intersection(*(set(_networks(host)) for host in hosts))
    if len(shared) != 1:
        found = ", ".join(sorted(map(str, shared))) or "none"
        raise JumboError(f"Which segment is meant cannot be told (networks that all hosts share: {found}): "
                         "say so with jumbo_mtu_segment.")
    return shared.pop()


def _networks(host: Host) -> dict[Network, list[tuple[str, Mapping[str, Any]]]]:
    """The networks that a host has an address in, with address and device."""
    found: dict[Network, list[tuple[str, Mapping[str, Any]]]] = {}
    for device in host.devices.values():
        for text in filter(read.text, read.listing(device.get("addresses")) or []):
            try:
                address = ipaddress.IPv4Interface(text)
            except ValueError:
                continue
            if device.get("kind") != "loopback" and address.network.prefixlen < 32:
                found.setdefault(address.network, []).append((str(address.ip), device))
    return found


def _member(host: Host, segment: Network, size: int) -> Member:
    if not host.devices:
        why = host.problem or host.why_unread("devices") or "it did not answer"
        raise JumboError(f"The devices of {host.name} are not known ({why}): every host of the segment has to be there.")
    for finding in fixed(host):
        raise JumboError(f"{host.name}: {finding.reason} {finding.way_out or ''}")
    there = _networks(host).get(segment, [])
    if len(there) != 1:
        raise JumboError(f"{host.name} has {'no address' if not there else 'several addresses'} in {segment}.")
    address, device = there[0]
    member = Member(host, address, device, tuple(_chain(host, device)))
    _check_devices(member, size)
    return member


def _chain(host: Host, device: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What is below a device, the lowest first, and itself."""
    seen: set[str] = set()

    def below(one: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for name in read.listing(one.get("lowers")) or []:
            if name in host.devices and name not in seen:
                seen.add(name)
                yield from below(host.devices[name])
                yield host.devices[name]

    yield from below(device)
    yield device


def _check_devices(member: Member, size: int) -> None:
    for device in member.chain:
        name, most = f"{device['name']} of {member.host.name}", read.number(device.get("mtu_max"))
        if not PLAIN_NAME.fullmatch(device["name"]):
            raise JumboError(f"{name} has a name that cannot stand in a script.")
        if device.get("kind") not in STACKED:
            raise JumboError(f"{name} is a {device.get('link_kind') or device.get('kind')}: its MTU is not changed here.")
        if read.number(device.get("mtu")) is None:
            raise JumboError(f"The MTU of {name} is not known.")
        if most and most < size:
            raise JumboError(f"{name} carries {most} bytes at most: ask for jumbo_mtu_size={most}.")


def _check_addresses(members: Sequence[Member]) -> None:
    by_address: dict[str, str] = {}
    for member in members:
        other = by_address.setdefault(member.address, member.host.name)
        if other != member.host.name:
            raise JumboError(f"{other} and {member.host.name} both have {member.address}: they are not on one segment.")


def _ways(member: Member, segment: Network, size: int, peers: list[str]) -> dict[str, Any]:
    """A host whose device has the size already is only asked."""
    lower = member.lower(size)
    found = {"address": member.address, "device": member.device["name"], "peers": peers}
    if not lower:
        return {**found, "raise": [], "free": [], "by_hand": []}
    free = [str(segment), *peers]
    files, by_hand = jumbo_files.persisted(member.host, lower, size, {member.device["name"]: free})
    return {**found, "raise": list(_raise(member.host, lower, size)), "free": [*_free(member.device, free), *files], "by_hand": by_hand}


def _raise(host: Host, lower: Sequence[Mapping[str, Any]], size: int) -> Iterator[dict[str, Any]]:
    """Routes first. What IPv6 may send follows the device by itself, and has to be set back behind it."""
    for device in lower:
        yield {"kind": "routes", "device": device["name"], "mtu": device["mtu"]}
    for device in lower:
        yield {"kind": "link", "device": device["name"], "mtu": size}
    for device in lower if _has_ipv6(host) else ():
        yield {"kind": "value", "path": f"/proc/sys/net/ipv6/conf/{device['name']}/mtu", "value": str(device["mtu"])}


def _has_ipv6(host: Host) -> bool:
    """Whether any device has an IPv6 address; then the kernel has settings of IPv6 for each, also before it has an address."""
    return any(":" in str(address) for device in host.devices.values() for address in read.listing(device.get("addresses")) or [])


def _free(device: Mapping[str, Any], free: list[str]) -> Iterator[dict[str, Any]]:
    """The segment's own route, and those to the pods behind the hosts that were proven; that can cut them off."""
    yield {"kind": "routes", "device": device["name"], "mtu": device["mtu"], "free": free, "cuts_off": True}
