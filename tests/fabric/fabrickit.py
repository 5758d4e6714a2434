# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: a fabric that is up, backends in it, and what the client sees of them.

`with started("name") as fabric:` gives a Fabric that ends with the block, or with this process.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

from kubernetes import client, config

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "fabric"
CANNOT = 3
NAMESPACE = "fabric-test"
IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"
ASK_SECONDS = 2.0
SMALL, FULL = 10, 1400
PORTS = {"tcp": 30100, "udp": 30200}
FAMILIES, PROTOS = (4, 6), ("tcp", "udp")


def run_fabric(*words: str, **options: Any) -> subprocess.CompletedProcess:
    """Runs the command line; never raises for its exit code."""
    return subprocess.run([sys.executable, str(PROGRAM), *words], check=False, capture_output=True, text=True, **options)


def told(*words: str) -> dict[str, Any]:
    """What `fabric ... --json` says; AssertionError with its own words where it fails."""
    done = run_fabric(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def wait(what: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true result of `what`; AssertionError with the last one after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = what()
        if result:
            return result
        assert time.monotonic() < deadline, f"still {result!r} after {seconds} s"
        time.sleep(0.1)


@dataclass(frozen=True)
class Way:
    """From the client through node `entry` to the backend on node `backend`, nodes by their number."""

    entry: int
    backend: int
    proto: str = "tcp"
    family: int = 4
    size: int = SMALL


@dataclass(frozen=True)
class Seen:
    """What came of it: `seen` is the client's address as the backend saw it, both None where there was no answer."""

    reached: bool
    backend: Optional[str]
    seen: Optional[str]
    error: Optional[str]


@contextmanager
def started(name: str, *options: str) -> Iterator[Fabric]:
    """A fabric that was not up before, ended with the block."""
    told("down", "--name", name)
    try:
        yield Fabric(told("up", "--name", name, "--watch-pid", str(os.getpid()), *options))
    finally:
        told("down", "--name", name)


class Fabric:
    """A fabric that is up."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.name: str = facts["name"]
        self.kubeconfig: str = facts["kubeconfig"]
        self.count = len(facts["nodes"])
        self.numbers = range(1, self.count + 1)
        self.client_addresses = dict(zip(FAMILIES, facts["client"]))

    def do(self, *words: str) -> dict[str, Any]:
        self.facts = told(words[0], "--name", self.name, *words[1:])
        return self.facts

    def status(self) -> dict[str, Any]:
        return json.loads(run_fabric("status", "--name", self.name, "--json").stdout)

    def exec(self, where: str, *words: str, **options: Any) -> subprocess.CompletedProcess:
        """Runs a command in the namespace of the client, the router, the control plane or a node."""
        return run_fabric("exec", "--name", self.name, where, *words, **options)

    def address(self, number: int, family: int = 4) -> str:
        return self.facts["nodes"][number - 1]["addresses"][FAMILIES.index(family)]

    def core(self) -> client.CoreV1Api:
        return client.CoreV1Api(config.new_client_from_config(self.kubeconfig))

    # Faults

    @contextmanager
    def fault(self, kind: str, *options: str) -> Iterator[None]:
        self.do("fault", kind, *options)
        try:
            yield
        finally:
            self.do("heal")

    def dropped(self) -> int:
        """Packets that the router's faults have cost so far."""
        return sum(fault["dropped"] or 0 for fault in self.status()["faults"])

    # Backends

    def deploy(self, annotations: Optional[dict[str, str]] = None, policy: str = "Cluster") -> None:
        """One backend a node, each with a NodePort service of its own; returns once all can be reached through all nodes."""
        core = self.core()
        core.create_namespace({"metadata": {"name": NAMESPACE}})
        wait(lambda: core.list_namespaced_service_account(NAMESPACE).items)
        for number in self.numbers:
            core.create_namespaced_pod(NAMESPACE, _pod(number))
            core.create_namespaced_service(NAMESPACE, _service(number, annotations, policy))
        wait(self.pods_ready)

    def pods_ready(self) -> bool:
        pods = self.core().list_namespaced_pod(NAMESPACE).items
        return len(pods) == self.count and all(pod.status.container_statuses and pod.status.container_statuses[0].ready
                                               for pod in pods)

    # What the client sees

    def ways(self, remote: bool = True, local: bool = False, size: int = SMALL) -> list[Way]:
        """All ways in both families and protocols."""
        return [Way(entry, backend, proto, family, size) for entry in self.numbers for backend in self.numbers
                for proto in PROTOS for family in FAMILIES if (remote if entry != backend else local)]

    def ask(self, ways: list[Way], seconds: float = ASK_SECONDS) -> dict[Way, Seen]:
        questions = [{"proto": way.proto, "address": self.address(way.entry, way.family), "size": way.size, "seconds": seconds,
                      "port": PORTS[way.proto] + way.backend} for way in ways]
        done = self.exec("client", sys.executable, str(HERE / "client.py"), input=json.dumps(questions))
        assert done.returncode == 0, done.stderr
        return {way: Seen(**answer) for way, answer in zip(ways, json.loads(done.stdout))}

    def broken(self, ways: list[Way]) -> set[Way]:
        return {way for way, seen in self.ask(ways).items() if not seen.reached}

    def wait_reached(self, ways: list[Way]) -> None:
        """Rules follow a change a moment later, on every node for itself."""
        wait(lambda: not self.broken(ways))


def _pod(number: int) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    return {"metadata": {"name": f"backend-{number}", "labels": {"backend": str(number)}},
            "spec": {"nodeName": f"node-{number}", "terminationGracePeriodSeconds": 1, "tolerations": [{"operator": "Exists"}],
                     "containers": [{"name": "server", "image": IMAGE, "args": ["netexec"], "readinessProbe": probe}]}}


def _service(number: int, annotations: Optional[dict[str, str]], policy: str) -> dict[str, Any]:
    ports = [{"name": proto, "protocol": proto.upper(), "port": target, "targetPort": target, "nodePort": PORTS[proto] + number}
             for proto, target in (("tcp", 8080), ("udp", 8081))]
    return {"metadata": {"name": f"backend-{number}", "annotations": annotations},
            "spec": {"type": "NodePort", "externalTrafficPolicy": policy, "ipFamilyPolicy": "RequireDualStack",
                     "selector": {"backend": str(number)}, "ports": ports}}
