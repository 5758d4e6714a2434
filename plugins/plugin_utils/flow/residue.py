# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the agents of a step leave behind on their hosts: recorded before it, and the way back. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Catalogue, Residue
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.words import shown

# What can be given to a device by name (the op `qdisc` of host_apply).
DISCIPLINES = ("fq", "fq_codel", "pfifo", "pfifo_fast", "noqueue")
# Before the disciplines: what the kernel takes for a new queue follows it.
FIRST = "net.core.default_qdisc"
NO_HOST = "its host is not in the inventory"


def of_tunings(names: Iterable[str], catalogue: Catalogue | None = None) -> list[Residue]:
    """The residues of these tunings, of those that have one."""
    known = catalog.load() if catalogue is None else catalogue
    return [known[name].tuning.residue for name in names if name in known and known[name].tuning.residue]


def record(facts: Any, step: Any, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """What stands on the hosts of a step's nodes before it: {tunings, nodes: {node: {host, sysctls: {name: text}, devices: {name:
    {qdisc, <watched place>}}}}}; `host` None where there are no facts of it.

    Only what a tuning of the step may change and what was read; empty where no tuning leaves anything.
    """
    view, found = View(facts), read.mapping(step) or {}
    tunings = _names(found.get("tunings"))
    residues = of_tunings(tunings, catalogue)
    nodes = {node: _recorded(view, node, residues) for node in _names(found.get("nodes"))}
    return {"tunings": tunings, "nodes": nodes} if residues and nodes else {}


def _names(value: Any) -> list[str]:
    return [name for name in read.listing(value) or [] if isinstance(name, str)]


def _recorded(view: View, node: str, residues: list[Residue]) -> dict[str, Any]:
    host = view.host(node)
    if host is None:
        return {"host": None, "sysctls": {}, "devices": {}}
    values = read.mapping(host.get("sysctl")) or {}
    names = {sysctl.name for residue in residues for sysctl in residue.sysctls}
    return {"host": view.host_name(node),
            "sysctls": {name: values[name] for name in sorted(names) if read.text(values.get(name))},
            "devices": {name: _device(device, residues) for name, device in _devices(host).items()}}


def _devices(host: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Devices by name, without the host's ends of pods, which have no entry of their own for queues."""
    records = filter(None, map(read.mapping, read.listing(host.get("devices")) or []))
    return {str(device["name"]): device for device in records if read.text(device.get("name")) and "queues" in device}


def _device(device: Mapping[str, Any], residues: list[Residue]) -> dict[str, Any]:
    watched = {place for residue in residues for place in residue.watched}
    found = {place: read.nested(device, place)[0] for place in sorted(watched) if _says(device, place)}
    if any(residue.qdisc for residue in residues):
        found["qdisc"] = _discipline(device)
    return found


def _says(device: Mapping[str, Any], place: str) -> bool:
    """Whether what holds the place was read at all."""
    return read.mapping(device.get(place.partition(".")[0])) is not None


def _discipline(device: Mapping[str, Any]) -> str | None:
    """The one kind of queueing discipline of a device's queues; None where there are several, or it is not known."""
    found = read.mapping(device.get("qdisc")) or {}
    leaves = read.mapping(found.get("leaves")) or {}
    kinds = list(leaves) if leaves else [found.get("root")]
    return read.text(kinds[0]) if len(kinds) == 1 else None


def ways_back(recorded: Any, facts: Any, catalogue: Catalogue | None = None) -> list[dict[str, Any]]:
    """[{node, host: name|None, ops: [..], kept: [sentence]}] for what `record` says of a step.

    `ops` are those of host_apply. Only what is as agents leave it is put back; what is as it was needs nothing; everything
    else was changed by somebody else since: it is kept, and told.
    """
    view, given = View(facts), read.mapping(recorded) or {}
    residues = of_tunings(_names(given.get("tunings")), catalogue)
    found = {str(node): read.mapping(entry) or {} for node, entry in (read.mapping(given.get("nodes")) or {}).items()}
    return [_way(view, node, found[node], residues) for node in sorted(found, key=read.natural)]


def _way(view: View, node: str, former: Mapping[str, Any], residues: list[Residue]) -> dict[str, Any]:
    way: dict[str, Any] = {"node": node, "host": view.host_name(node), "ops": [], "kept": []}
    host = view.host(node)
    if former.get("host") is None or host is None:
        way["kept"] = list(_untouchable(former, view, node, residues))
        return way
    for put in (_sysctls(former, host, residues), _disciplines(former, host, residues)):
        for op, sentence in put:
            way["ops"] += [op] if op else []
            way["kept"] += [sentence] if sentence else []
    way["kept"] += _watched(former, host, residues)
    return way


def _untouchable(former: Mapping[str, Any], view: View, node: str, residues: list[Residue]) -> Iterator[str]:
    names = sorted({sysctl.name for residue in residues for sysctl in residue.sysctls})
    disciplines = {residue.qdisc for residue in residues if residue.qdisc}
    if not names and not disciplines:
        return
    why = NO_HOST if view.host_name(node) is None else "it could not be read"
    if former.get("host") is None:
        why = f"{why}, or was not before the step" if view.host(node) is None else "it could not be read before the step"
    what = ", ".join(names) + (f", and {' or '.join(sorted(disciplines))} on its devices" if disciplines else "")
    yield f"What agents changed stays until a reboot, since {why}: {what}."


Put = Iterator[tuple[dict[str, Any] | None, str | None]]


def _sysctls(former: Mapping[str, Any], host: Mapping[str, Any], residues: list[Residue]) -> Put:
    theirs: dict[str, set[str]] = {}
    for residue in residues:
        for sysctl in residue.sysctls:
            theirs.setdefault(sysctl.name, set()).update(sysctl.values)
    now = read.mapping(host.get("sysctl")) or {}
    was = {name: text for name, text in (read.mapping(former.get("sysctls")) or {}).items() if read.text(text)}
    for name in sorted(was.keys() & theirs.keys(), key=lambda name: (name != FIRST, name)):
        found = read.text(now.get(name))
        if found is not None and _same(found, was[name]):
            continue
        if found in theirs[name]:
            yield {"kind": "value", "path": "/proc/sys/" + name.replace(".", "/"), "value": was[name]}, None
        else:
            yield None, _foreign(name, found, was[name])


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()


def _foreign(what: str, found: Any, was: Any) -> str:
    if found is None:
        return f"{what} could not be read, so it stays as it is; it was {shown(was)} before the step."
    return f"{what} is {shown(found)}, which is not what agents leave there: kept as it is; it was {shown(was)} before the step."


def _disciplines(former: Mapping[str, Any], host: Mapping[str, Any], residues: list[Residue]) -> Put:
    theirs = {residue.qdisc for residue in residues if residue.qdisc}
    devices = _devices(host)
    for name, entry in (read.mapping(former.get("devices")) or {}).items():
        was, device = read.text((read.mapping(entry) or {}).get("qdisc")), devices.get(name)
        found = _discipline(device) if device else None
        if not theirs or was is None or found == was or device is None:
            continue
        what = f"The queueing discipline of {one_line(name, 40)}"
        if found in theirs and was in DISCIPLINES:
            yield {"kind": "qdisc", "device": name, "discipline": was}, None
        elif found in theirs:
            yield None, (f"{what} is {shown(found)} and was {shown(was)}, which cannot be made again as it was: put it there "
                         "with tc, or reboot.")
        else:
            yield None, _foreign(what, found, was)


def _watched(former: Mapping[str, Any], host: Mapping[str, Any], residues: list[Residue]) -> Iterator[str]:
    """What drivers changed and did not change back."""
    places, devices = {place for residue in residues for place in residue.watched}, _devices(host)
    for name, entry in (read.mapping(former.get("devices")) or {}).items():
        was = read.mapping(entry) or {}
        for place in sorted(places & was.keys()):
            found = read.nested(devices.get(name) or {}, place)[0]
            if name in devices and _says(devices[name], place) and found != was[place]:
                yield (f"{place} of {one_line(name, 40)} is {shown(found)} and was {shown(was[place])} before the step: its driver "
                       "did not put that back.")
