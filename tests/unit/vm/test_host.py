# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import io
from pathlib import Path

import pytest
from front import packages
from front.progress import Progress

from bed import commands, host
from bed.errors import CannotRun


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine that lacks nothing but what a test takes away."""
    monkeypatch.setattr(host.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(host.platform, "system", lambda: "Linux")
    monkeypatch.setattr(host.os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "TUN", tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in host.PACKAGES:
        (programs / name).touch(mode=0o755)
    monkeypatch.setattr(packages, "SEARCH", str(programs))
    return programs


def quiet() -> Progress:
    return Progress(io.StringIO())


def test_fit_machine_is_left_alone(fit: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packages.subprocess, "run", lambda *words, **more: pytest.fail("nothing was to be installed"))
    assert host.obstacle() is None and host.absent() == []
    host.prepare(quiet())
    assert commands.tools(None, quiet()) == (0, {"usable": True, "reason": None})


@pytest.mark.parametrize("target, value, reason", [
    ("platform.machine", lambda: "aarch64", "the guests are x86-64 on Linux, this is Linux on aarch64"),
    ("os.geteuid", lambda: 1000, "take root"),
    ("TUN", Path("/nowhere/tun"), "there is no /nowhere/tun"),
])
def test_unfit_machine_is_told_with_its_reason(fit: Path, monkeypatch: pytest.MonkeyPatch, target: str, value, reason: str):
    owner, name = target.rsplit(".", 1) if "." in target else ("", target)
    monkeypatch.setattr(getattr(host, owner) if owner else host, name, value)
    with pytest.raises(CannotRun, match=f"No virtual machines here: .*{reason}"):
        host.prepare(quiet())
    code, result = commands.tools(None, quiet())
    assert code == 3 and not result["usable"] and reason in result["reason"]


def test_missing_programs_are_named_by_their_packages(fit: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("qemu-img", "ssh", "ssh-keygen"):
        (fit / name).unlink()
    assert host.absent() == ["openssh-client", "qemu-utils"]
    monkeypatch.setattr(packages.shutil, "which", lambda name, path=None: None if name == "apt-get" else str(fit / name))
    monkeypatch.setattr(host, "absent", lambda: ["qemu-utils"])
    with pytest.raises(CannotRun, match="qemu-utils missing and no apt-get"):
        host.prepare(quiet())


def test_failed_installation_is_told_with_apts_reason(fit: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (fit / "mmdebstrap").unlink()
    apt = tmp_path / "apt" / "apt-get"
    apt.parent.mkdir()
    apt.write_text("#!/bin/sh\necho 'E: no network' >&2\nexit 100\n", encoding="utf-8")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(apt.parent), prepend=":")
    with pytest.raises(CannotRun, match=r"mmdebstrap could not be installed \(E: no network\)"):
        host.prepare(quiet())


def test_program_that_is_missing_is_named_with_its_package(fit: Path):
    (fit / "mke2fs").unlink()
    with pytest.raises(CannotRun, match="mke2fs is not installed: install the package e2fsprogs"):
        host.program("mke2fs")
