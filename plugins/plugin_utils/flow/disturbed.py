# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What hosts may have lost by a step of the cluster: hosts before it against hosts after it. Pure."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.words import shown

Host = Mapping[str, Any]


def lost(before: Any, facts: Any, step: Any) -> dict[str, list[str]]:
    """{node: [sentence]} for the nodes of a step, by the tunings of hosts that it may disturb.

    `before` are `hosts` of facts from before the step, `facts` those from after it. What could not be read either time is
    not told here: it stands in the facts' own `unread`.
    """
    was, now, found = View({"schema": 1, "hosts": before}), View(facts), read.mapping(step) or {}
    told = {}
    for node in filter(read.text, read.listing(found.get("nodes")) or []):
        hosts = was.host(node), now.host(node)
        if hosts[0] is not None and hosts[1] is not None:
            told[node] = [one_line(sentence, 400) for name in read.listing(found.get("disturbs")) or []
                          for sentence in LOOKED_AT.get(str(name), _nothing)(*hosts)]
    return {node: sentences for node, sentences in told.items() if sentences}


def _nothing(_was: Host, _now: Host) -> Iterator[str]:
    yield from ()


def _devices(host: Host) -> dict[str, Host]:
    records = filter(None, map(read.mapping, read.listing(host.get("devices")) or []))
    return {str(device["name"]): device for device in records if read.text(device.get("name"))}


def _pairs(was: Host, now: Host) -> Iterator[tuple[str, Host, Host]]:
    """Devices that were there before and are there after."""
    after = _devices(now)
    for name, device in _devices(was).items():
        if name in after:
            yield one_line(name, 40), device, after[name]


def _interrupts(was: Host, now: Host) -> Iterator[str]:
    """Where interrupts and packets to be sent go; interrupts have other numbers once queues were made anew."""
    for name, former, device in _pairs(was, now):
        queues = [_counts(one) for one in (former, device)]
        if queues[0] != queues[1]:
            yield f"irq_affinity: {name} has {shown(queues[1])} queues instead of {shown(queues[0])}."
            continue
        for what, reader in (("interrupts", _affinities), ("queues to send (XPS)", _senders)):
            pair = [reader(one) for one in (former, device)]
            if pair[0] and pair[1] is not None and pair[0] != pair[1]:
                changed = sorted(key for key in pair[0] if pair[1].get(key) != pair[0][key])
                yield (f"irq_affinity: the {what} of {name} go to other CPUs than before "
                       f"({', '.join(changed[:4]) or 'new ones came'}{' and more' if len(changed) > 4 else ''}).")


def _counts(device: Host) -> str | None:
    queues = read.mapping(device.get("queues"))
    return None if queues is None else f"{queues.get('rx')} receive and {queues.get('tx')} transmit"


def _affinities(device: Host) -> dict[str, Any] | None:
    records = read.listing(device.get("irqs"))
    if records is None:
        return None
    return {f"{record.get('name')}": record.get("affinity") for record in map(read.mapping, records)
            if record and record.get("affinity") is not None}


def _senders(device: Host) -> dict[str, Any] | None:
    found = read.mapping(device.get("xps"))
    return None if found is None else {f"queue {queue}": cpus for queue, cpus in found.items()}


def _mtu(was: Host, now: Host) -> Iterator[str]:
    for name, former, device in _pairs(was, now):
        pair = [read.number(one.get("mtu")) for one in (former, device)]
        if None not in pair and "queues" in former and pair[0] != pair[1]:
            yield f"jumbo_mtu: {name} has an MTU of {pair[1]} instead of {pair[0]}."


def _profile(was: Host, now: Host) -> Iterator[str]:
    """Sysctls that agents set where tuned may have set them: what tuned would put back when it starts again."""
    profile = read.text((read.mapping(now.get("tuned")) or {}).get("active_profile"))
    if profile is None:
        return
    pair = [read.mapping(one.get("sysctl")) or {} for one in (was, now)]
    for name in sorted(pair[0].keys() & pair[1].keys()):
        if None not in (pair[0][name], pair[1][name]) and pair[0][name] != pair[1][name]:
            yield (f"tuned_profile: {name} is {shown(pair[1][name])} and was {shown(pair[0][name])}; where the profile "
                   f"{one_line(profile, 60)} sets it, tuned puts that back when it starts again.")


LOOKED_AT: Mapping[str, Callable[[Host, Host], Iterator[str]]] = {
    "irq_affinity": _interrupts, "jumbo_mtu": _mtu, "tuned_profile": _profile}
