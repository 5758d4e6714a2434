# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Gone, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Answer, Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_routes import Routes
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.rooms import segment  # noqa: F401  pylint: disable=unused-import

# As `ip -4 -oneline route show table all` of iproute2 6.1 words them.
SHOWN = """default via 192.0.2.254 dev eth1 proto dhcp src 192.0.2.1 metric 100 linkdown
192.0.2.0/24 dev eth1 proto kernel scope link src 192.0.2.1 linkdown
198.51.100.0/24 via 192.0.2.2 dev eth1 mtu 1400
203.0.113.0/24 via 192.0.2.3 dev eth1 table 7 mtu lock 1400
10.0.0.0/8 dev eth0 scope link
local 192.0.2.1 dev eth1 table local proto kernel scope host src 192.0.2.1
broadcast 192.0.2.255 dev eth1 table local proto kernel scope link src 192.0.2.1
unreachable 10.9.0.0/16
"""


class Told(Node):
    """A node whose ip says what it is told, and whose changes are kept."""

    def __init__(self, text=SHOWN, code=0):
        super().__init__()
        self.text, self.code, self.changes = text, code, []

    def exists(self, name):
        return name == "/sys/class/net/eth1"

    def run(self, argv, timeout, env):
        if "change" in argv:
            self.changes.append(" ".join(argv))
            return Answer(0, "", "")
        return Answer(self.code, self.text, "no such thing")


class Room(Node):
    """A node in a network namespace."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def exists(self, name):
        return True

    def run(self, argv, timeout, env):
        return super().run(["ip", "netns", "exec", self.name, *argv], timeout, env)


def routes(node, **fields):
    return Routes({"kind": "routes", "device": "eth1", "mtu": 1500, **fields}, node)


def test_all_keep_the_former_size_and_a_smaller_one_stays():
    node = Told()
    op = routes(node)
    former = op.read()
    assert len(former["routes"]) == 4 and not op.holds(former)
    op.apply(former)
    assert node.changes == [
        "ip -4 route change default via 192.0.2.254 dev eth1 proto dhcp src 192.0.2.1 metric 100 mtu 1500",
        "ip -4 route change 192.0.2.0/24 dev eth1 proto kernel scope link src 192.0.2.1 mtu 1500"]
    assert op.holds(op.wanted(former)) and op.wanted(former)["routes"]["203.0.113.0/24 via 192.0.2.3 dev eth1 table 7"] == "lock 1400"


@pytest.mark.parametrize("free, freed", [
    (["192.0.2.0/24"], {"192.0.2.0/24"}), (["192.0.2.2"], {"198.51.100.0/24"}), (["192.0.2.254"], {"default"}),
    (["192.0.2.0/24", "192.0.2.2"], {"192.0.2.0/24", "198.51.100.0/24"}), (["192.0.2.0/25"], set()), ([], set())])
def test_only_the_segment_and_what_goes_by_proven_peers_is_freed(free, freed):
    held = "".join(f"{line.replace(' mtu 1400', '').replace(' linkdown', '')} mtu 1500\n" for line in SHOWN.splitlines()[:3])
    op = routes(Told(held), free=free)
    wanted = op.wanted(op.read())["routes"]
    assert {words.split()[0] for words, mtu in wanted.items() if mtu is None} == freed


def test_routes_that_came_and_went_since_are_no_conflict_and_stay():
    node = Told()
    op = routes(node)
    former = op.read()
    node.text = "192.0.2.0/24 dev eth1 proto kernel scope link src 192.0.2.1 mtu 1500\n10.1.0.0/24 via 192.0.2.2 dev eth1\n"
    op.restore(former)
    assert node.changes == ["ip -4 route change 192.0.2.0/24 dev eth1 proto kernel scope link src 192.0.2.1"]
    assert op.same({"routes": {"a": None, "b": "1500"}}, {"routes": {"a": None, "c": None}})
    assert not op.same({"routes": {"a": None}}, {"routes": {"a": "1500"}})


def test_what_cannot_be_done_is_refused():
    with pytest.raises(Refused, match="has several ways"):
        routes(Told("default proto static \\\tnexthop via 192.0.2.2 dev eth1 weight 1 \\\tnexthop via 192.0.2.3 dev eth1\n")).read()
    with pytest.raises(Gone):
        routes(Told(), device="eth9").read()
    with pytest.raises(ChangeError, match="no such thing"):
        routes(Told(code=1)).read()
    with pytest.raises(Refused, match="no IPv4 network"):
        routes(Told(), free=["node-1"])
    with pytest.raises(Refused, match="a list of texts"):
        routes(Told(), free=[1])
    with pytest.raises(Refused, match="mtu must be"):
        routes(Told(), mtu=100)


def test_a_kernel_does_it_and_undoes_it(segment):  # noqa: F811
    segment.ip("a", "route", "add", "default", "via", "192.0.2.254")
    segment.ip("a", "route", "add", "198.51.100.0/24", "via", "192.0.2.2", "table", "7", "mtu", "lock", "1400")
    before = segment.ip("a", "-4", "route", "show", "table", "all")
    segment.ip("a", "link", "set", "eth1", "mtu", "9000")
    node = Room(segment.names["a"])
    held, larger = routes(node), routes(node, free=["192.0.2.0/24"])
    former = held.read()
    held.apply(former)
    assert held.holds(held.read())
    assert "mtu 1500" in segment.ip("a", "route", "get", "192.0.2.2") and "mtu 1500" in segment.ip("a", "route", "get", "10.1.1.1")
    between = larger.read()
    larger.apply(between)
    assert "mtu" not in segment.ip("a", "route", "get", "192.0.2.2") and "mtu 1500" in segment.ip("a", "route", "get", "10.1.1.1")
    larger.restore(between)
    assert "mtu 1500" in segment.ip("a", "route", "get", "192.0.2.2")
    held.restore(former)
    assert segment.ip("a", "-4", "route", "show", "table", "all") == before
