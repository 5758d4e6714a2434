# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Without any agent: kube-proxy's SNAT, and what each fault of the router breaks of it."""
from __future__ import annotations

import sys

import pytest
from fabrickit import FULL, Way, wait

pytestmark = pytest.mark.fabric


def test_backend_sees_the_entry_and_not_the_client(fabric):
    for way, seen in fabric.ask(fabric.ways()).items():
        assert (seen.reached, seen.backend) == (True, f"backend-{way.backend}"), (way, seen)
        assert seen.seen == fabric.address(way.entry, way.family), (way, seen)


def test_large_payloads_pass(fabric):
    assert not fabric.broken(fabric.ways(local=True, size=FULL))


@pytest.mark.parametrize("kind", ["options", "source", "rp-filter"])
def test_faults_that_only_direct_return_suffers_from(fabric, kind):
    with fabric.fault(kind, *(["--to", "node-2"] if kind == "rp-filter" else [])):
        assert not fabric.broken(fabric.ways(local=True))
        assert fabric.dropped() == 0


def test_large_packets_are_lost_without_a_word(fabric):
    with fabric.fault("large", "--bytes", "1400"):
        full = fabric.ways(size=FULL)
        assert fabric.broken(full) == set(full)
        assert not fabric.broken(fabric.ways(local=True))
        assert fabric.dropped() > 0
    fabric.wait_reached(full)


def test_udp_is_lost_and_tcp_is_not(fabric):
    with fabric.fault("lost", "--proto", "udp"):
        ways = fabric.ways()
        assert fabric.broken(ways) == {way for way in ways if way.proto == "udp"}


def test_one_family_is_lost(fabric):
    with fabric.fault("lost", "--family", "6"):
        ways = fabric.ways()
        assert fabric.broken(ways) == {way for way in ways if way.family == 6}


def test_one_bad_pair(fabric):
    with fabric.fault("lost", "--from", "node-1", "--to", "node-2"):
        ways = fabric.ways(local=True)
        assert {(way.entry, way.backend) for way in fabric.broken(ways)} == {(1, 2), (2, 1)}  # replies take the way back


SEND = """import socket, sys
channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
channel.bind((sys.argv[1], 0))
channel.sendto(b"x", (sys.argv[2], 9))
"""


def test_foreign_source_is_dropped_where_sources_are_checked(fabric):
    fabric.exec("node-1", "ip", "address", "add", "10.99.0.1/32", "dev", "lo")
    try:
        with fabric.fault("source", "--from", "node-1"):
            for source, dropped in ((fabric.address(1), 0), ("10.99.0.1", 1)):
                sent = fabric.exec("node-1", sys.executable, "-c", SEND, source, fabric.client_addresses[4])
                assert sent.returncode == 0, sent.stderr
                assert fabric.dropped() == dropped
    finally:
        fabric.exec("node-1", "ip", "address", "del", "10.99.0.1/32", "dev", "lo")


def test_node_without_power_is_lost_and_comes_back(fabric):
    ways = [Way(1, 2), Way(1, 3)]
    fabric.do("power-off", "node-2")
    assert fabric.broken(ways) == {Way(1, 2)}
    wait(lambda: not fabric.status()["nodes"][1]["ready"])
    fabric.do("power-on", "node-2")
    fabric.wait_reached(fabric.ways(local=True))


def test_node_that_is_cut_off_is_on_and_unreachable(fabric):
    fabric.do("link", "node-3", "down")
    assert fabric.broken([Way(1, 3), Way(1, 2)]) == {Way(1, 3)}
    assert fabric.status()["nodes"][2]["pid"]
    fabric.do("link", "node-3", "up")
    fabric.wait_reached(fabric.ways(local=True))
