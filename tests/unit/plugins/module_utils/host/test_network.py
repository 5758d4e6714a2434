# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import network
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import device, facts_of


@pytest.mark.parametrize("model, name, manager, netplan", [
    ("connectx", "ens1f0np0", "systemd-networkd", True), ("ice", "ens2f0", "NetworkManager", False),
    ("i40e", "enp24s0f0", "ifupdown", False), ("ena", "ens5", None, False)])
def test_who_configures_a_device(tmp_path, model, name, manager, netplan):
    facts = facts_of(tmp_path, model)
    assert device(facts, name)["managed_by"] == manager and facts["network"]["netplan"] is netplan

    path = device(facts, name)["network_file"]
    assert (path or "").endswith(".network") == (manager == "systemd-networkd")


def test_services(tmp_path):
    assert facts_of(tmp_path, "ice")["network"]["units"] == {
        "NetworkManager": {"active": True, "enabled": True}, "systemd-networkd": {"active": False, "enabled": False},
        "networking": {"active": False, "enabled": False}}


@pytest.mark.parametrize("name, content", [
    ("run/NetworkManager/devices/2", "[device]\nmanaged=false\n"), ("run/systemd/netif/links/2", "ADMIN_STATE=unmanaged\n"),
    ("run/systemd/netif/links/2", "ADMIN_STATE=configured\n"), ("run/network/ifstate", "eth00=eth00\n")])
def test_a_device_that_is_only_known_is_not_managed(tmp_path, name, content):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(content)
    assert network.manager(Root(str(tmp_path)), "eth0", 2) is None
