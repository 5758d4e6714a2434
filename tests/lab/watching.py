# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: a watch on the agents that counts how many are away at a time."""
from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import Iterator

import urllib3
from kubernetes import client, watch

from labkit import AGENTS, NAMESPACE, Lab


def is_ready(pod: client.V1Pod) -> bool:
    conditions = pod.status.conditions or []
    return not pod.metadata.deletion_timestamp and any(
        item.type == "Ready" and item.status == "True" for item in conditions)


class Count:
    """The most agents of so many nodes that were not Ready at one moment."""

    def __init__(self, nodes: int) -> None:
        self.nodes, self.most = nodes, 0
        self.ready: dict = {}

    def note(self, event: dict) -> None:
        pod = event["object"]
        if is_ready(pod) and event["type"] != "DELETED":
            self.ready[pod.metadata.uid] = pod.spec.node_name
        else:
            self.ready.pop(pod.metadata.uid, None)
        self.most = max(self.most, self.nodes - len(set(self.ready.values())))


@contextmanager
def counted(lab: Lab) -> Iterator[Count]:
    """Watches the agents until the end of the block."""
    core = lab.core()
    pods = core.list_namespaced_pod(NAMESPACE, label_selector=AGENTS)
    count = Count(len(core.list_node().items))
    count.ready = {pod.metadata.uid: pod.spec.node_name for pod in pods.items if is_ready(pod)}

    def follow() -> None:
        with suppress(urllib3.exceptions.ProtocolError):  # the lab may end before it does
            for event in watch.Watch().stream(
                    core.list_namespaced_pod, NAMESPACE, label_selector=AGENTS, timeout_seconds=600,
                    resource_version=pods.metadata.resource_version):
                count.note(event)

    threading.Thread(target=follow, daemon=True).start()
    yield count
    time.sleep(0.5)
