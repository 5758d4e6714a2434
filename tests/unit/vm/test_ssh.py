# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from front import packages

from bed import ssh
from bed.errors import VmError
from bed.qemu import Machine


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ssh-config"
    text = ssh.config("bed", [Machine(1), Machine(2)], {"vm1": 4001, "vm2": 4002}, Path("/image"))
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes ssh a script of ours."""
    def make(body: str) -> None:
        script = tmp_path / "ssh"
        script.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setattr(packages, "SEARCH", str(tmp_path))
    return make


@pytest.mark.skipif(not shutil.which("ssh"), reason="no ssh here")
def test_ssh_itself_understands_the_configuration(config: Path):
    def told(name: str) -> dict[str, str]:
        done = subprocess.run(["ssh", "-F", str(config), "-G", name], check=True, capture_output=True, text=True)
        return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)

    first, second, segment = told("vm1"), told("vm2"), told("vm1-segment")
    assert (first["hostname"], first["port"], second["port"]) == ("127.0.0.1", "4001", "4002")
    assert first["user"] == "tester" and first["identityfile"] == "/image/key"
    assert first["stricthostkeychecking"] == "true" and first["userknownhostsfile"] == "/image/known_hosts"
    assert segment["hostname"] == "192.168.77.1" and segment["proxycommand"].endswith("segment-connect --name bed vm1")
    assert "proxycommand" not in first


def test_command_reaches_the_shell_as_it_is(config: Path, fake_ssh):
    fake_ssh('for word; do last=$word; done; eval "printf %s $last"')  # the far side's shell sees it once
    assert ssh.run(config, "vm1", "echo 'a b' \"$HOME\" > /x") == "echo 'a b' \"$HOME\" > /x"


def test_failed_command_is_told_with_what_it_said(config: Path, fake_ssh):
    fake_ssh("echo no such thing >&2; exit 4")
    with pytest.raises(VmError, match="In vm1, 'do it' ended with code 4: no such thing"):
        ssh.run(config, "vm1", "do it")


def test_command_without_end_is_given_up(config: Path, fake_ssh):
    fake_ssh("exec sleep 60")
    with pytest.raises(VmError, match="no answer in 0.2 s"):
        ssh.run(config, "vm1", "hang", seconds=0.2)


def test_waits_until_the_machine_lets_us_in(config: Path, fake_ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ssh, "POLL_SECONDS", 0.01)
    fake_ssh(f"echo x >> {tmp_path}/tries; [ $(wc -l < {tmp_path}/tries) -ge 3 ]")
    ssh.wait(config, "vm1", 60, lambda: True)
    assert (tmp_path / "tries").read_text(encoding="utf-8") == "x\n" * 3


def test_waiting_ends_with_qemu(config: Path, fake_ssh):
    fake_ssh("exit 255")
    with pytest.raises(VmError, match="QEMU of vm1 has ended: see .*vm1.log"):
        ssh.wait(config, "vm1", 60, lambda: False)


def test_waiting_ends_in_time(config: Path, fake_ssh):
    fake_ssh("echo refused >&2; exit 255")
    with pytest.raises(VmError, match=r"vm1 does not answer on ssh after 0 s \(refused\): see .*vm1.console"):
        ssh.wait(config, "vm1", 0, lambda: True)


@pytest.mark.parametrize("folder, shared", [("/c", True), ("/" + "c" * 50, False)])
def test_connections_are_shared_where_a_path_is_short(folder: str, shared: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ssh, "cache", lambda: Path(folder))
    assert ssh.control_path() == (f"{folder}/%C" if shared else "none")


def test_hanging_up_is_for_both_ways_in_and_never_fails(config: Path, fake_ssh, tmp_path: Path):
    fake_ssh(f'echo "$@" >> {tmp_path}/said; exit 255')
    ssh.hang_up(config, "vm1")
    said = (tmp_path / "said").read_text(encoding="utf-8").splitlines()
    assert [line.rsplit(" ", 3)[1:] for line in said] == [["-O", "exit", "vm1"], ["-O", "exit", "vm1-segment"]]


def test_connection_that_was_not_made_is_tried_for_again(config: Path, fake_ssh, tmp_path: Path):
    said = "Connection timed out during banner exchange"
    fake_ssh(f"echo x >> {tmp_path}/tries; [ $(wc -l < {tmp_path}/tries) -ge 3 ] && exec echo done; echo {said} >&2; exit 255")
    assert ssh.run(config, "vm1", "true") == "done\n"


@pytest.mark.parametrize("said, tries", [("Connection refused", ssh.ATTEMPTS), ("Connection closed by remote host", 1)])
def test_command_that_may_have_been_run_is_not_run_again(config: Path, fake_ssh, tmp_path: Path, said: str, tries: int):
    fake_ssh(f"echo x >> {tmp_path}/tries; echo {said} >&2; exit 255")
    with pytest.raises(VmError, match=said):
        ssh.run(config, "vm1", "true")
    assert (tmp_path / "tries").read_text(encoding="utf-8") == "x\n" * tries
