# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What host_info says, beside what ip, ethtool, tuned-adm, systemctl and the kernel's own files say."""
from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

CPUFREQ = "/sys/devices/system/cpu/cpufreq"
NICS = ["eth0", "eth1"]


@pytest.fixture(scope="module")
def facts(host) -> dict:
    name = host.backend.get_hostname()
    path = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / f"facts-{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def links(host) -> dict:
    shown = json.loads(host.check_output("ip -json -details address"))
    return {link["ifname"]: link for link in shown}


def device(facts: dict, name: str) -> dict:
    return next(entry for entry in facts["devices"] if entry["name"] == name)


def read(host, path: str) -> str:
    return host.check_output(f"cat {path}")


def test_root_reads_everything(facts):
    # Emulated on a busy machine, tuned's own programs may not be done in the time they are given.
    assert [entry for entry in facts["unread"] if entry["class"] != "timeout" or not entry["what"].startswith("tuned/")] == []


def test_host_is_the_one_it_is(host, facts):
    assert facts["boot_id"] == read(host, "/proc/sys/kernel/random/boot_id")
    assert facts["hostname"] == host.check_output("hostname")
    assert facts["kernel"]["release"] == host.check_output("uname -r")
    assert facts["os"]["id"] == "debian" and facts["os"]["version_id"] == "12"


def test_kernel_preempts_as_the_boot_asked_for(host, facts):
    offered = read(host, "/sys/kernel/debug/sched/preempt").split()
    live = next(word.strip("()") for word in offered if word.startswith("("))
    assert facts["preemption"]["live"] == live == "none"
    assert facts["preemption"]["available"] == [word.strip("()") for word in offered]
    assert facts["preemption"]["command_line"] == "none" and facts["preemption"]["dynamic"] is True
    assert facts["kernel"]["command_line"] == read(host, "/proc/cmdline").split()


def test_cpus(host, facts):
    assert facts["cpus"]["count"] == int(host.check_output("nproc --all"))
    assert facts["cpus"]["online"] == [0, 1] and facts["cpus"]["isolated"] == []


def test_clock_scaling(host, facts):
    policies = host.check_output(f"ls {CPUFREQ}").split()
    found = sorted(policy["policy"] for policy in facts["cpufreq"]["policies"])
    assert found == [name for name in policies if name.startswith("policy")]
    for policy in facts["cpufreq"]["policies"]:
        folder = f"{CPUFREQ}/{policy['policy']}"
        assert policy["driver"] == read(host, f"{folder}/scaling_driver") == "cpufreq_shim"
        assert policy["governor"] == read(host, f"{folder}/scaling_governor")
        assert sorted(policy["governors"]) == sorted(read(host, f"{folder}/scaling_available_governors").split())
        assert policy["epp"] == read(host, f"{folder}/energy_performance_preference")
        assert sorted(policy["epps"]) == sorted(read(host, f"{folder}/energy_performance_available_preferences").split())
        assert policy["hardware_max_khz"] == int(read(host, f"{folder}/cpuinfo_max_freq"))


def test_tuned_and_irqbalance(host, facts):
    assert facts["tuned"]["installed"] and facts["tuned"]["running"] and facts["tuned"]["enabled"]
    assert host.check_output("cat /etc/tuned/active_profile") == facts["tuned"]["active_profile"]
    assert facts["tuned"]["recommended"] in (None, host.check_output("tuned-adm recommend"))
    assert facts["irqbalance"]["active"] is host.service("irqbalance").is_running is True
    assert facts["irqbalance"]["enabled"] is host.service("irqbalance").is_enabled is True


@pytest.mark.parametrize("name", NICS)
def test_device(host, facts, links, name: str):
    found, link = device(facts, name), links[name]
    assert found["driver"] == "virtio_net" and found["kind"] == "physical"
    assert (found["mac"], found["mtu"], found["mtu_min"], found["mtu_max"]) == \
        (link["address"], link["mtu"], link["min_mtu"], link["max_mtu"])
    expected = {f"{entry['local']}/{entry['prefixlen']}" for entry in link["addr_info"]}
    assert set(found["addresses"]) == expected
    assert found["managed_by"] == "systemd-networkd"
    assert found["xdp"]["attached"] is None


def test_jumbo_mtu_was_seen(facts):
    assert device(facts, "eth1")["mtu"] == 9000


@pytest.mark.parametrize("name", NICS)
def test_queues(host, facts, name: str):
    shown = re.findall(r"^Combined:\s+(\d+)", host.check_output(f"ethtool -l {name}"), re.MULTILINE)
    combined = device(facts, name)["queues"]["channels"]["combined"]
    assert [combined["max"], combined["current"]] == [int(number) for number in shown]


@pytest.mark.parametrize("name", NICS)
def test_interrupts_are_those_of_the_parent_device(host, facts, name: str):
    virtio = host.check_output(f"basename $(readlink /sys/class/net/{name}/device)")
    table = re.findall(rf"^\s*(\d+):.*\s({virtio}-\S+)$", read(host, "/proc/interrupts"), re.MULTILINE)
    irqs = device(facts, name)["irqs"]
    assert {(entry["irq"], entry["name"]) for entry in irqs} == {(int(number), label) for number, label in table}
    for entry in irqs:
        assert entry["affinity"] == cpus(read(host, f"/proc/irq/{entry['irq']}/smp_affinity_list"))


def cpus(text: str) -> list[int]:
    ends = [[int(number) for number in part.split("-")] for part in text.split(",")]
    return [cpu for end in ends for cpu in range(end[0], end[-1] + 1)]


def test_queueing_disciplines(host, facts):
    shown = json.loads(host.check_output("tc -json qdisc show"))
    for name in NICS:
        root = next(entry["kind"] for entry in shown if entry["dev"] == name and entry.get("root"))
        assert device(facts, name)["qdisc"]["root"] == root


def test_sysctls(host, facts):
    there = {name: text for name, text in facts["sysctl"].items() if text is not None}
    assert len(there) > 10
    shown = host.check_output("sysctl " + " ".join(there))
    real = dict(line.split(" = ", 1) if " = " in line else (line.rstrip(" ="), "") for line in shown.splitlines())
    assert {name: text.split() for name, text in there.items()} == {name: text.split() for name, text in real.items()}


def test_boot_loader_and_platform(host, facts):
    assert (facts["boot_loader"]["kind"], facts["boot_loader"]["efi"]) == ("grub2", False)
    assert facts["virtualization"] == host.run("systemd-detect-virt --vm").stdout.strip()
    assert facts["container"] is None and facts["cloud"] is None


def test_network_is_kept_by_networkd(facts):
    assert facts["network"]["units"]["systemd-networkd"] == {"active": True, "enabled": True}
    assert facts["network"]["netplan"] is False
