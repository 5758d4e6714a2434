# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A bootable disk from a root folder, without loop mounts: MBR, one ext4 partition, GRUB for BIOS."""
from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from . import host
from .errors import VmError

SECTOR = 512
START = 2048  # sectors; what lies before is room for GRUB
SIZE = 3 << 30
BLOCK = 4096
BOOT_CODE = 440  # bytes of the first sector that are code; the partition table is behind
LINUX = 0x83
LABEL = "testbed"
# Named one by one: newer versions of mke2fs switch on what GRUB cannot read.
FEATURES = ("none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,"
            "huge_file,dir_nlink,extra_isize,metadata_csum")


def make(root: Path, target: Path) -> None:
    """Writes the qcow2 image `target` with the contents of folder `root`."""
    raw = target.with_suffix(".raw")
    try:
        with open(raw, "wb") as handle:
            handle.truncate(SIZE)
        _run([host.program("mke2fs"), "-q", "-F", "-t", "ext4", "-L", LABEL, "-O", FEATURES, "-m", "0", "-b", str(BLOCK),
              "-E", f"offset={START * SECTOR},lazy_itable_init=1,lazy_journal_init=1", "-d", str(root), str(raw),
              str((SIZE - START * SECTOR) // BLOCK)])
        _install_boot_loader(root, raw)
        _run([host.program("qemu-img"), "convert", "-O", "qcow2", str(raw), str(target)])
    finally:
        raw.unlink(missing_ok=True)


def partition_table(start: int, sectors: int) -> bytes:
    """The last 72 bytes of a master boot record with one active Linux partition."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", LINUX, b"\xfe\xff\xff", start, sectors)
    return bytes(6) + entry.ljust(64, b"\0") + b"\x55\xaa"


def _install_boot_loader(root: Path, raw: Path) -> None:
    code = (root / "usr/lib/grub/i386-pc/boot.img").read_bytes()[:BOOT_CODE]
    core = (root / "boot/grub/core.img").read_bytes()
    if len(core) > (START - 1) * SECTOR:
        raise VmError(f"GRUB's core image has {len(core)} bytes and does not fit before the first partition.")
    with open(raw, "r+b") as handle:
        handle.write(code + partition_table(START, SIZE // SECTOR - START) + core)


def overlay(base: Path, target: Path) -> None:
    """An image that keeps only what differs from `base`."""
    _run([host.program("qemu-img"), "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "qcow2", str(target)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise VmError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-500:]}")
