# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the roles leave behind, as the machine's own tools show it."""
from __future__ import annotations

import time

import pytest


def test_tuned_runs_our_profile_and_leaves_what_cilium_needs(host):
    assert "fastpath-network-latency" in host.check_output("tuned-adm active")
    assert host.sysctl("net.core.busy_poll") == 50
    assert host.file("/etc/sysctl.d/99-zzz-fastpath-cilium.conf").exists is False, "no node of a cluster is known here"


def test_the_kernel_is_not_preempted_now_nor_after_a_boot(host):
    assert "(none)" in host.check_output("cat /sys/kernel/debug/sched/preempt")
    assert "preempt=none" in host.check_output("grep -m1 'linux.*vmlinuz' /boot/grub/grub.cfg")


@pytest.mark.parametrize("cpu", [0, 1])
def test_cpus_run_at_full_clock(host, cpu):
    folder = f"/sys/devices/system/cpu/cpu{cpu}/cpufreq"
    assert host.check_output(f"cat {folder}/scaling_governor") == "performance"
    assert host.check_output(f"cat {folder}/energy_performance_preference") == "performance"
    assert host.service("fastpath-cpu-performance").is_enabled


def test_each_queue_of_a_nic_is_served_by_one_cpu(host):
    lines = [line.split() for line in host.check_output("cat /proc/interrupts").splitlines()]
    queues = [(line[0].rstrip(":"), line[-1]) for line in lines if line and ("-input." in line[-1] or "-output." in line[-1])]
    assert len(queues) >= 8
    for number, name in queues:
        assert host.check_output(f"cat /proc/irq/{number}/smp_affinity_list") in ("0", "1"), name
    assert not host.service("irqbalance").is_running and not host.service("irqbalance").is_enabled


def irq_of(host, ending: str) -> str:
    lines = host.check_output("cat /proc/interrupts").splitlines()
    return next(line.split(":")[0].strip() for line in lines if line.endswith(ending))


def test_the_script_for_the_next_boot_places_what_was_moved_away(host):
    path = f"/proc/irq/{irq_of(host, '-input.1')}/smp_affinity_list"
    wanted = host.check_output(f"cat {path}")
    host.run_expect([0], f"sudo sh -c 'echo 0-1 >{path}'")
    assert host.check_output(f"cat {path}") == "0-1"
    host.run_expect([0], "sudo systemctl start fastpath-irq-affinity.service")
    assert host.check_output(f"cat {path}") == wanted


def test_the_rule_starts_it_when_queues_are_made_anew(host):
    """Watched by an interrupt of the other NIC: the driver places those of the new queues itself."""
    path = f"/proc/irq/{irq_of(host, 'virtio2-input.0')}/smp_affinity_list"
    wanted = host.check_output(f"cat {path}")
    host.run_expect([0], f"sudo sh -c 'echo 0-1 >{path}'")
    assert host.check_output(f"cat {path}") == "0-1"
    for count in (1, 2):
        host.run_expect([0], f"sudo ethtool -L eth1 combined {count}")
    for _second in range(60):
        if host.check_output(f"cat {path}") == wanted:
            return
        time.sleep(1)
    raise AssertionError("the interrupt was not placed again")
