# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Larger packets within the segment and nowhere else, now and after a boot."""
from __future__ import annotations


def test_the_device_carries_it(host):
    assert host.check_output("cat /sys/class/net/eth1/mtu") == "9000"
    assert host.check_output("cat /sys/class/net/eth0/mtu") == "1500"


def test_full_size_packets_go_between_the_machines_in_one_piece(host):
    other = {"vm1": "192.168.77.2", "vm2": "192.168.77.1"}[host.check_output("hostname")]
    assert host.run(f"ping -c 3 -i 0.5 -W 20 -M do -s 8972 {other}").rc == 0
    assert "mtu" not in host.check_output(f"ip route get {other}")


def test_what_leaves_the_segment_keeps_its_size(host):
    assert "mtu 1500" in host.check_output("ip route show 198.51.100.0/24")
    assert host.run("ping -c 1 -W 1 -M do -s 1473 198.51.100.1").rc != 0
    assert host.check_output("cat /proc/sys/net/ipv6/conf/eth1/mtu") == "1500"


def test_it_is_written_down(host):
    assert host.service("fastpath-jumbo-mtu").is_enabled
    name = host.check_output("hostname")
    path = {"vm1": "/etc/systemd/network/20-eth1.network.d/fastpath-jumbo-mtu.conf", "vm2": "/etc/network/if-pre-up.d/fastpath-jumbo-mtu"}
    assert "9000" in host.check_output(f"cat {path[name]}")
