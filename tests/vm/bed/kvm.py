# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which accelerator: KVM where a small guest boots with it in time, else emulation.

A /dev/kvm may be there and hang its guests all the same (a virtual machine whose host nests badly), so it is tried out.
"""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Optional

from front.progress import Progress

from . import host, qemu

DEVICE = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PROBE_SECONDS = 15  # with a KVM that works it takes 1 to 3


def accelerator(image: Path, progress: Progress) -> str:
    """"kvm" or "tcg"; VM_ACCEL overrides. What the probe found holds until this machine boots again."""
    wanted = os.environ.get("VM_ACCEL")
    if wanted in qemu.ACCELERATORS:
        return wanted
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return "tcg"
    boot, memory = BOOT_ID.read_text(encoding="utf-8").strip(), image / "accelerator.json"
    known = remembered(memory, boot)
    if known is None:
        with progress.step("Trying KVM"):
            known = "kvm" if boots_in_time(image / "vmlinuz") else "tcg"
        memory.write_text(json.dumps({"boot_id": boot, "accelerator": known}), encoding="utf-8")
    return known


def remembered(memory: Path, boot_id: str) -> Optional[str]:
    try:
        record = json.loads(memory.read_text(encoding="utf-8"))
        return record["accelerator"] if record["boot_id"] == boot_id else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def boots_in_time(kernel: Path, seconds: float = PROBE_SECONDS) -> bool:
    command = qemu.probe_command(host.program("qemu-system-x86_64"), str(kernel))
    try:
        done = subprocess.run(command, check=False, timeout=seconds, stdin=subprocess.DEVNULL, capture_output=True)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
