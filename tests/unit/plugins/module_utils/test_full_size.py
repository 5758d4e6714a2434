# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import struct

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import full_size
from ansible_collections.fastpath.cilium.plugins.module_utils.full_size import Question
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.rooms import segment  # noqa: F401  pylint: disable=unused-import

JUMBO = Question("eth1", 9000, attempts=2, seconds=0.3)


def ask(found, question=JUMBO, targets=("192.0.2.2",)):
    return found.inside("a", lambda: full_size.probe(list(targets), question))


def test_a_switch_that_carries_it_and_one_that_does_not(segment):  # noqa: F811
    segment.raise_links(9000)
    segment.carry(9000)
    assert ask(segment) == {"192.0.2.2": "carried"}
    segment.carry(1500)
    assert ask(segment) == {"192.0.2.2": "lost"}
    segment.carry(8999)
    assert ask(segment) == {"192.0.2.2": "lost"}, "one byte less is not enough"


def test_routes_that_keep_the_former_size_are_no_obstacle_unless_they_are_asked(segment):  # noqa: F811
    segment.raise_links(9000)
    segment.carry(9000)
    segment.ip("a", "route", "change", "192.0.2.0/24", "dev", "eth1", "proto", "kernel", "scope", "link", "src", "192.0.2.1",
               "mtu", "1500")
    assert ask(segment) == {"192.0.2.2": "carried"}
    assert ask(segment, JUMBO._replace(by_route=True)) == {"192.0.2.2": "not_sent"}


def test_the_peers_link_has_to_be_raised_as_well(segment):  # noqa: F811
    segment.carry(9000)
    segment.ip("a", "link", "set", "eth1", "mtu", "9000")
    assert ask(segment) == {"192.0.2.2": "lost"}


def test_a_link_of_this_host_that_is_too_small_lets_none_out(segment):  # noqa: F811
    assert ask(segment) == {"192.0.2.2": "not_sent"}


def test_nobody_answers_at_an_address_that_nobody_has(segment):  # noqa: F811
    segment.raise_links(9000)
    segment.carry(9000)
    assert ask(segment, targets=("192.0.2.2", "192.0.2.9")) == {"192.0.2.2": "carried", "192.0.2.9": "silent"}


def test_a_request_has_the_size_that_is_asked_for_and_a_checksum_that_holds():
    packet = full_size.request(7, 3, 1501)
    assert len(packet) == 1501 - 20 and full_size.checksum(packet) == 0
    assert struct.unpack("!BBHHH", packet[:8])[3:] == (7, 3)


@pytest.mark.parametrize("change, number", [
    ({}, 3), ({"kind": 8}, None), ({"identity": 8}, None), ({"length": 100}, None), ({"length": 4}, None)])
def test_an_answer_is_one_only_if_it_is_whole_and_ours(change, number):
    found = {"kind": 0, "identity": 7, "length": 1480, **change}
    body = (struct.pack("!BBHHH", found["kind"], 0, 0, found["identity"], 3) + bytes(2000))[:found["length"]]
    assert full_size.answer_to(b"\x45" + bytes(19) + body, 7, 1500) == number
    assert full_size.answer_to(b"", 7, 1500) is None
