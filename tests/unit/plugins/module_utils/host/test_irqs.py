# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import irqs
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import device, facts_of


@pytest.mark.parametrize("name, queue, serves", [
    ("mlx5_comp3@pci:0000:3b:00.0", 3, "both"), ("mlx5_comp12", 12, "both"), ("ice-eth0-TxRx-63", 63, "both"),
    ("i40e-eth0-TxRx-3", 3, "both"), ("eth0-TxRx-3", 3, "both"), ("ens5-Tx-Rx-7", 7, "both"), ("eth0-rxtx-1", 1, "both"),
    ("eth0-rx-2", 2, "rx"), ("eth0-tx-2", 2, "tx"), ("virtio2-input.0", 0, "rx"), ("virtio2-output.11", 11, "tx"),
    ("mana_q5@pci:7870:00:00.0", 5, "both"), ("eth0-q3-tx", 3, "tx"), ("eth0-q3-rx", 3, "rx"),
    ("mlx5_async0@pci:0000:3b:00.0", None, None), ("virtio2-config", None, None), ("ice-0000:5e:00.0:misc", None, None),
    ("ena-mgmnt@pci:0000:00:05.0", None, None), ("", None, None), ("eth0", None, None),
])
def test_queues_by_name(name, queue, serves):
    assert irqs.parse_name(name) == (queue, serves)


def test_each_queue_of_mlx5(tmp_path):
    found = device(facts_of(tmp_path, "connectx"), "ens1f0np0")["irqs"]
    assert [entry["irq"] for entry in found] == [60, 61, 62, 63, 64]  # and not 65, which nobody handles
    assert found[2] == {"irq": 62, "name": "mlx5_comp1@pci:0000:3b:00.0", "queue": 1, "serves": "both", "affinity": [1],
                        "effective": [1]}


def test_those_of_virtio_belong_to_the_device_below(tmp_path):
    found = device(facts_of(tmp_path, "virtio"), "eth0")["irqs"]
    assert [(entry["name"], entry["queue"], entry["serves"]) for entry in found] == [
        ("virtio2-config", None, None), ("virtio2-input.0", 0, "rx"), ("virtio2-output.0", 0, "tx"),
        ("virtio2-input.1", 1, "rx"), ("virtio2-output.1", 1, "tx")]


def test_a_device_without_any_does_not_take_those_of_the_port_above(tmp_path):
    for irq in (30, 31):
        path = tmp_path / f"sys/devices/pci0000:00/0000:00:1c.0/msi_irqs/{irq}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    bus = tmp_path / "sys/devices/pci0000:00/0000:00:1c.0/0000:01:00.0"
    bus.mkdir()
    root = Root(str(tmp_path))
    folder = "/sys/devices/pci0000:00/0000:00:1c.0/0000:01:00.0"
    assert irqs.numbers(root, folder) == []
    (bus / "irq").write_text("16\n")
    assert irqs.numbers(root, folder) == [16]


def test_more_than_64_cpus(tmp_path):
    found = [entry for entry in device(facts_of(tmp_path, "many_cpus"), "ens1f0np0")["irqs"] if entry["queue"] is not None]
    assert len(found) == 64 and found[63]["affinity"] == [95] and found[63]["effective"] == [95]


def test_xens_are_known_by_their_names():
    assert irqs.by_name("eth0", {70: "eth0-q0-tx", 71: "eth0-q0-rx", 72: "eth01-q0-tx"}) == [70, 71]


def test_the_table_takes_in_lines_of_all_kinds(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/interrupts").write_text(
        "           CPU0       CPU1\n  9:   0   0   IO-APIC   9-fasteoi   acpi\n 24:  1  2  PCI-MSI 1-edge  a, b\n"
        "NMI:  0  0  Non-maskable\nERR:  0\n300:  5  6\n")
    assert irqs.table(Root(str(tmp_path))) == {9: "acpi", 24: "b"}
