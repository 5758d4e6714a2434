# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""NIC interrupts pinned: each queue of a NIC is served by one CPU of the NIC's NUMA node, and sends from there (XPS).

Why: packets of a flow stay in one CPU's caches, near the NIC's memory; irqbalance moves interrupts about and knows nothing
of queues.
Cost: irqbalance is stopped and disabled, so that interrupts of disks and others stay where they are.
Undo: the former CPUs of each interrupt and queue, irqbalance as it was; unit, rule and script of ours go away.
Refuse when: the NIC's interrupts cannot be told apart by queue, or no CPU is left besides isolated ones.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host, numbers
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import UNREAD, HostPhase, HostTuning, Setting
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, Options, Risk, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.node._places import fixed, own_file, unit
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.node._placement import Pin, mask, pins

FOLDER = "/etc/fastpath-cilium"
SCRIPT = f"{FOLDER}/irq-affinity"
NAME = "fastpath-irq-affinity.service"
UNIT = f"/etc/systemd/system/{NAME}"
RULE = "/etc/udev/rules.d/99-fastpath-irq-affinity.rules"
HEAD = "# Written by fastpath.cilium; goes away when its run is taken back.\n"
# Interrupts are found by name: their numbers change with each boot and each time a driver makes its queues anew.
SCRIPT_TEXT = """#!/bin/sh
{head}# irq <name> <CPU>: the interrupt's CPU.  xps <device> <queue> <mask>: the CPUs that send through a queue.
while read -r kind first second third; do
    case $kind in
    irq)
        for folder in /proc/irq/*/"$first"; do
            [ -d "$folder" ] && echo "$second" >"${{folder%/*}}/smp_affinity_list"
        done
        ;;
    xps)
        file=/sys/class/net/$first/queues/tx-$second/xps_cpus
        [ -e "$file" ] && echo "$third" >"$file"
        ;;
    esac
done <<END
{lines}
END
exit 0
"""
UNIT_TEXT = HEAD + f"""[Unit]
Description=CPUs of the interrupts of NICs
After=network-online.target irqbalance.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
# Queues are announced one by one, by some drivers before their interrupts are there.
ExecStartPre=/bin/sleep 2
ExecStart=/bin/sh {SCRIPT}

[Install]
WantedBy=multi-user.target
"""


def refusals(host: Host, options: Options) -> Iterator[Finding]:
    """Hosts and NICs whose interrupts cannot be placed."""
    yield from fixed(host)
    if host.nics is None or not host.online_cpus:
        why = host.why_unread("devices") or host.why_unread("cpus")
        yield Finding(State.UNKNOWN, f"NICs or CPUs are not known{f' ({why})' if why else ''}.",
                      "See why they cannot be read there, and run again.")
    elif not host.nics:
        yield Finding(State.NOT_APPLICABLE, "No real NIC carries its traffic.")
    elif len(host.online_cpus) == 1:
        yield Finding(State.NOT_APPLICABLE, "It has one CPU, which serves every interrupt.")
    elif not pins(host):
        yield from _nothing_to_pin(host)


def _nothing_to_pin(host: Host) -> Iterator[Finding]:
    names = ", ".join(nic["name"] for nic in host.nics or ())
    unread = [nic["name"] for nic in host.nics or () if nic.get("irqs") is None]
    if unread:
        yield Finding(State.UNKNOWN, f"The interrupts of {', '.join(unread)} are not known.",
                      "See why they cannot be read there, and run again.")
    else:
        yield Finding(State.NOT_APPLICABLE, f"The interrupts of {names} cannot be told apart by queue, or all CPUs are isolated.",
                      "Pin them by hand where their driver's documentation says which is which.")


def settings(host: Host, options: Options) -> Iterator[Setting]:
    """irqbalance stopped first: it would move them again. Then each interrupt, each queue's senders, and what repeats both."""
    placed = pins(host)
    yield from _irqbalance(host)
    for pin in placed:
        op = {"kind": "irq_affinity", "irq": pin.irq, "cpus": [pin.cpu], **({"name": pin.name} if pin.name else {})}
        yield Setting(f"interrupt {pin.name or pin.irq} of {pin.device}", UNREAD if pin.found is None else pin.found, [pin.cpu],
                      (op,), fact=f"devices/{pin.device}/irqs")
    senders = list(_senders(host, placed))
    for device, queue, cpus, found in senders:
        path = f"/sys/class/net/{device}/queues/tx-{queue}/xps_cpus"
        yield Setting(f"the senders of queue {queue} of {device}", found, cpus,
                      ({"kind": "value", "path": path, "value": mask(cpus), "compare": "mask"},), fact=f"devices/{device}/xps")
    lines = [*(f"irq {pin.name} {pin.cpu}" for pin in placed if pin.name and not set(pin.name) & set(" /\t")),
             *(f"xps {device} {queue} {mask(cpus)}" for device, queue, cpus, _found in senders)]
    yield from _persisted(host, lines, [pin.device for pin in placed])


def _senders(host: Host, placed: Sequence[Pin]) -> Iterator[tuple[str, int, list[int], Any]]:
    """(device, queue, CPUs, found) of the transmit queues; a device with one has nothing to choose from."""
    for device in dict.fromkeys(pin.device for pin in placed):
        shown = read.mapping(host.devices[device].get("xps"))
        count = read.number((read.mapping(host.devices[device].get("queues")) or {}).get("tx"))
        by_queue = {pin.queue: pin.cpu for pin in placed if pin.device == device}
        for queue, cpu in sorted(by_queue.items()):
            if count and count > 1 and queue < count:
                yield device, queue, [cpu], UNREAD if shown is None else numbers(shown.get(str(queue)))


def _irqbalance(host: Host) -> Iterator[Setting]:
    found = host.part("irqbalance")
    if found.get("installed") is False:
        return
    op = unit("irqbalance.service", False, False)
    for what in ("active", "enabled"):
        state = read.truth(found.get(what))
        yield Setting(f"irqbalance {'running' if what == 'active' else 'started at boot'}", UNREAD if state is None else state,
                      False, (op,), at_boot=what == "enabled", fact=f"irqbalance/{what}")


def _persisted(host: Host, lines: Sequence[str], devices: Sequence[str]) -> Iterator[Setting]:
    # Restarted with each queue, so that it runs after the last one.
    rules = "".join(f'ACTION=="add", SUBSYSTEM=="queues", DEVPATH=="*/net/{device}/queues/*", '
                    f'RUN+="/bin/systemctl --no-block restart {NAME}"\n' for device in dict.fromkeys(devices))
    yield own_file(host, SCRIPT, SCRIPT_TEXT.format(head=HEAD, lines="\n".join(lines)), "the script that places them at boot",
                   at_boot=True)
    yield own_file(host, UNIT, UNIT_TEXT, "the unit that runs it at boot", unit(NAME, True), at_boot=True)
    yield own_file(host, RULE, HEAD + rules, "the rule that runs it when queues are made anew", at_boot=True)


def notes(host: Host, options: Options) -> Iterator[str]:
    """Where it is less than it could be."""
    placed = pins(host)
    for device in dict.fromkeys(pin.device for pin in placed):
        mine = [pin.cpu for pin in placed if pin.device == device]
        if len(set(mine)) < len({pin.queue for pin in placed if pin.device == device}):
            yield f"{device} has more queues than there are CPUs to serve them: some CPUs serve several."


TUNING = HostTuning(
    id="irq_affinity",
    title="NIC interrupts pinned, one queue one CPU",
    phase=HostPhase.INTERRUPTS,
    risk=Risk.NONE,
    reason="Interrupts move to their CPUs while traffic flows; irqbalance is stopped and disabled.",
    undo="The former CPUs come back and irqbalance is as it was; what of ours repeats it at boot goes away.",
    profiles={"latency": {}, "throughput": {}, "max": {}},
)
