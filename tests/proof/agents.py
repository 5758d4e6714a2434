# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Simulated agents by the thousand: the lab's simulator (written from the facts, in Go) as a program that answers lines."""
from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LAB = Path(__file__).resolve().parents[1] / "lab"
sys.path.insert(0, str(LAB))

from front import golang  # noqa: E402
from front.progress import Progress  # noqa: E402


def build(folder: Path) -> Path:
    """The program, built from the sources as they are."""
    target = folder / "agents"
    go = golang.find_go(Progress(sys.stderr))
    subprocess.run([str(go), "build", "-o", str(target), "./cmd/agents"], cwd=LAB / "cluster", env=golang.environment(), check=True)
    return target


def start(program: Path, inputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One answer an input, {refused} or {status, log}. An input: {Version, Config, Host: {NodeName, Kernel, Devices}}."""
    lines = "".join(json.dumps(one) + "\n" for one in inputs)
    done = subprocess.run([str(program)], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
