# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A device's queues and how packets are spread over CPUs: RPS and RFS on the way in, XPS on the way out."""
from __future__ import annotations

import re
from typing import Any, Dict, List

from ansible_collections.fastpath.cilium.plugins.module_utils.host.cpulist import parse_mask
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root

QUEUE = re.compile(r"(rx|tx)-([0-9]{1,5})\Z")


def numbers(root: Root, folder: str) -> Dict[str, List[int]]:
    """{"rx": [0, 1, ..], "tx": [..]} as the kernel has them now."""
    found: Dict[str, List[int]] = {"rx": [], "tx": []}
    for name in root.names(folder + "/queues"):
        match = QUEUE.match(name)
        if match:
            found[match.group(1)].append(int(match.group(2)))
    return {side: sorted(held) for side, held in found.items()}


def masks(root: Root, folder: str, side: str, name: str, queues: List[int]) -> Dict[str, List[int]]:
    """{queue: [CPUs]} from rps_cpus or xps_cpus; a device with one queue has no XPS."""
    found = {}
    for queue in queues:
        content = root.text("{0}/queues/{1}-{2}/{3}".format(folder, side, queue, name))
        if content is not None:
            found[str(queue)] = parse_mask(content)
    return found


def flows(root: Root, folder: str, queues: List[int]) -> Dict[str, int]:
    """{queue: number of flows that RFS keeps}."""
    name = "{0}/queues/rx-{1}/rps_flow_cnt"
    held: Dict[str, Any] = {str(queue): root.number(name.format(folder, queue)) for queue in queues}
    return {queue: count for queue, count in held.items() if count is not None}
