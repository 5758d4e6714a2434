# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the scenarios take for granted of a machine."""
from __future__ import annotations

import time

import pytest
import testinfra

CPUFREQ = "/sys/devices/system/cpu/cpu0/cpufreq"


def read(host, path: str) -> str:
    return host.file(path).content_string.strip()


def test_whole_system_is_up(host):
    assert host.run("systemctl is-system-running").stdout.strip() == "running"


def test_clock_is_right(host):
    assert abs(float(host.check_output("date +%s")) - time.time()) < 60


@pytest.mark.parametrize("unit", ["tuned", "irqbalance"])
def test_service_runs(host, unit: str):
    assert host.service(unit).is_running
    assert host.service(unit).is_enabled


def test_grub_made_its_own_menu_and_booted_by_it(host):
    command_line = read(host, "/proc/cmdline")
    assert "BOOT_IMAGE=/boot/vmlinuz-" in command_line
    menu = read(host, "/boot/grub/grub.cfg")
    assert "### BEGIN /etc/grub.d/10_linux ###" in menu
    wanted = command_line.split(" ", 1)[1]  # behind BOOT_IMAGE=...
    assert wanted in menu


def test_kernel_is_the_generic_one_with_its_modules(host):
    assert not host.check_output("uname -r").endswith("cloud-amd64")
    assert host.run("modprobe --dry-run --all bonding 8021q sch_netem sch_fq tcp_bbr").rc == 0


def test_preemption_is_dynamic(host):
    assert "(" in read(host, "/sys/kernel/debug/sched/preempt")


def test_governor_is_the_kernels_own(host):
    assert read(host, f"{CPUFREQ}/scaling_driver") == "cpufreq_shim"
    assert "performance" in read(host, f"{CPUFREQ}/scaling_available_governors").split()
    assert host.run("test -e /sys/devices/system/cpu/cpu1/cpufreq/scaling_governor").rc == 0


def test_card_on_the_segment_has_more_queues_than_cpus_and_uses_one_a_cpu(host):
    shown = host.check_output("ethtool -l eth1").split("Current hardware settings:")
    assert [combined(part) for part in shown] == [4, 2]
    assert host.check_output("nproc") == "2"


def combined(text: str) -> int:
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Combined:"))


def test_card_takes_jumbo_frames_and_has_none_yet(host):
    assert read(host, "/sys/class/net/eth1/mtu") == "1500"
    assert "maxmtu 65535" in host.check_output("ip -details link show eth1")


def test_machines_reach_each_other_on_the_segment(host):
    other = {"vm1": "vm2", "vm2": "vm1"}[host.check_output("hostname")]
    assert host.run(f"ping -c 3 -w 30 -I eth1 {other}").rc == 0


@pytest.mark.parametrize("path", ["/proc/sys/kernel/random/boot_id", "/etc/machine-id", "/sys/class/net/eth1/address"])
def test_machines_are_no_clones(host, path: str):
    others = testinfra.get_hosts(["vm1", "vm2"], connection="ssh", ssh_config=host.backend.ssh_config)
    assert len({read(other, path) for other in others}) == 2
