# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import netlink
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.tests.fixtures.hosts import wire


class Told:
    """A machine that answers every dump with these bytes."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def netlink(self, kind: int, body: bytes) -> bytes:
        return self.answer


def dumped(*messages: bytes) -> Told:
    return Told(wire.dump(messages))


def test_a_link_with_everything():
    link = wire.link(5, "bond0.100", 9000, 68, 65535, "up", "vlan", 4, 100, (1, 42))
    found = netlink.links(dumped(link))[5]
    assert found == {"name": "bond0.100", "link_kind": "vlan", "mtu": 9000, "mtu_min": 68, "mtu_max": 65535, "master": 4,
                     "state": "up", "vlan": 100, "xdp": {"attached": "native", "programs": [42]},
                     "sizes": {"gso_max": 65536, "gro_max": 65536, "tso_max": 524280}}


@pytest.mark.parametrize("mode, word", [(0, None), (1, "native"), (2, "generic"), (3, "offload"), (4, "multi"), (9, None)])
def test_how_an_xdp_program_is_attached(mode, word):
    link = wire.link(2, "eth0", 1500, 68, 9000, "up", None, None, None, (mode, 7))
    assert netlink.links(dumped(link))[2]["xdp"]["attached"] == word


def test_a_plain_link_has_no_master_and_no_program_and_no_greatest_mtu():
    found = netlink.links(dumped(wire.link(2, "eth0", 1500, 0, 0, "down", None, None, None, None)))[2]
    assert found["master"] is found["vlan"] is found["link_kind"] is found["mtu_max"] is None and found["state"] == "down"
    assert found["xdp"] == {"attached": None, "programs": []}


def test_an_old_kernel_has_no_limits_of_the_mtu():
    body = wire.attribute(3, b"eth0\0") + wire.number(4, 1500)
    found = netlink.links(dumped(wire.message(16, wire.struct.pack("=BxHiII", 0, 1, 2, 0, 0) + body)))[2]
    assert (found["mtu"], found["mtu_max"], found["sizes"]["tso_max"], found["xdp"]["attached"]) == (1500, None, None, None)


def test_addresses_of_both_families():
    found = netlink.addresses(dumped(wire.address(2, "192.0.2.1/24"), wire.address(2, "2001:db8::1/64"),
                                     wire.address(3, "10.0.0.1/32")))
    assert found == {2: ["192.0.2.1/24", "2001:db8::1/64"], 3: ["10.0.0.1/32"]}


def test_queueing_disciplines():
    root, ingress = 0xFFFFFFFF, 0xFFFFFFF1
    found = netlink.qdiscs(dumped(wire.qdisc(2, "mq", 0, root), wire.qdisc(2, "fq", 0, 1), wire.qdisc(2, "fq", 0, 2),
                                  wire.qdisc(2, "clsact", 0xFFFF0000, ingress), wire.qdisc(3, "noqueue", 0, root)))
    assert found == {2: {"root": "mq", "leaves": {"fq": 2}, "others": ["clsact"]},
                     3: {"root": "noqueue", "leaves": {}, "others": []}}


def test_a_refused_dump_names_the_error():
    refusal = wire.message(2, wire.struct.pack("=i", -13) + bytes(16))
    with pytest.raises(HostError) as error:
        netlink.links(Told(refusal))
    assert error.value.kind == "failed" and "13" in error.value.message


@pytest.mark.parametrize("cut", [17, 20, 40, 100])
def test_a_dump_that_breaks_off_is_garbled(cut):
    whole = wire.dump([wire.link(2, "eth0", 1500, 68, 9000, "up", None, None, None, None)] * 3)
    with pytest.raises((HostError, wire.struct.error)):
        netlink.links(Told(whole[:-cut]))


def test_hostile_names_are_made_fit_to_be_shown():
    link = wire.link(2, "e\x1b[2Jh0", 1500, 68, 9000, "up", None, None, None, None)
    assert netlink.links(dumped(link))[2]["name"] == "eh0"
