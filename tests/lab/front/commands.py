# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `lab` does, one function per sub-command; each returns the process's exit code and what --json prints."""
from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any, Optional

from . import annotations, golang, helm, release, supervisor
from .api import Api
from .builds import cluster_program
from .charts import Chart, default_values, find_chart
from .charts import resource_definitions
from .errors import LabError
from .places import MANIFESTS
from .progress import Progress
from .state import LabState

Result = tuple[int, dict[str, Any]]

DEFAULT_NODES = 3
MOST_NODES = 1000
NO_CILIUM = "none"
KEPT_AFTER_DOWN = {"logs", "front.lock", "lock"}


def up(args: argparse.Namespace, progress: Progress) -> Result:
    if args.real:
        raise LabError("lab up --real: the lab has no real kubelets yet; leave --real out to get simulated nodes.")
    wanted = [annotations.parse(text) for text in args.annotate]
    state = LabState(args.name)
    with state.front_lock(lambda: progress.say(f"Waiting for another command on lab {args.name} ...")):
        request = merge_request(args, state.request() if state.running() else {})
        program = cluster_program(progress)
        if state.running():
            progress.say(f"Lab {args.name} is running already.")
        else:
            supervisor.start(state, program, request["nodes"], args.watch_pid, progress)
            state.save_request({**request, "installed": None})
        api = Api(state)
        _configure(state, api, program, wanted, progress)
        if request.get("kube_proxy"):
            _install_kube_proxy(state, api, program, args, progress)
        if request["cilium"] != NO_CILIUM:
            _install(state, api, program, request, args, progress)
    progress.say(f"export KUBECONFIG={state.kubeconfig}")
    return 0, {**overview(state), "timings": progress.timings}


def merge_request(args: argparse.Namespace, running: dict[str, Any]) -> dict[str, Any]:
    """What the lab is to be: what is asked for now over what a running lab is; refuses what takes a new lab."""
    asked = {"nodes": args.nodes, "cilium": _asked_version(args), "chart": _asked_chart(args), "kube_proxy": args.kube_proxy}
    if not running:
        fresh = {"nodes": asked["nodes"] or DEFAULT_NODES, "chart": None, "cilium": NO_CILIUM,
                 "kube_proxy": bool(asked["kube_proxy"])}
        if asked["cilium"] != NO_CILIUM:
            chart = find_chart(asked["cilium"], args.chart)
            fresh.update(chart=str(chart.path), cilium=chart.version)
        return {**fresh, "set": args.set, "values": _values_file(args.values)}
    for key, value in asked.items():
        if value is not None and not _same(key, running.get(key), value):
            raise LabError(f"Lab {args.name} runs with {key} {running[key]}, not {value}: "
                           f"take it down first (lab down --name {args.name}).")
    changed = {"set": args.set} if args.set else {}
    if args.values:
        changed["values"] = _values_file(args.values)
    return {**running, **changed}


def _same(key: str, running: Any, asked: Any) -> bool:
    return running == asked or (key == "cilium" and str(running).startswith(f"{asked}."))


def _asked_version(args: argparse.Namespace) -> Optional[str]:
    return args.cilium


def _asked_chart(args: argparse.Namespace) -> Optional[str]:
    return str(Path(args.chart).expanduser().resolve()) if args.chart else None


def _values_file(path: Optional[str]) -> Optional[str]:
    if path and not Path(path).is_file():
        raise LabError(f"--values {path}: there is no such file.")
    return str(Path(path).resolve()) if path else None


def _configure(state: LabState, api: Api, program: Path, wanted: list[annotations.Annotation],
               progress: Progress) -> None:
    if wanted:
        with progress.step("Annotating nodes"):
            changed = annotations.apply(api, wanted, _cluster(state)["ports"]["closed"])
        progress.say(f"{changed} of {len(wanted)} annotations differed.")
    auditor = MANIFESTS / "auditor.yaml"
    release.apply_manifests(program, state, [auditor])


def _install_kube_proxy(state: LabState, api: Api, program: Path, args: argparse.Namespace, progress: Progress) -> None:
    with progress.step("Installing kube-proxy"):
        release.apply_manifests(program, state, [MANIFESTS / "kube-proxy.yaml"])
        release.wait_daemonset(api, "kube-proxy", args.timeout or 120)


def _cluster(state: LabState) -> dict[str, Any]:
    cluster = state.cluster()
    if cluster is None:
        raise LabError(f"Lab {state.name} has just ended: see the logs in {state.logs}.")
    return cluster


def _install(state: LabState, api: Api, program: Path, request: dict[str, Any], args: argparse.Namespace,
             progress: Progress) -> None:
    chart = Chart(Path(request["chart"]), request["cilium"])
    values = default_values(chart, _cluster(state)["ports"]["apiserver"], request.get("kube_proxy", False))
    options = [part for text in request["set"] for part in ("--set", text)]
    if request["values"]:
        options = ["--values", request["values"], *options]
    asked = {"values": values, "options": options}
    if state.request().get("installed") != asked:
        helm_program = helm.find_helm(args.helm, progress)
        with progress.step(f"Installing Cilium {chart.version} with {helm_program}"):
            release.apply_manifests(program, state, resource_definitions(chart))
            release.install(state, helm_program, chart, values, options)
        state.save_request({**request, "installed": asked})
    with progress.step("Waiting for the agents"):
        release.wait_agents(api, args.timeout or 120 + request["nodes"] / 5)


def down(args: argparse.Namespace, progress: Progress) -> Result:
    state = LabState(args.name)
    if not state.folder.exists():
        progress.say(f"There is no lab {args.name}.")
        return 0, {"name": args.name, "running": False}
    with state.front_lock(lambda: progress.say(f"Waiting for another command on lab {args.name} ...")):
        if state.running():
            supervisor.stop(state, progress)
        else:
            progress.say(f"Lab {args.name} is not running.")
        _clear(state.folder)
    return 0, {"name": args.name, "running": state.running(), "timings": progress.timings}


def _clear(folder: Path) -> None:
    """Leaves the logs alone: they are what a failed test wants to see."""
    for entry in folder.iterdir():
        if entry.name in KEPT_AFTER_DOWN:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def status(args: argparse.Namespace, progress: Progress) -> Result:
    """Exit code 0: running and every node and agent Ready; 1: not so; 3: not running."""
    state = LabState(args.name)
    facts = overview(state)
    if not facts["running"]:
        progress.say(f"Lab {args.name} is not running.")
        return 3, facts
    ready = sum(node["ready"] for node in facts["nodes"])
    progress.say(f"Lab {args.name}: {ready} of {len(facts['nodes'])} nodes Ready, API at {facts['server']}, "
                 f"Cilium {facts['cilium']}")
    for agent in facts["agents"]:
        if not agent["ready"]:
            progress.say(f"  {agent['node']}: agent {agent['state']} {agent['message']}".rstrip())
    progress.say(f"export KUBECONFIG={facts['kubeconfig']}")
    healthy = all(item["ready"] for item in facts["nodes"] + facts["agents"])
    return (0 if healthy else 1), facts


def overview(state: LabState) -> dict[str, Any]:
    """A lab as `status --json` prints it."""
    cluster = state.cluster()
    if cluster is None:
        return {"name": state.name, "running": False}
    api, request = Api(state), state.request()
    return {
        "name": state.name, "running": True, "pid": cluster["pid"], "server": cluster["server"],
        "ports": cluster["ports"], "kubeconfig": str(state.kubeconfig), "cilium": request.get("cilium"),
        "chart": request.get("chart"), "nodes": [_node(node) for node in api.get("/api/v1/nodes")["items"]],
        "agents": release.agents(api),
    }


def _node(node: dict[str, Any]) -> dict[str, Any]:
    ready = next(c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready")
    notes = {key: value for key, value in node["metadata"].get("annotations", {}).items() if key.startswith("lab/")}
    return {"name": node["metadata"]["name"], "ready": ready == "True", "annotations": notes}


def tools(args: argparse.Namespace, progress: Progress) -> Result:
    paths = {
        "go": str(golang.find_go(progress)), "cluster": str(cluster_program(progress)),
        **{f"helm{major}": str(helm.find_helm(str(major), progress)) for major in helm.VERSIONS},
    }
    return 0, paths
