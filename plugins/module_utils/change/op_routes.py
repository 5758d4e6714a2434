# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Op `routes`: the largest packet that IPv4 routes over a device may carry. State: {routes: {route as ip words it: mtu|null}}.

A device with a larger MTU lets nobody send larger packets as long as its routes keep the former size. `free` are the places
that may have them: a network or address frees direct routes within it, an address also the routes that go by it.
Without a route's own mtu it follows the device's.
"""
from __future__ import annotations

import ipaddress
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Gone, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State, device_name

LEAST_MTU, MOST_MTU = 1280, 65535
# Types of routes over which nothing is sent to a neighbour.
NOT_SENT = ("local", "broadcast", "multicast", "anycast", "unreachable", "prohibit", "blackhole", "throw", "nat")
# What ip tells of a route's moment and does not take back as an argument.
TOLD = ("linkdown", "dead", "offload", "offload_failed", "trap", "rt_offload", "rt_trap", "rt_offload_failed")


class Route(NamedTuple):
    """One route: its words without the mtu, and that one."""

    words: List[str]
    mtu: Optional[str]

    def after(self, word: str) -> Optional[str]:
        """What follows a word, such as the gateway after `via`."""
        place = self.words.index(word) + 1 if word in self.words else len(self.words)
        return self.words[place] if place < len(self.words) else None


def parsed(line: str) -> Route:
    """A line of `ip route show`."""
    words = [word for word in line.split() if word not in TOLD]
    if "mtu" not in words:
        return Route(words, None)
    place = words.index("mtu")
    size = 2 if words[place + 1:place + 2] == ["lock"] else 1
    return Route(words[:place] + words[place + 1 + size:], " ".join(words[place + 1:place + 1 + size]))


class Routes(Op):
    kind = "routes"
    FIELDS = {"device": str, "mtu": int, "free": [str]}
    REQUIRED = ("device", "mtu")

    def check(self) -> None:
        device_name(self.device)
        if not LEAST_MTU <= self.spec["mtu"] <= MOST_MTU:
            raise Refused("mtu must be from {0} to {1}.".format(LEAST_MTU, MOST_MTU))
        try:
            self._free = [ipaddress.IPv4Network(text) for text in self.get("free", [])]
        except ValueError as error:
            raise Refused("free holds what is no IPv4 network or address: {0}.".format(error)) from None

    @property
    def device(self) -> str:
        return str(self.spec["device"])

    @property
    def key(self) -> str:
        return "routes " + self.device

    def read(self) -> State:
        if not self.node.exists("/sys/class/net/" + self.device):
            raise Gone("There is no device {0} on this node.".format(self.device))
        return {"routes": {" ".join(route.words): route.mtu for route in map(parsed, self._lines()) if self._mine(route)}}

    def _lines(self) -> List[str]:
        answer = self.node.ask(["ip", "-4", "-oneline", "route", "show", "table", "all"])
        if answer.code:
            raise ChangeError("ip cannot show the routes: {0}".format(answer.err))
        return answer.out.splitlines()

    def _mine(self, route: Route) -> bool:
        if route.words[0] in NOT_SENT or self.device not in route.words:
            return False
        if "nexthop" in route.words or "nhid" in route.words:
            raise Refused("A route over {0} has several ways or a nexthop object ({1}): its size is not changed here.".format(
                self.device, " ".join(route.words)[:120]))
        return route.after("dev") == self.device

    def _target(self, words: str, present: Optional[str]) -> Optional[str]:
        """The mtu that a route shall have; a smaller one of somebody else stays."""
        ours = str(self.spec["mtu"])
        if self._freed(Route(words.split(), present)):
            return None if present == ours else present
        number = (present or "").rpartition(" ")[2]
        return present if number.isdigit() and int(number) <= self.spec["mtu"] else ours

    def _freed(self, route: Route) -> bool:
        gateway = route.after("via")
        try:
            if gateway:
                return ipaddress.IPv4Network(gateway) in self._free
            place = ipaddress.IPv4Network("0.0.0.0/0" if route.words[0] == "default" else route.words[0])
        except ValueError:  # by an IPv6 gateway, for instance
            return False
        return any(place.subnet_of(network) for network in self._free)

    def holds(self, state: State) -> bool:
        return all(self._target(words, mtu) == mtu for words, mtu in state["routes"].items())

    def apply(self, former: State) -> None:
        self._set({words: self._target(words, mtu) for words, mtu in former["routes"].items()}, former)

    def restore(self, former: State) -> None:
        self._set(former["routes"], self.read())

    def _set(self, wanted: Dict[str, Optional[str]], present: State) -> None:
        """Routes that came or went since are the routing's own."""
        for words, mtu in wanted.items():
            if words in present["routes"] and present["routes"][words] != mtu:
                self.node.change(["ip", "-4", "route", "change", *words.split(), *(["mtu", *mtu.split()] if mtu else [])])

    def same(self, one: State, other: State) -> bool:
        both = set(one["routes"]) & set(other["routes"])
        return all(one["routes"][words] == other["routes"][words] for words in both)

    def shown(self, state: Optional[State]) -> Any:
        return None if state is None else state["routes"]

    def wanted(self, former: State) -> State:
        return {"routes": {words: self._target(words, mtu) for words, mtu in former["routes"].items()}}
