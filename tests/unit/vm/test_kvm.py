# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from front import packages
from front.progress import Progress

from bed import kvm


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a /dev/kvm and a QEMU that a test writes."""
    monkeypatch.delenv("VM_ACCEL", raising=False)
    (tmp_path / "kvm").touch()
    (tmp_path / "boot_id").write_text("first\n", encoding="utf-8")
    monkeypatch.setattr(kvm, "DEVICE", tmp_path / "kvm")
    monkeypatch.setattr(kvm, "BOOT_ID", tmp_path / "boot_id")
    monkeypatch.setattr(kvm.boots_in_time, "__defaults__", (0.5,))
    monkeypatch.setattr(packages, "SEARCH", str(tmp_path))
    qemu(tmp_path, "exit 0")
    return tmp_path


def qemu(folder: Path, body: str) -> None:
    program = folder / "qemu-system-x86_64"
    program.write_text(f"#!/bin/sh\necho run >> {folder}/runs\n{body}\n", encoding="utf-8")
    program.chmod(0o755)


def chosen(image: Path) -> str:
    return kvm.accelerator(image, Progress(io.StringIO()))


def runs(folder: Path) -> int:
    path = folder / "runs"
    return len(path.read_text(encoding="utf-8").split()) if path.exists() else 0


def test_kvm_that_boots_a_guest_is_used_and_remembered(machine: Path):
    assert [chosen(machine), chosen(machine)] == ["kvm", "kvm"]
    assert runs(machine) == 1


@pytest.mark.parametrize("body", ["exec sleep 60", "exit 1"])
def test_kvm_that_hangs_or_fails_is_not(machine: Path, body: str):
    qemu(machine, body)
    assert [chosen(machine), chosen(machine)] == ["tcg", "tcg"]
    assert runs(machine) == 1


def test_another_boot_is_another_probe(machine: Path):
    chosen(machine)
    (machine / "boot_id").write_text("second\n", encoding="utf-8")
    qemu(machine, "exit 1")
    assert chosen(machine) == "tcg" and runs(machine) == 2


def test_without_kvm_nothing_is_tried(machine: Path):
    (machine / "kvm").unlink()
    assert chosen(machine) == "tcg" and runs(machine) == 0


def test_user_has_the_last_word(machine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VM_ACCEL", "tcg")
    assert chosen(machine) == "tcg" and runs(machine) == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", json.dumps({"boot_id": "other", "accelerator": "kvm"})])
def test_memory_that_says_nothing_of_this_boot_is_none(tmp_path: Path, text: str):
    (tmp_path / "memory").write_text(text, encoding="utf-8")
    assert kvm.remembered(tmp_path / "memory", "first") is None
    assert kvm.remembered(tmp_path / "absent", "first") is None
