# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import jumbo
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model

NETWORKD = {"managed_by": "systemd-networkd", "network_file": "/etc/systemd/network/20-eth0.network"}


def host(number, devices=None, **changes):
    """A host at 192.0.2.<number>."""
    nic = model.nic(addresses=[f"192.0.2.{number}/24"], **{**NETWORKD, **changes})
    return Host(f"node-{number}", model.facts(devices=[nic] if devices is None else devices))


def plan(*hosts, segment=None, size=9000, by_hand=False):
    return jumbo.plan(hosts, segment, size, by_hand)


def error(*hosts, **arguments):
    with pytest.raises(jumbo.JumboError) as found:
        plan(*hosts, **arguments)
    return str(found.value)


def test_devices_are_raised_behind_routes_that_keep_the_size_and_let_go_for_the_segment_alone():
    made = plan(host(1), host(2))
    one = made["hosts"]["node-1"]
    assert made["segment"] == "192.0.2.0/24" and (one["address"], one["device"], one["peers"]) == ("192.0.2.1", "eth0", ["192.0.2.2"])
    assert one["raise"] == [{"kind": "routes", "device": "eth0", "mtu": 1500}, {"kind": "link", "device": "eth0", "mtu": 9000}]
    assert one["free"][0] == {"kind": "routes", "device": "eth0", "mtu": 1500, "free": ["192.0.2.0/24", "192.0.2.2"],
                              "cuts_off": True}
    assert all(op["persist"] for op in one["free"][1:]) and not any(op.get("persist") for op in one["raise"])


def test_ipv6_is_set_back_behind_the_device_that_takes_it_along():
    loopback = {"name": "lo", "kind": "loopback", "mtu": 65536, "addresses": ["127.0.0.1/8", "::1/128"]}
    one = plan(host(1, devices=[model.nic(addresses=["192.0.2.1/24"], **NETWORKD), loopback]), host(2))["hosts"]["node-1"]
    assert one["raise"][-1] == {"kind": "value", "path": "/proc/sys/net/ipv6/conf/eth0/mtu", "value": "1500"}
    assert [op["kind"] for op in one["raise"]] == ["routes", "link", "value"]


def test_a_vlan_on_a_bond_is_raised_from_the_bottom():
    ports = [model.nic(name, addresses=[], **NETWORKD) for name in ("eth0", "eth1")]
    bond = {"name": "bond0", "kind": "bond", "mtu": 1500, "lowers": ["eth0", "eth1"], "addresses": ["198.51.100.1/24"], **NETWORKD}
    vlan = {"name": "bond0.7", "kind": "vlan", "mtu": 1500, "lowers": ["bond0"], "addresses": ["192.0.2.1/24"], **NETWORKD}
    one = plan(host(1, devices=[vlan, bond, *ports]), host(2))["hosts"]["node-1"]
    by_kind = {kind: [op["device"] for op in one["raise"] if op["kind"] == kind] for kind in ("routes", "link")}
    assert by_kind == {"routes": ["eth0", "eth1", "bond0", "bond0.7"], "link": ["eth0", "eth1", "bond0", "bond0.7"]}
    assert [op["device"] for op in one["free"] if op["kind"] == "routes"] == ["bond0.7"], "the bond's own network stays"


def test_who_has_the_size_already_is_only_asked():
    made = plan(host(1, mtu=9000), host(2))["hosts"]
    assert made["node-1"]["raise"] == made["node-1"]["free"] == [] and made["node-2"]["raise"]
    assert made["node-1"]["peers"] == ["192.0.2.2"]


def test_the_segment_is_the_one_network_that_all_share_or_has_to_be_said():
    second = model.nic("eth1", addresses=["198.51.100.1/24"])
    two = [host(n, devices=[model.nic(addresses=[f"192.0.2.{n}/24"], **NETWORKD),
                            {**second, "addresses": [f"198.51.100.{n}/24"]}]) for n in (1, 2)]
    assert "192.0.2.0/24, 198.51.100.0/24" in error(*two) and "jumbo_mtu_segment" in error(*two)
    assert plan(*two, segment="192.0.2.0/24")["segment"] == "192.0.2.0/24"
    assert "no IPv4 network" in error(*two, segment="node-1")


@pytest.mark.parametrize("hosts, words", [
    ([host(1)], "at least two hosts"),
    ([host(1), Host("node-2", {})], "devices of node-2 are not known"),
    ([host(1), host(1, mtu=1500), host(2)], "both have 192.0.2.1"),
    ([host(1), host(2, mtu_max=1500)], "carries 1500 bytes at most"),
    ([host(1), host(2, kind="bridge", link_kind="bridge")], "eth0 of node-2 is a bridge"),
    ([host(1), host(2, mtu=None)], "The MTU of eth0 of node-2 is not known"),
    ([host(1), Host("node-2", model.facts(devices=[model.nic("a$(reboot)", addresses=["192.0.2.2/24"])]))], "cannot stand in a script"),
    ([host(1), Host("node-2", model.facts(container="docker"))], "It is a container"),
])
def test_what_cannot_be_begun_is_told(hosts, words):
    if words.startswith("both"):
        hosts[1].name = "node-9"
    assert words in error(*hosts, segment="192.0.2.0/24")


def test_a_host_without_an_address_there_is_told():
    other = host(3, devices=[model.nic(addresses=["198.51.100.3/24"], **NETWORKD)])
    assert "node-3 has no address in 192.0.2.0/24" in error(host(1), other, segment="192.0.2.0/24")


@pytest.mark.parametrize("garbled", [None, [], {"schema": 1, "devices": "x"}, {"schema": 1, "devices": [None, {"name": 7}]},
                                     {"schema": 1, "devices": [{"name": "eth0", "addresses": ["x", 7, "::1/64"], "lowers": 3}]}])
def test_garbled_facts_are_one_sentence(garbled):
    assert error(host(1), Host("node-2", garbled), segment="192.0.2.0/24")


def test_what_would_be_lost_with_a_boot_is_not_begun_unless_it_is_seen_to():
    manual = host(2, managed_by="NetworkManager", network_file=None)
    assert "on node-2, nmcli connection modify" in error(host(1), manual) and "jumbo_mtu_by_hand" in error(host(1), manual)
    assert plan(host(1), manual, by_hand=True)["hosts"]["node-2"]["by_hand"]


def test_each_pair_and_direction_that_failed_is_named():
    hosts = plan(host(1), host(2), host(3))["hosts"]
    fine = {name: {"targets": {peer: "carried" for peer in way["peers"]}} for name, way in hosts.items()}
    assert jumbo.failed_pairs(hosts, fine) == []
    fine["node-1"]["targets"]["192.0.2.2"] = "lost"
    fine["node-2"]["targets"] = {"192.0.2.1": "silent"}
    fine["node-3"] = {"msg": "unreachable"}
    assert jumbo.failed_pairs(hosts, fine) == [
        "node-1 to node-2: large packets are lost on the way.",
        "node-2 to node-1: pings get no answer, so nothing is proven.", "node-2 to node-3: it was not asked.",
        "node-3 could not be asked."]
