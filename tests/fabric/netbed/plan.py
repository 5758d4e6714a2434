# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and addresses of everything in a fabric. They are the same in each: namespaces keep fabrics apart.

Every node has two network cards: eth0 to the other nodes and the control plane, eth1 to where the clients are. The address that
Kubernetes knows is eth0's; the router hands what clients send to it to eth1.
"""
from __future__ import annotations

from dataclasses import dataclass

MOST_NODES = 5
CONTROL, CLIENT, ROUTER = "control", "client", "router"
CONTROL_4, CONTROL_6 = "10.200.0", "fd00:200:0"
CLIENT_4, CLIENT_6 = "10.200.9", "fd00:200:9"
CLIENT_ADDRESSES = (f"{CLIENT_4}.2", f"{CLIENT_6}::2")
POD_RANGES = ("10.244.0.0/16", "fd00:244::/32")
# Each takes four addresses of 198.18.0.0/16, a range for testing network devices, by which this machine reaches its API.
MOST_FABRICS = 64


@dataclass(frozen=True)
class Node:
    """Node number `index`, from 1 on."""

    index: int

    @property
    def name(self) -> str:
        return f"node-{self.index}"

    @property
    def inner(self) -> str:
        """The router's device towards the node's eth0."""
        return f"in{self.index}"

    @property
    def outer(self) -> str:
        """The router's device towards the node's eth1."""
        return f"out{self.index}"

    @property
    def inner_4(self) -> str:
        return f"10.200.{self.index}"

    @property
    def inner_6(self) -> str:
        return f"fd00:200:{self.index}"

    @property
    def outer_4(self) -> str:
        return f"10.201.{self.index}"

    @property
    def outer_6(self) -> str:
        return f"fd00:201:{self.index}"

    @property
    def addresses(self) -> tuple[str, str]:
        """Those that Kubernetes knows, IPv4 and IPv6."""
        return f"{self.inner_4}.2", f"{self.inner_6}::2"

    @property
    def pods(self) -> tuple[str, str]:
        """Its pods' ranges."""
        return f"10.244.{self.index}.0/24", f"fd00:244:{self.index}::/64"

    @property
    def own(self) -> tuple[list[str], list[str]]:
        """Everything it may send from where a fabric checks sources."""
        pods4, pods6 = self.pods
        return [self.addresses[0], f"{self.outer_4}.2", pods4], [self.addresses[1], f"{self.outer_6}::2", pods6]


def nodes(count: int) -> list[Node]:
    return [Node(index) for index in range(1, count + 1)]


def management(slot: int) -> tuple[str, str, str]:
    """(device on this machine, its address, the control plane's address) of fabric number `slot`."""
    return f"fabric{slot}", f"198.18.0.{4 * slot + 1}", f"198.18.0.{4 * slot + 2}"
