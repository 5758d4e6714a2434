# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import devices
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Unread
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import device, facts_of, root_of


def test_a_connectx(tmp_path):
    found = device(facts_of(tmp_path, "connectx"), "ens1f0np0")
    expected = {
        "index": 2, "kind": "physical", "link_kind": None, "driver": "mlx5_core", "firmware": "16.35.2000 (MT_0000000080)",
        "bus_address": "0000:3b:00.0", "numa_node": 0, "local_cpus": [0, 1, 2, 3], "mtu": 1500, "mtu_min": 68,
        "mtu_max": 9978,
        "speed": 25000, "state": "up", "carrier": True, "addresses": ["192.0.2.11/24", "2001:db8::11/64"], "master": None,
        "lowers": [], "uppers": [], "real": ["ens1f0np0"], "rp_filter": 1, "forwarding": 1, "mac": "02:00:00:00:00:02",
        "xdp": {"attached": "native", "programs": [42]}, "qdisc": {"root": "mq", "leaves": {"fq_codel": 4},
                                                                   "others": ["clsact"]},
        "queues": {"rx": 4, "tx": 4, "channels": {"combined": {"current": 4, "max": 8}}},
        "rings": {"rx": {"current": 1024, "max": 8192}, "tx": {"current": 1024, "max": 8192}}, "offloads_fixed": []}
    assert {key: found[key] for key in expected} == expected
    assert found["offloads"]["rx-lro"] is False and found["offloads"]["rx-gro"] is True


def test_a_vlan_over_a_bond_stands_on_both_ports(tmp_path):
    facts = facts_of(tmp_path, "bond")
    vlan, bond, port = (device(facts, name) for name in ("bond0.100", "bond0", "ens1f1np1"))
    assert (vlan["kind"], vlan["vlan"], vlan["lowers"], vlan["real"]) == ("vlan", 100, ["bond0"], ["ens1f0np0", "ens1f1np1"])
    assert (bond["kind"], bond["uppers"], bond["bond"]) == ("bond", ["bond0.100"],
                                                            {"mode": "802.3ad", "ports": ["ens1f0np0", "ens1f1np1"]})
    assert (port["master"], port["uppers"], port["mtu"]) == ("bond0", ["bond0"], 9000)
    assert facts["unread"] == []


def test_the_hosts_ends_of_pods_are_told_in_short(tmp_path):
    facts = facts_of(tmp_path, "bond")
    assert device(facts, "lxc12ab34cd56ef") == {
        "name": "lxc12ab34cd56ef", "index": 8, "kind": "veth", "link_kind": "veth", "mtu": 1500, "state": "up",
        "master": None,
        "xdp": {"attached": None, "programs": []}, "rp_filter": 2, "qdisc": {"root": "noqueue", "leaves": {}, "others": []}}
    assert device(facts, "cilium_vxlan")["kind"] == "virtual"


def test_a_virtual_function_names_its_physical_one(tmp_path):
    facts = facts_of(tmp_path, "ice")
    assert (device(facts, "ens2f0v0")["kind"], device(facts, "ens2f0v0")["physical_function"]) == ("vf", "0000:5e:00.0")
    assert (device(facts, "ens2f0")["vfs"], device(facts, "ens2f0")["physical_function"]) == (1, None)


def test_virtio_stands_on_a_pci_device(tmp_path):
    found = device(facts_of(tmp_path, "virtio"), "eth0")
    assert (found["driver"], found["bus_address"]) == ("virtio_net", "0000:00:03.0")
    assert found["speed"] is found["numa_node"] is None
    assert found["offloads_fixed"] == ["highdma"] and found["offloads"]["rx-gro-hw"] is True


def test_numa_nodes_of_two_devices(tmp_path):
    facts = facts_of(tmp_path, "two_nodes")
    assert [device(facts, name)["numa_node"] for name in ("ens1f0np0", "ens4f0np0")] == [0, 1]


def test_the_loopback(tmp_path):
    found = device(facts_of(tmp_path, "connectx"), "lo")
    assert (found["kind"], found["irqs"], found["rings"]) == ("loopback", [], None)
    assert found["addresses"] == ["127.0.0.1/8", "::1/128"]


def test_without_netlink_sys_tells_what_it_can(tmp_path):
    root, unread = root_of(tmp_path, "bond"), Unread()
    for kind in (18, 22, 38):
        (tmp_path / f".answers/netlink/{kind}").unlink()
    found = {entry["name"]: entry for entry in devices.read(root, unread)}
    assert (found["bond0.100"]["kind"], found["bond0.100"]["real"]) == ("vlan", ["ens1f0np0", "ens1f1np1"])
    assert (found["bond0"]["mtu"], found["bond0"]["mtu_max"], found["bond0"]["addresses"],
            found["bond0"]["xdp"]) == (9000, None, None, None)
    assert {entry["what"] for entry in unread.entries} == {"devices/links", "devices/addresses", "devices/qdiscs"}


def test_a_sys_of_another_network_namespace_is_found_out(tmp_path):
    root, unread = root_of(tmp_path, "connectx"), Unread()
    other = root_of(tmp_path / "other", "ena")
    (tmp_path / ".answers/netlink/18").write_bytes((tmp_path / "other/.answers/netlink/18").read_bytes())
    found = {entry["name"]: entry for entry in devices.read(root, unread)}
    assert other.there("/sys/class/net/ens5") and found["ens1f0np0"]["xdp"] is found["ens1f0np0"]["mtu_max"] is None
    assert [(entry["what"], entry["class"]) for entry in unread.entries] == [
        ("devices/ens1f0np0", "conflict"), ("devices/ens5", "conflict")]


@pytest.mark.parametrize("name, content, what", [
    ("mtu", "large\n", None), ("carrier", "maybe\n", "carrier"), ("speed", "fast\n", "speed"),
    ("queues/rx-0/rps_cpus", "zz\n", "rps"), ("queues/rx-0/rps_flow_cnt", "x\n", "rfs"),
    ("queues/tx-1/xps_cpus", "-\n", "xps")])
def test_one_garbled_file_costs_one_fact(tmp_path, name, content, what):
    root, unread = root_of(tmp_path, "connectx"), Unread()
    (tmp_path / "sys/class/net/ens1f0np0" / name).write_text(content)
    found = {entry["name"]: entry for entry in devices.read(root, unread)}
    assert found["ens1f0np0"]["driver"] == "mlx5_core" and found["ens1f0np0"]["mtu"] == 1500
    assert [entry["what"] for entry in unread.entries] == ([f"devices/ens1f0np0/{what}"] if what else [])
