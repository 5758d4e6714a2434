# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""kube-proxy in the small API server: its DaemonSet as kubeadm makes it, and what the DaemonSet controller does with it."""
from __future__ import annotations

import threading
import time
from typing import Dict

from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi

SPACE = "/api/v1/namespaces/kube-system"
DAEMONSET = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"


class FakeKubeProxy:
    """Nodes without labels but kubernetes.io/os=linux; the controller needs `delay` seconds for anything."""

    def __init__(self, api: FakeApi, nodes: int = 3, delay: float = 0.1) -> None:
        self.api, self.delay = api, delay
        self.nodes = ["node-{0}".format(number) for number in range(1, nodes + 1)]
        self.ready, self.down = True, ""
        api.put(DAEMONSET, {
            "metadata": {"labels": {"k8s-app": "kube-proxy"}, "generation": 1},
            "spec": {"selector": {"matchLabels": {"k8s-app": "kube-proxy"}},
                     "template": {"metadata": {"labels": {"k8s-app": "kube-proxy"}},
                                  "spec": {"nodeSelector": {"kubernetes.io/os": "linux"},
                                           "containers": [{"name": "kube-proxy", "image": "kube-proxy:v1"}]}}},
            "status": {}})
        self.control()
        api.on_change = self.changed

    @property
    def selector(self) -> Dict[str, str]:
        return self.api.objects[DAEMONSET]["spec"]["template"]["spec"].get("nodeSelector", {})

    def lose(self, node: str, **labels: str) -> None:
        """This node's kubelet is heard no more; all others are well."""
        self.down = node
        for name in self.nodes:
            self.api.put("/api/v1/nodes/" + name, {
                "metadata": {"labels": {"kubernetes.io/os": "linux", **(labels if name == node else {})}}, "spec": {},
                "status": {"conditions": [{"type": "Ready", "status": "Unknown" if name == node else "True"}]}})

    def pods(self) -> list:
        return [path for path in self.api.objects if path.startswith(SPACE + "/pods/kube-proxy-")]

    def changed(self, path: str, _now: dict) -> None:
        if path == DAEMONSET and self.delay is not None:
            threading.Thread(target=self.later, daemon=True).start()

    def later(self) -> None:
        time.sleep(self.delay)
        with self.api.lock:
            self.control()

    def control(self) -> None:
        """One pass of the DaemonSet controller, and of the kubelets."""
        fits = self.selector.items() <= {"kubernetes.io/os": "linux"}.items()
        for path in self.pods():
            del self.api.objects[path]
        for node in self.nodes if fits else ():
            self.api.put("{0}/pods/kube-proxy-{1}".format(SPACE, node), {
                "metadata": {"labels": {"k8s-app": "kube-proxy"},
                             "ownerReferences": [{"kind": "DaemonSet", "name": "kube-proxy"}]},
                "spec": {"nodeName": node},
                "status": {"conditions": [{"type": "Ready", "status": str(self.ready and node != self.down)}]}})
        item = dict(self.api.objects[DAEMONSET])
        count = len(self.nodes) if fits else 0
        up = max(0, count - bool(self.down)) if self.ready else 0
        item["status"] = {"observedGeneration": item["metadata"]["generation"], "desiredNumberScheduled": count,
                          "updatedNumberScheduled": count, "numberReady": up}
        self.api.put(DAEMONSET, item)
