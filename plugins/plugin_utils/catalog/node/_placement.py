# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which CPU serves which queue of which NIC. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host, numbers


class Pin(NamedTuple):
    """An interrupt of a NIC's queue and the CPU that shall take it; `found` are those that may take it now."""

    device: str
    queue: int
    irq: int
    name: str
    cpu: int
    found: list[int] | None


def pins(host: Host) -> list[Pin]:
    """Every queue interrupt of the host's NICs with its CPU.

    The queues of a NIC go round the CPUs that may serve it; the next NIC on the same CPUs begins where that one ended, so that
    few queues of many NICs do not all meet on the first CPU.
    """
    placed: list[Pin] = []
    begin: dict[tuple[int, ...], int] = {}
    for nic in host.nics or ():
        cpus = serving(host, nic)
        queues = sorted(_queues(nic), key=lambda irq: (irq["queue"], irq["irq"]))
        if not cpus or not queues:
            continue
        first, key = begin.get(tuple(cpus), 0), tuple(cpus)
        for irq in queues:
            cpu = cpus[(first + irq["queue"]) % len(cpus)]
            placed.append(Pin(nic["name"], irq["queue"], irq["irq"], str(irq.get("name") or ""), cpu,
                              numbers(irq.get("affinity")) if read.listing(irq.get("affinity")) is not None else None))
        begin[key] = first + max(irq["queue"] for irq in queues) + 1
    return placed


def _queues(nic: Mapping) -> Iterator[Mapping[str, Any]]:
    for irq in map(read.mapping, read.listing(nic.get("irqs")) or []):
        if irq and read.number(irq.get("irq")) is not None and (read.number(irq.get("queue")) or 0) >= 0 \
                and read.number(irq.get("queue")) is not None:
            yield irq


def serving(host: Host, nic: Mapping) -> list[int]:
    """The CPUs that may serve a NIC: online, not isolated, of its NUMA node where any such is left; one thread of each core first."""
    cpus = host.part("cpus")
    kept_free = {*numbers(cpus.get("isolated")), *numbers(cpus.get("nohz_full")), *numbers(cpus.get("cpuset_isolated"))}
    free = [cpu for cpu in host.online_cpus if cpu not in kept_free]
    near = _near(host, nic)
    return by_core([cpu for cpu in free if cpu in near] or free, read.listing(cpus.get("siblings")) or [])


def _near(host: Host, nic: Mapping) -> set[int]:
    numa = read.mapping(host.part("cpus").get("numa")) or {}
    node = read.number(nic.get("numa_node"))
    # -1: the machine's firmware does not say.
    if node is None or node < 0 or str(node) not in numa:
        return set(numbers(nic.get("local_cpus"))) or set(host.online_cpus)
    return set(numbers(numa[str(node)]))


def by_core(cpus: Sequence[int], siblings: Iterable[Any]) -> list[int]:
    """One CPU of each core, then the second ones, and so on; each in order."""
    place = {cpu: position for core in siblings for position, cpu in enumerate(sorted(numbers(core)))}
    return sorted(cpus, key=lambda cpu: (place.get(cpu, 0), cpu))


def mask(cpus: Iterable[int]) -> str:
    """As sysfs has CPU masks: hexadecimal words of 32 CPUs with commas between them, the highest first."""
    bits, words = sum(1 << cpu for cpu in set(cpus)), []
    while bits or not words:
        words.append(f"{bits & 0xffffffff:x}" if bits < 1 << 32 else f"{bits & 0xffffffff:08x}")
        bits >>= 32
    return ",".join(reversed(words))
