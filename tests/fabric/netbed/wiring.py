# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The namespaces of a fabric and the wires between them."""
from __future__ import annotations

from pathlib import Path

from . import host, plan
from .plan import CLIENT, CONTROL, ROUTER, Node
from .spaces import Space, run

CLIENTS_TABLE = 100  # how the router sends on what comes from the clients
EVERYWHERE = {
    "ipv4/conf/all/rp_filter": 0, "ipv4/conf/default/rp_filter": 0, "ipv4/ip_forward": 1,
    "ipv6/conf/all/forwarding": 1, "ipv6/conf/default/accept_dad": 0, "ipv6/conf/default/accept_ra": 0,
}


class Wiring:
    """Everything between the nodes of one fabric; `slot` tells it from the other fabrics of this machine, as `owner` does."""

    def __init__(self, count: int, owner: str) -> None:
        self.owner = owner
        self.nodes = plan.nodes(count)
        self.spaces = {name: Space(name) for name in (CONTROL, CLIENT, ROUTER, *(node.name for node in self.nodes))}
        for space in self.spaces.values():
            space.sysctl(EVERYWHERE)
        self.router = self.spaces[ROUTER]
        self.slot = self._join_machine()
        self.control_address = plan.management(self.slot)[-1]
        self._join(CONTROL, "control", "router", plan.CONTROL_4, plan.CONTROL_6)
        self._join(CLIENT, "client", "eth0", plan.CLIENT_4, plan.CLIENT_6)
        for node in self.nodes:
            self._join_node(node)
        self._default_routes()

    def space(self, name: str) -> Space:
        if name not in self.spaces:
            raise ValueError(f"there is no {name} in this fabric, there are {', '.join(self.spaces)}")
        return self.spaces[name]

    def _join_machine(self) -> int:
        """A wire from this machine to the control plane; its name is the claim to its addresses."""
        control = self.spaces[CONTROL]
        for slot in range(plan.MOST_FABRICS):
            device, here, there = plan.management(slot)
            try:
                run([host.program("ip"), "link", "add", device, "type", "veth", "peer", "name", "machine", "netns", control.path])
            except OSError as error:
                if "File exists" not in str(error):
                    raise
                continue
            run([host.program("ip"), "address", "add", f"{here}/30", "dev", device])
            run([host.program("ip"), "link", "set", device, "alias", self.owner, "up"])
            control.ip([f"address add {there}/30 dev machine", "link set machine up"])
            return slot
        raise OSError(f"{plan.MOST_FABRICS} fabrics are up already: take one down")

    def _join(self, name: str, router_device: str, device: str, net4: str, net6: str) -> None:
        """A wire between the router (address .1) and a namespace (address .2)."""
        space = self.spaces[name]
        self.router.ip([f"link add {router_device} type veth peer name {device} netns {space.path}",
                        f"address add {net4}.1/24 dev {router_device}",
                        f"address add {net6}::1/64 dev {router_device} nodad", f"link set {router_device} up"])
        space.ip([f"address add {net4}.2/24 dev {device}", f"address add {net6}::2/64 dev {device} nodad",
                  f"link set {device} up"])
        self.router.send_as_on_the_wire(router_device)
        space.send_as_on_the_wire(device)

    def _join_node(self, node: Node) -> None:
        self._join(node.name, node.inner, "eth0", node.inner_4, node.inner_6)
        self._join(node.name, node.outer, "eth1", node.outer_4, node.outer_6)
        self.router.ip(_routes_to(node))

    def _default_routes(self) -> None:
        control, client, router = self.spaces[CONTROL], self.spaces[CLIENT], self.router
        control.ip([f"route add default via {plan.CONTROL_4}.1", f"route add default via {plan.CONTROL_6}::1"])
        client.ip([f"route add default via {plan.CLIENT_4}.1", f"route add default via {plan.CLIENT_6}::1"])
        router.ip([f"route add {self.control_address}/32 via {plan.CONTROL_4}.2",
                   f"rule add iif client lookup {CLIENTS_TABLE}"])
        router.ip([f"rule add iif client lookup {CLIENTS_TABLE}"], family=6)
        for node in self.nodes:
            inside4, inside6 = ("10.200.0.0/16", plan.POD_RANGES[0], f"{self.control_address}/32"), ("fd00:200::/32", plan.POD_RANGES[1])
            self.spaces[node.name].ip([
                f"route add default via {node.outer_4}.1", f"route add default via {node.outer_6}::1",
                f"route add {plan.CLIENT_4}.0/24 via {node.outer_4}.1", f"route add {plan.CLIENT_6}::/64 via {node.outer_6}::1",
                *(f"route add {net} via {node.inner_4}.1" for net in inside4),
                *(f"route add {net} via {node.inner_6}::1" for net in inside6)])

    def link(self, name: str, up: bool) -> None:
        """Cuts a node off, on both its network cards, or joins it again."""
        node = next((one for one in self.nodes if one.name == name), None)
        if node is None:
            raise ValueError(f"there is no node {name}")
        self.router.ip([f"link set {device} {'up' if up else 'down'}" for device in (node.inner, node.outer)])
        if up:  # the kernel has forgotten these
            self.router.ip([f"address replace {node.inner_6}::1/64 dev {node.inner} nodad",
                            f"address replace {node.outer_6}::1/64 dev {node.outer} nodad", *_routes_to(node)])


def cut_from_machine(owner: str) -> None:
    """Takes away the wire to this machine: connections that nobody ended keep a namespace, and it, for minutes."""
    for alias in Path("/sys/class/net").glob("fabric*/ifalias"):
        try:
            if alias.read_text(encoding="utf-8").strip() == owner:
                run([host.program("ip"), "link", "del", alias.parent.name])
        except OSError:
            if alias.exists():
                raise


def _routes_to(node: Node) -> list[str]:
    """The router's: to the node's pods, and for what comes from the clients to the node itself."""
    nets, by = (f"{node.inner_4}.0/24", f"{node.inner_6}::/64"), (f"{node.outer_4}.2", f"{node.outer_6}::2")
    return [f"route replace {pods} via {inner}" for pods, inner in zip(node.pods, node.addresses)] + \
           [f"route replace {net} via {outer} dev {node.outer} table {CLIENTS_TABLE}" for net, outer in zip(nets, by)]
