# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs Cilium with the real Helm and waits for its agents."""
from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any, NoReturn

from . import helm
from .api import Api
from .charts import Chart
from .errors import LabError
from .state import LabState

RELEASE, NAMESPACE = "cilium", "kube-system"
AGENT_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=k8s-app%3Dcilium"
DAEMONSET = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/cilium"
HELM_SECONDS = 300
REFUSAL_SECONDS = 5  # once one agent has refused, how long the others may take to start or refuse too
POLL_SECONDS = 0.1
LIST_SECONDS = 0.005  # per node: how long to wait between two lists of all agents, which are costly


def apply_manifests(program: Path, state: LabState, files: list[Path]) -> None:
    done = subprocess.run([str(program), "apply", "--kubeconfig", str(state.kubeconfig), *map(str, files)],
                          check=False, capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"The lab's manifests were refused: {done.stderr.strip()}")


def install(state: LabState, helm_program: Path, chart: Chart, values: dict[str, Any], options: list[str]) -> None:
    """Installs or upgrades; `options` are further --values and --set arguments."""
    values_file = state.folder / "values.json"
    values_file.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    command = [str(helm_program), "upgrade", "--install", RELEASE, str(chart.path), "--namespace", NAMESPACE,
               "--kubeconfig", str(state.kubeconfig), "--values", str(values_file), *options]
    done = subprocess.run(command, env=helm.environment(state.folder / "helm"), stdin=subprocess.DEVNULL,
                          check=False, capture_output=True, text=True, timeout=HELM_SECONDS)
    if done.returncode:
        raise LabError(f"Helm refused: {_complaint(done.stderr)}")


def _complaint(stderr: str) -> str:
    lines = [line for line in stderr.strip().splitlines() if "found symbolic link in path" not in line]
    return "\n".join(lines) or "it gave no reason"


def wait_daemonset(api: Api, name: str, seconds: float) -> None:
    """Returns once a DaemonSet of kube-system has a Ready pod on every node."""
    deadline, path = time.monotonic() + seconds, f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/{name}"
    while not _rolled_out(api.get(path)):
        if time.monotonic() > deadline:
            raise LabError(f"DaemonSet {name} is not Ready on every node after {seconds:.0f} s.")
        time.sleep(POLL_SECONDS)


def wait_agents(api: Api, seconds: float) -> None:
    """Returns once every agent is Ready; agents that refuse to start end the waiting."""
    deadline, next_list, found = time.monotonic() + seconds, 0.0, []
    while not _rolled_out(daemonset := api.get(DAEMONSET)):
        if time.monotonic() > next_list:
            found = agents(api)
            next_list = time.monotonic() + LIST_SECONDS * daemonset["status"]["desiredNumberScheduled"]
            if any(map(_refuses, found)):
                deadline = min(deadline, time.monotonic() + REFUSAL_SECONDS)
        if time.monotonic() > deadline or _nothing_more_to_come(found):
            _complain(agents(api), seconds)
        time.sleep(POLL_SECONDS)


def _nothing_more_to_come(found: list[dict[str, Any]]) -> bool:
    return any(map(_refuses, found)) and all(_refuses(agent) or agent["ready"] for agent in found)


def _refuses(agent: dict[str, Any]) -> bool:
    return agent["state"] == "CrashLoopBackOff"


def _complain(found: list[dict[str, Any]], seconds: float) -> NoReturn:
    refusals = {agent["node"]: agent["message"] for agent in found if _refuses(agent)}
    if refusals:
        raise LabError("Agents refuse to start:\n" + _listed(refusals))
    waiting = {agent["node"]: f"{agent['state']}, not ready" for agent in found if not agent["ready"]}
    raise LabError(f"Agents not Ready after {seconds:.0f} s:\n" + (_listed(waiting) or "  there is no agent"))


def _listed(by_node: dict[str, str], most: int = 10) -> str:
    lines = [f"  {node}: {text}" for node, text in sorted(by_node.items())]
    return "\n".join(lines[:most] + ([f"  and {len(lines) - most} more"] if len(lines) > most else []))


def _rolled_out(daemonset: dict[str, Any]) -> bool:
    status = daemonset["status"]
    desired = status["desiredNumberScheduled"]
    return (status.get("observedGeneration") == daemonset["metadata"]["generation"] and desired > 0
            and status.get("numberReady") == desired
            and (status.get("updatedNumberScheduled") == desired or _on_delete(daemonset)))


def _on_delete(daemonset: dict[str, Any]) -> bool:
    return daemonset["spec"]["updateStrategy"]["type"] == "OnDelete"


def agents(api: Api) -> list[dict[str, Any]]:
    """One entry per agent pod: node, pod, ready, restarts, state and, where it refused to start, its message."""
    return sorted((_agent(pod) for pod in api.get(AGENT_PODS)["items"]), key=lambda agent: agent["node"])


def _agent(pod: dict[str, Any]) -> dict[str, Any]:
    statuses = pod["status"].get("containerStatuses", [])
    status = next((one for one in statuses if one["name"] == "cilium-agent"), {})
    last = status.get("lastState", {}).get("terminated", {})
    state = status.get("state", {})
    return {
        "node": pod["spec"].get("nodeName", ""), "pod": pod["metadata"]["name"],
        "ready": status.get("ready", False), "restarts": status.get("restartCount", 0),
        "state": state.get("waiting", {}).get("reason") or next(iter(state), "pending"),
        "message": last.get("message", ""),
    }
