# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `fabric` does, one function per sub-command; each returns the process's exit code and what --json prints."""
from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from front import namespaces
from front.api import Api
from front.progress import Progress

from . import host, keeper, plan, programs
from .bed import Bed
from .errors import CannotRun, FabricError
from .node_files import NodeFiles
from .places import state

Result = tuple[int, dict[str, Any]]

CANNOT = 3
CONTROL_SECONDS = 180  # a cold file cache on a busy machine; 5 s usually
NODE_SECONDS = 180
POLL_SECONDS = 0.1


def tools(args: argparse.Namespace, progress: Progress) -> Result:
    """Exit code 3, with the reason, where this machine cannot run a fabric."""
    try:
        host.prepare(progress)
    except CannotRun as error:
        progress.say(str(error))
        return CANNOT, {"usable": False, "reason": str(error)}
    built = programs.prepare(progress)
    return 0, {"usable": True, "reason": None, "cluster": str(built.cluster), "images": list(map(str, built.images))}


def up(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    host.prepare(progress)
    built = programs.prepare(progress)
    with bed.front_lock(lambda: progress.say(f"Waiting for another command on fabric {args.name} ...")):
        if bed.kept():
            raise FabricError(f"Fabric {args.name} is up already: `fabric down --name {args.name}` ends it.")
        with progress.step("Wiring namespaces"):
            bed.start_keeper(args.nodes, args.watch_pid, args.lifetime)
        try:
            _bring_up(bed, built, args, progress)
        except BaseException:
            bed.stop_keeper()
            raise
    progress.say(f"export KUBECONFIG={bed.control.kubeconfig}")
    return 0, {**overview(bed), "timings": progress.timings}


def _bring_up(bed: Bed, built: programs.Programs, args: argparse.Namespace, progress: Progress) -> None:
    members = plan.nodes(args.nodes)
    bed.save({"nodes": [node.name for node in members]})
    with progress.step("Starting etcd and the control plane"):
        _start_control(bed, built.cluster, args.nodes)
    for node in members:
        NodeFiles(node, bed.node_folder(node.name), bed.control.folder / "pki", built.cluster, built.images).write()
    with progress.step(f"Starting {args.nodes} nodes"):
        for node in members:
            bed.ask("on", name=node.name)
        wait_nodes(bed, [node.name for node in members])


def _start_control(bed: Bed, program: Path, count: int) -> None:
    address = plan.management(bed.ask("look")["slot"])[-1]
    bed.ask("control", command=[str(program), "up", "--dir", str(bed.control.folder), "--nodes", str(count), "--kubelets",
                                "--address", address])
    deadline = time.monotonic() + CONTROL_SECONDS
    while bed.control.cluster() is None:
        if time.monotonic() > deadline:
            raise FabricError(f"The control plane was not ready after {CONTROL_SECONDS} s: see {bed.folder / 'control.log'} "
                              f"and the logs in {bed.control.logs}.")
        time.sleep(POLL_SECONDS)


def wait_nodes(bed: Bed, names: list[str]) -> None:
    """Returns once these nodes are Ready and their kube-proxies have written their rules."""
    deadline = time.monotonic() + NODE_SECONDS
    while lacking := [name for name in names if not (bed.node_folder(name) / "ready").exists() or not _ready(bed).get(name)]:
        off = [name for name, pid in bed.ask("look")["nodes"].items() if name in lacking and pid is None]
        if off or time.monotonic() > deadline:
            name = (off or lacking)[0]
            what = "has ended" if off else f"is not Ready after {NODE_SECONDS} s"
            raise FabricError(f"{name} {what}: see {bed.node_folder(name) / 'node.log'} and the logs beside it.")
        time.sleep(POLL_SECONDS)


def _ready(bed: Bed) -> dict[str, bool]:
    """Which nodes Kubernetes calls Ready."""
    found = {}
    for node in Api(bed.control).get("/api/v1/nodes")["items"]:
        conditions = node.get("status", {}).get("conditions", [])
        found[node["metadata"]["name"]] = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return found


def down(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    if not bed.folder.exists():
        progress.say(f"There is no fabric {args.name}.")
        return 0, {"name": args.name, "running": False}
    with bed.front_lock(lambda: progress.say(f"Waiting for another command on fabric {args.name} ...")):
        with progress.step(f"Stopping fabric {args.name}"):
            bed.stop_keeper()
        bed.clear(logs=False)
    return 0, {"name": args.name, "running": bed.kept(), "timings": progress.timings}


def status(args: argparse.Namespace, progress: Progress) -> Result:
    """Exit code 0: up and every node Ready; 1: not so; 3: not up."""
    bed = Bed(args.name)
    facts = overview(bed)
    if not facts["running"]:
        progress.say(f"Fabric {args.name} is not up.")
        return CANNOT, facts
    for node in facts["nodes"]:
        progress.say(f"{node['name']}: {'on' if node['pid'] else 'off'}, {'Ready' if node['ready'] else 'not Ready'}, "
                     f"{', '.join(node['addresses'])}{'' if node['link'] else ', cut off'}")
    for fault in facts["faults"]:
        progress.say(f"fault {fault['kind']}: {'' if fault['dropped'] is None else fault['dropped']} dropped")
    progress.say(f"export KUBECONFIG={facts['kubeconfig']}")
    return (0 if all(node["ready"] for node in facts["nodes"]) else 1), facts


def overview(bed: Bed) -> dict[str, Any]:
    """A fabric as `status --json` prints it."""
    if not bed.kept():
        return {"name": bed.name, "running": False}
    look, cluster = bed.ask("look"), bed.control.cluster() or {}
    ready = _ready(bed) if cluster else {}
    members = [{"name": node.name, "pid": look["nodes"][node.name], "ready": ready.get(node.name, False),
                "link": look["links"][node.name], "addresses": list(node.addresses), "pods": list(node.pods)}
               for node in plan.nodes(len(look["nodes"]))]
    return {"name": bed.name, "running": True, **_owners(bed), "server": cluster.get("server"),
            "kubeconfig": str(bed.control.kubeconfig), "nodes": members, "faults": look["faults"], "spaces": look["spaces"],
            "client": list(plan.CLIENT_ADDRESSES)}


def _owners(bed: Bed) -> dict[str, Any]:
    owners = bed.owners()
    return {"keeper": owners.get("pid"), "janitor": owners.get("janitor")}


def run_inside(args: argparse.Namespace, progress: Progress) -> Result:
    """Becomes the command, in a namespace of the fabric."""
    bed = Bed(args.name)
    known = bed.ask("look")["spaces"]
    if args.where not in known:
        raise FabricError(f"There is no {args.where} in fabric {args.name}: choose one of {', '.join(known)}.")
    if not args.words:
        raise FabricError("No command was given: `fabric exec client -- COMMAND`.")
    with open(known[args.where], "rb") as namespace:
        namespaces.enter(namespace.fileno())
    try:
        os.execvp(args.words[0], args.words)
    except OSError as error:
        raise FabricError(f"{args.words[0]} cannot be run: {error.strerror}.") from error


def fault(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    wanted = {"kind": args.kind, "proto": args.proto, "family": args.family, "sender": args.sender,
              "receiver": args.receiver, "size": args.bytes}
    _change_faults(bed, [*_present(bed), wanted])
    return 0, overview(bed)


def heal(args: argparse.Namespace, progress: Progress) -> Result:
    """Takes away all faults, or those of one kind."""
    bed = Bed(args.name)
    _change_faults(bed, [one for one in _present(bed) if args.kind not in (None, one["kind"])])
    return 0, overview(bed)


def _present(bed: Bed) -> list[dict[str, Any]]:
    return [{key: value for key, value in one.items() if key != "dropped"} for one in bed.ask("look")["faults"]]


def _change_faults(bed: Bed, wanted: list[dict[str, Any]]) -> None:
    with bed.front_lock(lambda: None):
        bed.ask("faults", faults=wanted)


def power_off(args: argparse.Namespace, progress: Progress) -> Result:
    """The plug is pulled: the node's disk stays, all else is gone."""
    bed = Bed(args.name)
    bed.ask("off", name=args.node)
    return 0, overview(bed)


def power_on(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    with progress.step(f"Starting {args.node}"):
        bed.ask("on", name=args.node)
        wait_nodes(bed, [args.node])
    return 0, overview(bed)


def link(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    bed.ask("link", name=args.node, up=args.state == "up")
    return 0, overview(bed)


def keep(args: argparse.Namespace, progress: Progress) -> Result:
    bed = Bed(args.name)
    return keeper.keep(state(args.name), args.nodes, bed.top, args.watch_pid, args.lifetime), {}
