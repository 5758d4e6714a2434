# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: test beds that are up, and what their machines say."""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parent / "vm"
CANNOT = 3


def vm(*words: str) -> dict[str, Any]:
    """What `vm ... --json` says; AssertionError with its own words where it fails."""
    done = subprocess.run([str(PROGRAM), *words, "--json"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Bed:
    """A test bed that is up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.facts = vm("up", "--name", name, "--watch-pid", str(os.getpid()))

    def do(self, command: str, *words: str) -> None:
        self.facts = vm(command, "--name", self.name, *words)

    def pids(self) -> dict[str, int | None]:
        return {machine["name"]: machine["pid"] for machine in self.facts["machines"]}

    def ssh(self, host: str, command: str, connect: int = 120) -> subprocess.CompletedProcess:
        """Runs a command as root; never raises for its exit code. `connect`: seconds to wait for the machine's answer."""
        options = ["-F", self.facts["ssh_config"], "-o", "BatchMode=yes", "-o", f"ConnectTimeout={connect}"]
        words = ["ssh", *options, host, f"sudo sh -c '{command}'"]
        return subprocess.run(words, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)

    def read(self, host: str, command: str) -> str:
        done = self.ssh(host, command)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
