# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The interrupts of a device's queues, found through its bus: their names differ from driver to driver."""
from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.host.cpu import cpus
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

LINE = re.compile(r"^\s*([0-9]{1,7}):(?:\s+[0-9]+)*\s*(.*)$")
# (form, what it serves: None takes it from the word in the name). Names as the drivers give them:
#   mlx5 mlx5_comp3@pci:0000:3b:00.0    ice ice-eth0-TxRx-3    i40e i40e-eth0-TxRx-3    ixgbe, ena eth0-TxRx-3, eth0-Tx-Rx-3
#   bnxt eth0-TxRx-3 or eth0-rx-3    virtio virtio2-input.0    vmxnet3 eth0-rxtx-3    mana mana_q3@pci:..    Xen eth0-q0-tx
FORMS = (
    (re.compile(r"mlx5_comp([0-9]{1,5})(?:@|\Z)"), "both"),
    (re.compile(r"mana_q([0-9]{1,5})(?:@|\Z)"), "both"),
    (re.compile(r"-(?:tx-?rx|rx-?tx)-([0-9]{1,5})\Z", re.IGNORECASE), "both"),
    (re.compile(r"-(rx|tx)-([0-9]{1,5})\Z", re.IGNORECASE), None),
    (re.compile(r"-q([0-9]{1,5})-(rx|tx)\Z"), None),
    (re.compile(r"-(input|output)\.([0-9]{1,5})\Z"), None),
)
SERVES = {"rx": "rx", "input": "rx", "tx": "tx", "output": "tx"}


def of_device(root: Root, bus: str, device: str, names: Dict[int, str]) -> List[Dict[str, Any]]:
    """Its interrupts by number, with where they may and where they do go.

    `bus` is the folder of the device on its bus, `names` is what `table` gives.
    """
    found = []
    for irq in numbers(root, bus) or by_name(device, names):
        name = names.get(irq)
        # What no handler was asked for (vectors that are kept in reserve) has no name and serves nobody.
        if name is not None:
            queue, serves = parse_name(name)
            found.append({"irq": irq, "name": name, "queue": queue, "serves": serves,
                          "affinity": _affinity(root, irq, "smp"), "effective": _affinity(root, irq, "effective")})
    return found


def numbers(root: Root, bus: str) -> List[int]:
    """The numbers of a device's message-signalled interrupts, in order; without any, that of its line."""
    names = root.names(bus + "/msi_irqs")
    if names:
        return sorted(int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 8)
    line = root.number(bus + "/irq")
    return [line] if line else []


def by_name(device: str, names: Dict[int, str]) -> List[int]:
    """Interrupts that are named after a device whose bus shows none, as Xen's. Pure."""
    return sorted(irq for irq, name in names.items() if name.startswith(device + "-"))


def _affinity(root: Root, irq: int, which: str) -> Optional[List[int]]:
    return cpus(root, "/proc/irq/{0}/{1}_affinity_list".format(irq, which))


def table(root: Root) -> Dict[int, str]:
    """{number: name} of all interrupts that something handles, from /proc/interrupts."""
    content = root.text("/proc/interrupts")
    if content is None:
        raise HostError("not_found", "There is no /proc/interrupts.")
    found = {}
    for line in content.splitlines():
        match = LINE.match(line)
        words = match.group(2).split() if match else []
        if match and words:
            found[int(match.group(1))] = one_line(words[-1], 80)
    return found


def parse_name(name: str) -> Tuple[Optional[int], Optional[str]]:
    """(queue, "rx" | "tx" | "both") that an interrupt serves by its name; (None, None) for others. Pure."""
    for form, serves in FORMS:
        match = form.search(name)
        if match:
            words = [word for word in match.groups() if not word.isdigit()]
            number = next(word for word in match.groups() if word.isdigit())
            return int(number), serves or SERVES[words[0].lower()]
    return None, None
