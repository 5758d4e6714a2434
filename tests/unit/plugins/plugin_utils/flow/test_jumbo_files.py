# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.op_routes import Routes
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import jumbo_files
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change.test_op_routes import Room
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.rooms import segment  # noqa: F401  pylint: disable=unused-import
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model

FREE = {"eth1": ["192.0.2.0/24", "192.0.2.2"]}


def persisted(facts=None, **device):
    return jumbo_files.persisted(Host("node-1", facts or model.facts()), [{"name": "eth1", "mtu": 1500, **device}], 9000, FREE)


def contents(ops):
    return {op["path"]: op["content"] for op in ops if op["kind"] == "file"}


def test_networkd_gets_a_drop_in_beside_the_file_of_the_device():
    ops, by_hand = persisted(managed_by="systemd-networkd", network_file="/run/systemd/network/10-a.network")
    assert by_hand == []
    assert contents(ops)["/etc/systemd/network/10-a.network.d/fastpath-jumbo-mtu.conf"].endswith("[Link]\nMTUBytes=9000\n")


def test_ifupdown_gets_scripts_that_only_look_at_their_device(tmp_path):
    ops, by_hand = persisted(managed_by="ifupdown")
    assert by_hand == [] and [op["mode"] for op in ops if "/etc/network/" in str(op.get("path"))] == ["0755", "0755"]
    script = contents(ops)["/etc/network/if-pre-up.d/fastpath-jumbo-mtu"]
    (tmp_path / "ip").write_text("#!/bin/sh\necho ip $*\n")
    (tmp_path / "ip").chmod(0o755)
    for name, said in (("eth1", "ip link set dev eth1 mtu 9000\n"), ("eth11", "")):
        done = subprocess.run(["sh", "-eu", "-c", script], env={"PATH": f"{tmp_path}:/bin:/usr/bin", "IFACE": name}, check=True,
                              capture_output=True, text=True)
        assert done.stdout == said


@pytest.mark.parametrize("facts, device, words", [
    ({"network": {"netplan": True}}, {"managed_by": "systemd-networkd", "network_file": "/run/systemd/network/10-netplan-eth1.network"},
     "put mtu: 9000 below eth1"),
    ({}, {"managed_by": "NetworkManager"}, "802-3-ethernet.mtu 9000"),
    ({}, {"managed_by": None}, "wherever it is configured"), ({}, {"managed_by": "systemd-networkd"}, "on node-1"),
])
def test_for_others_it_is_told_what_to_do(facts, device, words):
    ops, by_hand = persisted(model.facts(**facts), **device)
    assert words in by_hand[0] and len(by_hand) == 1
    assert set(contents(ops)) == {"/etc/fastpath-cilium/jumbo-mtu", "/etc/systemd/system/fastpath-jumbo-mtu.service"}


def test_after_a_boot_the_script_brings_the_routes_that_the_op_had_brought(segment, tmp_path):  # noqa: F811
    segment.ip("a", "link", "set", "eth1", "mtu", "9000")
    segment.ip("a", "route", "add", "default", "via", "192.0.2.254")
    segment.ip("a", "route", "add", "198.51.100.0/24", "via", "192.0.2.2")
    segment.ip("a", "route", "add", "203.0.113.0/24", "via", "192.0.2.3", "table", "7", "metric", "5")
    segment.ip("a", "route", "add", "10.0.0.0/8", "dev", "eth1", "mtu", "1400")
    script = tmp_path / "script"
    script.write_text(contents(persisted(managed_by="ifupdown")[0])["/etc/fastpath-cilium/jumbo-mtu"])
    room = segment.names["a"]
    subprocess.run(["ip", "netns", "exec", room, "sh", "-eu", str(script)], check=True)
    op = Routes({"kind": "routes", "device": "eth1", "mtu": 1500, "free": FREE["eth1"]}, Room(room))
    found = op.read()
    assert op.holds(found)
    assert {words.split()[0]: mtu for words, mtu in found["routes"].items()} == {
        "default": "1500", "192.0.2.0/24": None, "198.51.100.0/24": None, "203.0.113.0/24": "1500", "10.0.0.0/8": "1400"}
    assert segment.inside("a", lambda: open("/proc/sys/net/ipv6/conf/eth1/mtu", encoding="utf-8").read()) == "1500\n"
