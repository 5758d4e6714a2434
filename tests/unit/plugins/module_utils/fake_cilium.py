# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Cilium in the small API server: nodes, cilium-config, the DaemonSet and its controller, agents that answer."""
from __future__ import annotations

import json
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi, Output

SPACE = "/api/v1/namespaces/kube-system"
CONFIG = SPACE + "/configmaps/cilium-config"
DAEMONSET = "/apis/apps/v1/namespaces/kube-system/daemonsets/cilium"


def stamp(seconds: float = 0.0) -> str:
    """Now, or some seconds from it, as the API server writes times."""
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class FakeCilium:
    """Agents that take cilium-config as it is when their pod is made, like real ones."""

    def __init__(self, api: FakeApi, nodes: int = 3, version: str = "1.13.4", age: float = 600.0) -> None:
        self.api, self.version = api, version
        self.names = ["node-{0}".format(number) for number in range(1, nodes + 1)]
        self.modes: Dict[str, str] = {}
        self.broken: Dict[str, str] = {}
        self.health: Dict[str, str] = {}
        self.replace_after = 0.02
        self.most_down = 0
        self.serial = 0
        self.commands: List[List[str]] = []
        for name in self.names:
            self.put_node(name)
        self.configure({"bpf-lb-mode": "snat"}, changed=-age - 60)
        self.put_daemonset()
        for name in self.names:
            self.put_pod(name, created=-age)
        api.on_exec, api.on_delete = self.answer, self.replace

    def put_node(self, name: str, ready: bool = True, **labels: str) -> None:
        self.api.put("/api/v1/nodes/" + name, {
            "metadata": {"name": name, "labels": dict({"kubernetes.io/hostname": name}, **labels)},
            "spec": {"providerID": "lab://" + name},
            "status": {"nodeInfo": {"kernelVersion": "6.2.0", "osImage": "Linux", "architecture": "amd64",
                                    "bootID": "boot-" + name, "kubeletVersion": "v1.31.2"},
                       "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                       "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}]}})

    def configure(self, data: Dict[str, str], changed: float = 0.0) -> None:
        """Change cilium-config, as at `changed` seconds from now."""
        self.api.put(CONFIG, {"metadata": {"managedFields": [
            {"manager": "helm", "operation": "Update", "time": stamp(changed), "fieldsV1": {"f:data": {}}},
            {"manager": "label", "operation": "Update", "time": stamp(), "fieldsV1": {"f:metadata": {}}}]},
            "data": data})

    def put_daemonset(self, generation: int = 1, observed: int = 1, strategy: str = "RollingUpdate",
                      updated: Optional[int] = None, template: str = "1") -> None:
        count = len(self.names)
        self.template = template
        self.api.put(DAEMONSET, {
            "metadata": {"name": "cilium", "generation": generation, "labels": {"k8s-app": "cilium"},
                         "annotations": {"deprecated.daemonset.template.generation": template}},
            "spec": {"updateStrategy": {"type": strategy, "rollingUpdate": {"maxUnavailable": 2}},
                     "template": {"metadata": {"annotations": {}}}},
            "status": {"observedGeneration": observed, "desiredNumberScheduled": count, "currentNumberScheduled": count,
                       "updatedNumberScheduled": count if updated is None else updated, "numberReady": count,
                       "numberAvailable": count}})

    def path(self, node: str) -> str:
        """Path of the node's newest pod."""
        paths = [path for path, item in self.api.objects.items()
                 if path.startswith(SPACE + "/pods/cilium-") and item["spec"]["nodeName"] == node]
        return paths[-1]

    def put_pod(self, node: str, created: float = 0.0, ready: bool = True, **changes: Any) -> str:
        """A new agent on a node."""
        self.serial += 1
        name = "cilium-{0}-{1}".format(node, self.serial)
        self.modes[name] = self.api.objects[CONFIG]["data"]["bpf-lb-mode"]
        state = {"running": {"startedAt": stamp(created)}} if ready else {"waiting": {"reason": "ContainerCreating"}}
        container = {"name": "cilium-agent", "restartCount": 0, "ready": ready, "state": state}
        document = {
            "metadata": {"name": name, "creationTimestamp": stamp(created),
                         "labels": {"k8s-app": "cilium", "pod-template-generation": self.template},
                         "ownerReferences": [{"kind": "DaemonSet", "name": "cilium"}]},
            "spec": {"nodeName": node, "containers": [
                {"name": "cilium-agent", "image": "quay.io/cilium/cilium:v{0}@sha256:12ab".format(self.version)}]},
            "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                       "containerStatuses": [dict(container, **changes)]}}
        self.api.put("{0}/pods/{1}".format(SPACE, name), document)
        return name

    def crash(self, node: str, message: str, restarts: int) -> None:
        """A new agent that exits again and again."""
        self.put_pod(node, ready=False, restartCount=restarts, state={"waiting": {"reason": "CrashLoopBackOff"}},
                     lastState={"terminated": {"exitCode": 1, "message": message}})

    def replace(self, path: str, former: dict) -> None:
        """The DaemonSet controller: a deleted agent gets a successor."""
        if not path.startswith(SPACE + "/pods/cilium-"):
            return
        node = former["spec"]["nodeName"]
        self.count_down()
        threading.Thread(target=self.succeed, args=(node,), daemon=True).start()

    def succeed(self, node: str) -> None:
        time.sleep(self.replace_after)
        with self.api.lock:
            if node not in self.broken:
                self.put_pod(node)
            elif self.broken[node]:
                self.crash(node, self.broken[node], restarts=2)

    def count_down(self) -> None:
        """How many agents are away at this moment."""
        pods = [item for path, item in self.api.objects.items() if path.startswith(SPACE + "/pods/cilium-")]
        ready = [item for item in pods if item["status"]["conditions"][0]["status"] == "True"]
        self.most_down = max(self.most_down, len(self.names) - len(ready))

    def answer(self, pod: str, command: List[str]) -> Output:
        """The agent's command line, by the binary's name of its version."""
        self.commands.append([pod] + command)
        old = tuple(int(part) for part in self.version.split(".")[:2]) < (1, 15)
        if command[0] != ("cilium" if old else "cilium-dbg"):
            return Output(start_error='exec: "{0}": executable file not found in $PATH'.format(command[0]))
        if command[1] == "config":
            return Output(json.dumps({"DaemonConfigurationMap": {"Tunnel": "disabled", "IPAM": "kubernetes"}}).encode())
        return Output(json.dumps(self.status(pod)).encode())

    def status(self, pod: str) -> dict:
        """StatusResponse, cut down to what matters here."""
        node = self.api.objects["{0}/pods/{1}".format(SPACE, pod)]["spec"]["nodeName"]
        return {
            "cilium": {"state": self.health.get(node, "Ok"), "msg": self.version + " (v{0}-abc)".format(self.version)},
            "kube-proxy-replacement": {"mode": "Strict", "features": {"nodePort": {
                "enabled": True, "mode": self.modes[pod].upper(), "acceleration": "Disabled"}}}}
