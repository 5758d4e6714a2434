# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way into the machines."""
from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

from . import host
from .errors import VmError
from .places import PROGRAM, cache
from .qemu import Machine

USER = "tester"
HOST_KEY_ALIAS = "testbed"
POLL_SECONDS = 0.5
ATTEMPT_SECONDS = 180
ATTEMPTS = 5
# What ssh says when the other side was too slow to answer at all: nothing has been run there.
NOT_CONNECTED = ("banner exchange", "Connection timed out", "Connection refused", "kex_exchange_identification")


def control_path() -> str:
    """Where connections are shared by who asks for it (testinfra does): a socket's path may have 107 bytes only."""
    path = f"{cache()}/%C"  # 40 bytes, and ssh puts 17 of its own behind while it makes one
    return path if len(path) - 2 + 40 + 17 <= 107 else "none"


def config(bed: str, machines: list[Machine], ports: dict[str, int], image: Path) -> str:
    """An ssh_config: vm1 by its control network, vm1-segment by the network segment."""
    common = f"""\
Host *
  User {USER}
  IdentityFile {image / "key"}
  IdentitiesOnly yes
  UserKnownHostsFile {image / "known_hosts"}
  HostKeyAlias {HOST_KEY_ALIAS}
  StrictHostKeyChecking yes
  LogLevel ERROR
  ConnectTimeout 120
  ServerAliveInterval 15
  ServerAliveCountMax 8
  KexAlgorithms curve25519-sha256
  ControlPath {control_path()}
"""
    return common + "".join(_hosts(bed, machine, ports[machine.name]) for machine in machines)


def _hosts(bed: str, machine: Machine, port: int) -> str:
    through = f"{sys.executable} {PROGRAM} segment-connect --name {bed} {machine.name}"
    return (f"Host {machine.name}\n  HostName 127.0.0.1\n  Port {port}\n"
            f"Host {machine.name}-segment\n  HostName {machine.address}\n  ProxyCommand {through}\n")


def run(config_file: Path, name: str, command: str, seconds: float = 300) -> str:
    """Output of a shell command run as root in a machine; VmError where it fails. A connection is tried for again."""
    for attempt in range(ATTEMPTS):
        done = _attempt(config_file, name, ["sudo", "sh", "-c", _quoted(command)], seconds)
        if done.returncode != 255 or not any(words in done.stderr for words in NOT_CONNECTED):
            break
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-500:]
        raise VmError(f"In {name}, {command!r} ended with code {done.returncode}: {said}")
    return done.stdout


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _attempt(config_file: Path, name: str, words: list[str], seconds: float) -> subprocess.CompletedProcess:
    options = ["-o", "BatchMode=yes", "-o", "ControlPath=none"]
    command = [host.program("ssh"), "-F", str(config_file), *options, name, *words]
    try:
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 255, "", f"no answer in {seconds} s")


def hang_up(config_file: Path, name: str) -> None:
    """Ends shared connections, which the machine at the other end will not know any more."""
    for alias in (name, f"{name}-segment"):
        command = [host.program("ssh"), "-F", str(config_file), "-O", "exit", alias]
        subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)


def wait(config_file: Path, name: str, seconds: float, alive: Callable[[], bool]) -> None:
    """Returns once the machine lets us in; VmError when `alive` is false or after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        done = _attempt(config_file, name, ["true"], ATTEMPT_SECONDS)
        if done.returncode == 0:
            return
        if not alive():
            raise VmError(f"QEMU of {name} has ended: see {config_file.parent / name}.log and .console.")
        if time.monotonic() > deadline:
            raise VmError(f"{name} does not answer on ssh after {seconds:.0f} s ({done.stderr.strip()}): "
                          f"see {config_file.parent / name}.console.")
        time.sleep(POLL_SECONDS)
