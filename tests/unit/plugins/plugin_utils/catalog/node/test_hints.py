# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Host tunings that are judged and not applied."""
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model


def test_jumbo_frames_are_asked_of_the_nic_and_of_what_lies_on_it():
    vlan = {"name": "eth0.7", "kind": "vlan", "state": "up", "addresses": ["192.0.2.1/24"], "real": ["eth0"], "mtu": 1500}
    found = model.facts(devices=[model.nic(mtu=9000, addresses=[]), vlan])
    verdict = model.judged("jumbo_mtu", found)
    assert verdict["state"] == "DRIFT" and "eth0.7 is 1500, wanted 9000" in verdict["reason"]
    assert "ping -M do" in verdict["way_out"]
    vlan["mtu"] = 9000
    assert model.judged("jumbo_mtu", found)["state"] == "OK"


def test_a_nic_that_does_not_carry_the_size():
    verdict = model.judged("jumbo_mtu", model.facts(devices=[model.nic(mtu_max=3498)]))
    assert verdict["state"] == "BLOCKED" and "eth0 up to 3498" in verdict["reason"] and "{mtu: 3498}" in verdict["way_out"]


def test_jumbo_frames_are_not_applied():
    assert model.planned("jumbo_mtu", model.facts())["hosts"] == {}


@pytest.mark.parametrize("release, waiting", [
    ("5.4.0-150-generic", {"host_routing", "bbr", "ipv6_big_tcp", "ipv4_big_tcp"}),
    ("6.2.0-26-generic", {"ipv4_big_tcp", "netkit"}),
])
def test_a_kernel_is_said_to_be_waited_for_by_name(release, waiting):
    verdict = model.judged("kernel_upgrade", model.changed(model.facts(), "kernel.release", release))
    missing = {setting["what"].rpartition(" ")[2] for setting in verdict["settings"] if not setting["in_place"]}
    assert verdict["state"] == "DRIFT" and waiting <= missing
    newest = model.judged("kernel_upgrade", model.changed(model.facts(), "kernel.release", "7.1.0"))
    assert newest["state"] == "OK"


@pytest.mark.parametrize("provider_id, words", [
    ("aws:///eu-central-1a/i-0abc", "--instance-id i-0abc"),
    ("azure:///subscriptions/x", "--ip-forwarding true"),
    ("gce://project/zone/name", "--can-ip-forward"),
    ("openstack:///uuid", "--allowed-address"),
])
def test_what_a_cloud_has_to_be_told(provider_id, words):
    verdict = model.judged("source_dest_check", model.facts(), node={**model.NODE, "provider_id": provider_id})
    assert verdict["state"] == "UNKNOWN" and words in verdict["way_out"]


def test_without_a_cloud_nothing_checks():
    assert model.judged("source_dest_check", model.facts())["state"] == "NOT_APPLICABLE"
    by_firmware = model.facts(cloud={"provider": "aws", "evidence": "sys_vendor"})
    assert "modify-instance-attribute" in model.judged("source_dest_check", by_firmware)["way_out"]
