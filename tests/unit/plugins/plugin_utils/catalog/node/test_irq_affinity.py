# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import subprocess

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.node import _placement
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model


def cpus(count, numa=None, siblings=None, **more):
    found = list(range(count))
    return {"count": count, "online": found, "isolated": [], "nohz_full": [], "cpuset_isolated": [],
            "numa": numa or {"0": found}, "siblings": siblings or [[cpu] for cpu in found], **more}


def placed(found):
    """{device: [CPU of each queue]}"""
    ops = model.planned("irq_affinity", found)["hosts"]["node-1"]["ops"]
    names = {irq["irq"]: device["name"] for device in found["devices"] for irq in device["irqs"]}
    result = {}
    for op in ops:
        if op["kind"] == "irq_affinity":
            result.setdefault(names[op["irq"]], []).append(op["cpus"][0])
    return result


def test_one_queue_one_cpu_and_interrupts_that_serve_no_queue_stay():
    assert placed(model.facts()) == {"eth0": [0, 1, 2, 3]}


def test_irqbalance_is_stopped_first_and_for_good():
    ops = model.planned("irq_affinity", model.facts())["hosts"]["node-1"]["ops"]
    assert ops[0] == {"kind": "unit", "name": "irqbalance.service", "enabled": "disabled", "active": False}
    without = model.facts(irqbalance={"installed": False})
    assert "unit" not in model.planned("irq_affinity", without)["hosts"]["node-1"]["ops"][0]["kind"]


def test_the_cpus_of_the_nics_numa_node_are_taken():
    found = model.facts(cpus=cpus(8, {"0": [0, 1, 2, 3], "1": [4, 5, 6, 7]}), devices=[model.nic(cpus=8, numa_node=1)])
    assert placed(found) == {"eth0": [4, 5, 6, 7]}


def test_isolated_cpus_are_left_alone_and_another_node_is_better_than_none():
    numa = {"0": [0, 1, 2, 3], "1": [4, 5, 6, 7]}
    found = model.facts(cpus=cpus(8, numa, isolated=[5], nohz_full=[6]), devices=[model.nic(cpus=8, numa_node=1)])
    assert placed(found) == {"eth0": [4, 7, 4, 7]}
    found = model.facts(cpus=cpus(8, numa, isolated=[4, 5, 6, 7]), devices=[model.nic(cpus=8, numa_node=1)])
    assert placed(found) == {"eth0": [0, 1, 2, 3]}


def test_one_thread_of_each_core_comes_first():
    found = model.facts(cpus=cpus(8, siblings=[[0, 4], [1, 5], [2, 6], [3, 7]]), devices=[model.nic(queues=6, cpus=8)])
    assert placed(found) == {"eth0": [0, 1, 2, 3, 4, 5]}


def test_more_queues_than_cpus_go_round_and_it_is_said():
    found = model.facts(devices=[model.nic(queues=6)])
    assert placed(found) == {"eth0": [0, 1, 2, 3, 0, 1]}
    assert "more queues" in model.judged("irq_affinity", found)["notes"][0]


def test_two_nics_do_not_meet_on_the_first_cpus():
    bond = {"name": "bond0", "kind": "bond", "state": "up", "addresses": ["192.0.2.1/24"], "real": ["eth0", "eth1"], "irqs": []}
    ports = [model.nic("eth0", 2, addresses=[]), model.nic("eth1", 2, addresses=[])]
    for number, irq in enumerate(ports[1]["irqs"]):
        irq["irq"] = 200 + number
    assert placed(model.facts(devices=[bond, *ports])) == {"eth0": [0, 1], "eth1": [2, 3]}


def test_a_queue_of_two_interrupts_is_served_by_one_cpu():
    nic = model.nic(queues=2)
    nic["irqs"] = [model.irq(10, 0, [0, 1]), model.irq(11, 0, [0, 1]), model.irq(12, 1, [0, 1]), model.irq(13, 1, [0, 1])]
    for irq, name in zip(nic["irqs"], ("rx-0", "tx-0", "rx-1", "tx-1")):
        irq["name"] = name
    assert placed(model.facts(devices=[nic])) == {"eth0": [0, 0, 1, 1]}


@pytest.mark.parametrize("cpu, text", [([0], "1"), ([31], "80000000"), ([32], "1,00000000"), ([70, 1], "40,00000000,00000002")])
def test_masks_are_words_of_32_cpus(cpu, text):
    assert _placement.mask(cpu) == text


def test_senders_follow_their_queue():
    ops = model.planned("irq_affinity", model.facts())["hosts"]["node-1"]["ops"]
    assert {"kind": "value", "path": "/sys/class/net/eth0/queues/tx-2/xps_cpus", "value": "4", "compare": "mask"} in ops
    single = model.facts(devices=[model.nic(queues=1)])
    assert not [op for op in model.planned("irq_affinity", single)["hosts"]["node-1"]["ops"] if "xps" in str(op.get("path"))]


@pytest.mark.parametrize("changes, state", [
    ({"devices": []}, "NOT_APPLICABLE"),
    ({"cpus": cpus(1)}, "NOT_APPLICABLE"),
    ({"devices": [model.nic(irqs=[])]}, "NOT_APPLICABLE"),
    ({"devices": [model.nic(irqs=None)]}, "UNKNOWN"),
    ({"devices": None}, "UNKNOWN"),
    ({"container": "docker"}, "NOT_APPLICABLE"),
])
def test_where_there_is_nothing_to_pin(changes, state):
    verdict = model.judged("irq_affinity", model.facts(**changes))
    assert verdict["state"] == state and verdict["way_out"] or state == "NOT_APPLICABLE"


def test_the_script_for_the_next_boot_does_what_was_done_now(tmp_path):
    ops = model.planned("irq_affinity", model.facts())["hosts"]["node-1"]["ops"]
    script = next(op["content"] for op in ops if op.get("path") == "/etc/fastpath-cilium/irq-affinity")
    for number in range(4):
        # The numbers are other ones than when it was written.
        (tmp_path / f"proc/irq/{300 + number}/eth0-TxRx-{number}").mkdir(parents=True)
        (tmp_path / f"proc/irq/{300 + number}/smp_affinity_list").write_text("0-3\n")
        (tmp_path / f"sys/class/net/eth0/queues/tx-{number}").mkdir(parents=True)
        (tmp_path / f"sys/class/net/eth0/queues/tx-{number}/xps_cpus").write_text("0\n")
    here = script.replace("/proc/", f"{tmp_path}/proc/").replace("=/sys/", f"={tmp_path}/sys/")
    subprocess.run(["sh", "-eu", "-c", here], check=True)
    assert [(tmp_path / f"proc/irq/{300 + number}/smp_affinity_list").read_text() for number in range(4)] == ["0\n", "1\n", "2\n", "3\n"]
    masks = [(tmp_path / f"sys/class/net/eth0/queues/tx-{number}/xps_cpus").read_text() for number in range(4)]
    assert masks == ["1\n", "2\n", "4\n", "8\n"]


def test_a_name_that_a_shell_could_mistake_is_not_written_into_the_script():
    nic = model.nic(queues=1)
    nic["irqs"][1]["name"] = "eth0 $(reboot)"
    ops = model.planned("irq_affinity", model.facts(devices=[nic]))["hosts"]["node-1"]["ops"]
    assert not [op for op in ops if "reboot" in str(op.get("content"))]


def test_the_unit_runs_anew_with_each_queue_that_is_made_and_waits_for_its_interrupt():
    contents = {op["path"]: op["content"] for op in model.planned("irq_affinity", model.facts())["hosts"]["node-1"]["ops"]
                if op["kind"] == "file"}
    rule = contents["/etc/udev/rules.d/99-fastpath-irq-affinity.rules"].splitlines()[1]
    # What udev says of a queue: a device of no class, below its network device. A start would be lost while the unit runs.
    assert rule == ('ACTION=="add", SUBSYSTEM=="queues", DEVPATH=="*/net/eth0/queues/*", '
                    'RUN+="/bin/systemctl --no-block restart fastpath-irq-affinity.service"')
    unit = contents["/etc/systemd/system/fastpath-irq-affinity.service"].splitlines()
    assert unit.index("ExecStartPre=/bin/sleep 2") < unit.index("ExecStart=/bin/sh /etc/fastpath-cilium/irq-affinity")
