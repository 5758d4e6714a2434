# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds an image: a root folder by mmdebstrap, a disk of it, and a first boot in which it writes its own boot menu."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from front.locks import exclusive
from front.progress import Progress

from . import disk, host, ssh
from .bed import Bed
from .errors import VmError
from .places import RECIPE, cache
from .qemu import Machine
from .recipe import FIRST_BOOT, Recipe, mirror, mmdebstrap_command

KEPT_SECONDS = 7 * 24 * 3600  # an image of another recipe goes when a new one is built
BOOT_SECONDS = 900  # emulated, on a busy machine; 20 to 40 s usually
LIFETIME_SECONDS = 3600
SWITCH_OFF = "(sleep 1; exec systemctl poweroff) > /dev/null 2>&1 &"  # late enough for this to have been answered


def ensure(recipe: Recipe, progress: Progress) -> Path:
    """The image's folder: base.qcow2, vmlinuz, key, known_hosts. Built where it is not there yet."""
    target = recipe.folder()
    if not target.exists():
        with exclusive(target.with_name(target.name + ".lock"), lambda: progress.say("Waiting for another build ...")):
            if not target.exists():
                _drop_old(target)
                _build(recipe, target, progress)
    os.utime(target)
    return target


def _build(recipe: Recipe, target: Path, progress: Progress) -> None:
    host.prepare(progress)
    progress.say(f"Building the image of Debian {recipe.suite} in {target} (minutes, once for each recipe)")
    folder = Path(tempfile.mkdtemp(prefix="vm-build-", dir=cache()))
    try:
        _make_key(folder)
        root = folder / "root"
        with progress.step(f"Debian {recipe.suite} from {mirror()}"):
            _debootstrap(recipe, root, folder)
        with progress.step("A disk of it"):
            disk.make(root, folder / "base.qcow2")
        _keep_apart(root, folder)
        shutil.rmtree(root)
        with progress.step("First boot, by GRUB"):
            _first_boot(recipe, folder)
        os.replace(folder, target)  # whole or not at all
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_key(folder: Path) -> None:
    command = [host.program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "test bed", "-f", str(folder / "key")]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _debootstrap(recipe: Recipe, root: Path, folder: Path) -> None:
    log = folder / "build.log"
    words = mmdebstrap_command(recipe.suite, root, folder / "key.pub", mirror(), RECIPE)
    command = [host.program("mmdebstrap"), *words]
    with open(log, "wb") as handle:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle)
    if done.returncode:
        kept = Path(shutil.copy(log, cache() / "vm-build.log"))
        raise VmError(f"mmdebstrap failed: see {kept}. It ends with: {_last_line(kept)}")


def _last_line(path: Path) -> str:
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.startswith("E:")]
    return (lines or ["no error of its own"])[0]


def _keep_apart(root: Path, folder: Path) -> None:
    """What is wanted of the guest without its disk: the kernel, and who it is to ssh."""
    kernel = sorted((root / "boot").glob("vmlinuz-*"))[-1]
    shutil.copy(kernel, folder / "vmlinuz")
    public = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8").split()
    (folder / "known_hosts").write_text(f"{ssh.HOST_KEY_ALIAS} {public[0]} {public[1]}\n", encoding="utf-8")


def _first_boot(recipe: Recipe, folder: Path) -> None:
    machine = Machine(1)
    with own_bed(f"image-{recipe.suite}", machine, folder) as bed:
        (bed.folder / "vm1.qcow2").symlink_to(folder / "base.qcow2")  # the image itself, not a copy
        bed.start(machine, frozen=False)
        bed.wait(machine, BOOT_SECONDS)
        said = bed.shell(machine, FIRST_BOOT, BOOT_SECONDS)
        with open(folder / "build.log", "a", encoding="utf-8") as log:
            log.write(said)
        bed.shell(machine, SWITCH_OFF)
        wait_off(bed, machine)


@contextmanager
def own_bed(name: str, machine: Machine, image: Path) -> Iterator[Bed]:
    """A bed for one machine that ends with the block, or with this process."""
    bed = Bed(name)
    with bed.front_lock(lambda: None):
        bed.stop_keeper()
        bed.start_keeper(os.getpid(), LIFETIME_SECONDS, 1500)
        try:
            bed.save([machine], image)
            yield bed
        finally:
            bed.stop_keeper()
            bed.clear(logs=False)


def wait_off(bed: Bed, machine: Machine, seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while machine.name in bed.running():
        if time.monotonic() > deadline:
            raise VmError(f"{machine.name} did not switch itself off in {seconds:.0f} s: "
                          f"see {bed.folder / machine.name}.console.")
        time.sleep(0.2)


def _drop_old(new: Path) -> None:
    for old in new.parent.glob("vm-*"):
        if old.is_dir() and time.time() - old.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
