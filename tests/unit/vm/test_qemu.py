# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from bed import qemu
from bed.qemu import Machine


def options(words: list[str], name: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == name]


def test_two_cards_of_which_one_has_many_queues():
    words = qemu.command("qemu", Machine(2), "vm2.qcow2", 4242, frozen=False)
    control, segment = options(words, "-netdev")
    assert "hostfwd=tcp:127.0.0.1:4242-:22" in control and "restrict=on" in control
    assert segment == f"tap,id=segment,fds={qemu.TAP_FDS}"
    cards = [device for device in options(words, "-device") if device.startswith("virtio-net-pci")]
    assert "mac=52:54:00:77:00:02" in cards[0] and "mq=on" not in cards[0]
    assert "mac=52:54:00:77:01:02" in cards[1] and "mq=on,vectors=10" in cards[1]


def test_only_a_frozen_machine_is_woken():
    machine = Machine(1)
    assert options(qemu.command("qemu", machine, "d", 1, frozen=True), "-loadvm") == ["ready"]
    assert "-loadvm" not in qemu.command("qemu", machine, "d", 1, frozen=False)


def test_guest_finds_the_same_hardware_booted_and_woken():
    machine, hardware = Machine(1), qemu.hardware(Machine(1))
    for frozen in (True, False):
        words = qemu.command("qemu", machine, "d", 1, frozen)
        assert words[3:3 + len(hardware)] == hardware


def test_flushes_of_the_guest_reach_the_disk():
    disk, = options(qemu.command("qemu", Machine(1), "d", 1, frozen=False), "-drive")
    assert "cache=writeback" in disk  # unsafe would ignore them, and a hard power-off would lose what it must not


def test_memory_is_bounded():
    words = qemu.command("qemu", Machine(1, memory=512), "d", 1, frozen=False)
    assert options(words, "-m") == ["512"]


def test_accelerators_differ_in_their_cpu():
    assert options(qemu.hardware(Machine(1, accel="kvm")), "-cpu") == ["host"]
    assert options(qemu.hardware(Machine(1)), "-cpu") == ["max"]


def test_snapshot_is_for_one_hardware_and_one_qemu():
    machine = Machine(1)
    digest = qemu.hardware_digest(machine, "QEMU emulator version 7.2.22")
    assert digest == qemu.hardware_digest(Machine(1), "QEMU emulator version 7.2.22")
    others = [qemu.hardware_digest(machine, "QEMU emulator version 8.0.0")]
    others += [qemu.hardware_digest(other, "QEMU emulator version 7.2.22")
               for other in (Machine(2), Machine(1, accel="kvm"), Machine(1, memory=512), Machine(1, queues=2))]
    assert len({digest, *others}) == 6


def test_version_is_taken_from_qemus_own_line_only():
    assert qemu.version_of("QEMU emulator version 7.2.22 (Debian 1:7.2)\nCopyright ...") == \
        "QEMU emulator version 7.2.22 (Debian 1:7.2)"
    assert qemu.version_of("") is None
    assert qemu.version_of("bash: qemu: not found") is None


def test_probe_ends_by_itself():
    words = qemu.probe_command("qemu", "/k/vmlinuz")
    assert options(words, "-accel") == ["kvm"]
    assert options(words, "-append") == ["panic=-1 quiet"] and "-no-reboot" in words
