# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `vm` does, one function per sub-command; each returns the process's exit code and what --json prints."""
from __future__ import annotations

import argparse
import shutil
from typing import Any

from front import namespaces
from front.progress import Progress

from . import frozen, host, image, keeper, kvm, pipe, sockets
from .bed import Bed
from .errors import CannotRun, VmError
from .places import state
from .qemu import Machine
from .recipe import Recipe

Result = tuple[int, dict[str, Any]]

MOST_MACHINES = 2  # memory and cores of the machines that test are few
SSH_PORT = 22
CANNOT = 3


def tools(args: argparse.Namespace, progress: Progress) -> Result:
    """Exit code 3, with the reason, where this machine cannot run test beds."""
    try:
        host.prepare(progress)
    except CannotRun as error:
        progress.say(str(error))
        return CANNOT, {"usable": False, "reason": str(error)}
    return 0, {"usable": True, "reason": None}


def build(args: argparse.Namespace, progress: Progress) -> Result:
    recipe = Recipe(args.suite)
    if args.fresh:
        shutil.rmtree(recipe.folder(), ignore_errors=True)
    folder, machines = _frozen_machines(recipe, args.count, progress)
    disks = {machine.name: str(disk) for machine, disk in machines}
    progress.say(f"{folder}: {_megabytes(folder)} MB, {machines[0][0].accel}")
    return 0, {"image": str(folder), "frozen": disks, "accelerator": machines[0][0].accel, "timings": progress.timings}


def _frozen_machines(recipe: Recipe, count: int, progress: Progress) -> tuple[Any, list[tuple[Machine, Any]]]:
    host.prepare(progress)
    folder = image.ensure(recipe, progress)
    accel = kvm.accelerator(folder, progress)
    machines = [Machine(number, accel=accel) for number in range(1, count + 1)]
    return folder, [(machine, frozen.ensure(folder, machine, progress)) for machine in machines]


def _megabytes(folder: Any) -> int:
    return sum(path.stat().st_blocks for path in folder.iterdir()) * 512 >> 20


def up(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    folder, machines = _frozen_machines(Recipe(args.suite), args.count, progress)
    with bed.front_lock(lambda: progress.say(f"Waiting for another command on test bed {args.name} ...")):
        if bed.kept():
            raise VmError(f"Test bed {args.name} is up already: `vm reset` makes it new, `vm down` ends it.")
        bed.start_keeper(args.watch_pid, args.lifetime, args.segment_mtu)
        try:
            _wake_all(bed, folder, machines, progress)
        except BaseException:
            bed.stop_keeper()
            raise
    return 0, {**overview(bed), "timings": progress.timings}


def _wake_all(bed: Bed, folder: Any, machines: list[tuple[Machine, Any]], progress: Progress) -> None:
    bed.save([machine for machine, disk in machines], folder)
    with progress.step(f"Waking {len(machines)} machines"):
        for machine, disk in machines:
            shutil.copy(disk, bed.folder / f"{machine.name}.qcow2")
            bed.start(machine, frozen=True)
        for machine, disk in machines:
            frozen.settle(bed, machine)


def reset(args: argparse.Namespace, progress: Progress) -> Result:
    """Back to the snapshot, whatever state the machine is in."""
    bed, chosen = _locked(args)
    with bed.front_lock(lambda: None), progress.step(f"Resetting {', '.join(machine.name for machine in chosen)}"):
        for machine in chosen:
            if machine.name in bed.running():
                frozen.rewind(bed, machine)
            else:
                bed.start(machine, frozen=True)
        for machine in chosen:
            frozen.settle(bed, machine)
    return 0, overview(bed)


def _locked(args: argparse.Namespace) -> tuple[Bed, list[Machine]]:
    bed = Bed(args.name)
    return bed, bed.chosen(args.vm)


def power_off(args: argparse.Namespace, progress: Progress) -> Result:
    """`hard`: the plug is pulled; what the guest had not flushed is lost."""
    bed, chosen = _locked(args)
    with bed.front_lock(lambda: None):
        for machine in chosen:
            if args.hard:
                bed.kill(machine)
            elif machine.name in bed.running():
                bed.shell(machine, image.SWITCH_OFF)
        for machine in chosen:
            image.wait_off(bed, machine)
    return 0, overview(bed)


def power_on(args: argparse.Namespace, progress: Progress) -> Result:
    """Boots from the disk as it was left."""
    bed, chosen = _locked(args)
    with bed.front_lock(lambda: None), progress.step(f"Booting {', '.join(machine.name for machine in chosen)}"):
        running = bed.running()
        for machine in chosen:
            if machine.name not in running:
                bed.start(machine, frozen=False)
        for machine in chosen:
            bed.wait(machine, image.BOOT_SECONDS)
    return 0, overview(bed)


def segment(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    bed.record()
    sockets.ask_keeper(bed.folder, do="mtu", mtu=args.mtu)
    return 0, overview(bed)


def segment_connect(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    machine = bed.chosen(args.vm)[0]
    with open(bed.keeper()["namespace"], "rb") as namespace:
        namespaces.enter(namespace.fileno())
    pipe.connect(machine.address, SSH_PORT)
    return 0, {}


def ssh_config(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    bed.record()
    print(bed.ssh_config if args.path else bed.ssh_config.read_text(encoding="utf-8"), end="\n" if args.path else "")
    return 0, {}


def status(args: argparse.Namespace, progress: Progress) -> Result:
    """Exit code 3 where the bed is not up."""
    facts = overview(Bed(args.name))
    if not facts["running"]:
        progress.say(f"Test bed {args.name} is not up.")
        return CANNOT, facts
    for machine in facts["machines"]:
        progress.say(f"{machine['name']}: {'on' if machine['pid'] else 'off'}, {machine['address']} on the segment")
    progress.say(f"ssh -F {facts['ssh_config']} {facts['machines'][0]['name']}")
    return 0, facts


def overview(bed: Bed) -> dict[str, Any]:
    """A bed as `status --json` prints it."""
    if not bed.kept():
        return {"name": bed.name, "running": False}
    record, running = bed.record(), bed.running()
    machines = [{"name": machine.name, "pid": running.get(machine.name), "address": machine.address, "user": "tester",
                 "port": record["ports"][machine.name], "mac": machine.mac(1)} for machine in bed.machines()]
    return {"name": bed.name, "running": True, "keeper": bed.keeper()["pid"], "namespace": bed.keeper()["namespace"],
            "accelerator": bed.machines()[0].accel, "key": f"{record['image']}/key", "ssh_config": str(bed.ssh_config),
            "machines": machines}


def down(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    if not bed.folder.exists():
        progress.say(f"There is no test bed {args.name}.")
        return 0, {"name": args.name, "running": False}
    with bed.front_lock(lambda: progress.say(f"Waiting for another command on test bed {args.name} ...")):
        bed.stop_keeper()
        bed.clear(logs=False)
    return 0, {"name": args.name, "running": bed.kept()}


def keep(args: argparse.Namespace, progress: Progress) -> Result:
    return keeper.keep(state(args.name), args.watch_pid, args.lifetime, args.segment_mtu), {}
