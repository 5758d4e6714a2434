# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: starts labs and looks at them.

`with started("name", "--nodes", "2") as lab:` gives a Lab that ends with the block, or with this process.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple, Optional

from kubernetes import client, config
from kubernetes.stream import stream

sys.path.insert(0, str(Path(__file__).resolve().parent))

from front import annotations, helm  # noqa: E402
from front.api import Api  # noqa: E402
from front.progress import Progress  # noqa: E402
from front.state import LabState  # noqa: E402

PROGRAM = Path(__file__).resolve().parent / "lab"
NAMESPACE = "kube-system"
AGENTS = "k8s-app=cilium"
ERROR_CHANNEL = 3


def run_lab(*words: str, env: Optional[dict[str, str]] = None) -> subprocess.CompletedProcess:
    """Runs the front end; never raises for its exit code. Without LAB_CHART, unless `env` gives it."""
    clean = {key: value for key, value in os.environ.items() if key != "LAB_CHART"}
    return subprocess.run([sys.executable, str(PROGRAM), *words], check=False, capture_output=True, text=True,
                          env={**clean, **(env or {})}, timeout=900)


@contextmanager
def started(name: str, *options: str) -> Iterator[Lab]:
    """A lab that did not run before, ended with the block."""
    lab = Lab(name)
    lab.down()
    try:
        lab.up("--watch-pid", str(os.getpid()), *options)
        yield lab
    finally:
        lab.down()


def wait(what: Callable[[], Any], seconds: float = 20) -> Any:
    """The first true result of `what`; AssertionError with the last one after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = what()
        if result:
            return result
        assert time.monotonic() < deadline, f"still {result!r} after {seconds} s"
        time.sleep(0.05)


class Answer(NamedTuple):
    """What an exec came to. `code` is None where no command ran; `status` is the API's own word on it."""

    code: Optional[int]
    out: str
    err: str
    status: dict[str, Any]


class Lab:
    """A lab by name, running or not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = LabState(name)
        self.kubeconfig = self.state.kubeconfig

    def up(self, *options: str) -> dict[str, Any]:
        """`lab up`, as `lab status --json` shows the lab then."""
        done = run_lab("up", "--name", self.name, "--json", *options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def down(self) -> None:
        done = run_lab("down", "--name", self.name)
        assert done.returncode == 0, done.stderr

    def status(self) -> dict[str, Any]:
        return json.loads(run_lab("status", "--name", self.name, "--json").stdout)

    def api(self, kubeconfig: Optional[Path] = None) -> client.ApiClient:
        """A client of the lab's API; a new one each time, since an exec spoils its client for other threads."""
        return config.new_client_from_config(str(kubeconfig or self.kubeconfig))

    def core(self) -> client.CoreV1Api:
        return client.CoreV1Api(self.api())

    def apps(self) -> client.AppsV1Api:
        return client.AppsV1Api(self.api())

    def objects(self) -> client.CustomObjectsApi:
        return client.CustomObjectsApi(self.api())

    def agents(self) -> dict[str, client.V1Pod]:
        """Agent pods by node, without those that are being deleted."""
        pods = self.core().list_namespaced_pod(NAMESPACE, label_selector=AGENTS).items
        return {pod.spec.node_name: pod for pod in pods if not pod.metadata.deletion_timestamp}

    def agent_container(self, node: str) -> Optional[client.V1ContainerStatus]:
        pod = self.agents().get(node)
        statuses = (pod.status.container_statuses or []) if pod else []
        return next((status for status in statuses if status.name == "cilium-agent"), None)

    def restart_agent(self, node: str) -> str:
        """Deletes the node's agent; the new pod's name, which may not be Ready yet."""
        # There is none for a moment where the DaemonSet is rolling.
        old = wait(lambda: self.agents().get(node)).metadata
        self.core().delete_namespaced_pod(old.name, NAMESPACE)
        return wait(lambda: self._other_agent(node, old.uid))

    def _other_agent(self, node: str, uid: str) -> Optional[str]:
        pod = self.agents().get(node)
        return pod.metadata.name if pod and pod.metadata.uid != uid and pod.status.container_statuses else None

    def wait_agent_ready(self, node: str) -> client.V1ContainerStatus:
        def ready() -> Optional[client.V1ContainerStatus]:
            status = self.agent_container(node)
            return status if status and status.ready else None
        return wait(ready)

    def annotate(self, node: str, key: str, value: Optional[str]) -> None:
        """Steers a node; None takes the annotation away. Returns once the node's status follows."""
        wanted = annotations.Annotation(node, key, value)
        annotations.apply(Api(self.state), [wanted], self.state.cluster()["ports"]["closed"])

    def set_config(self, values: dict[str, Optional[str]]) -> None:
        """Edits the live cilium-config; None removes a key."""
        self.core().patch_namespaced_config_map("cilium-config", NAMESPACE, {"data": values})

    def exec(self, pod: str, *command: str, stdin: Optional[str] = None, container: str = "cilium-agent",
             namespace: str = NAMESPACE, seconds: float = 30) -> Answer:
        session = stream(self.core().connect_get_namespaced_pod_exec, pod, namespace, container=container,
                         command=list(command), stdin=stdin is not None, stdout=True, stderr=True, tty=False,
                         _preload_content=False)
        try:
            if stdin is not None:
                session.write_stdin(stdin)
                session.close_channel(0)
            session.run_forever(timeout=seconds)
            out, err = session.read_stdout(timeout=0), session.read_stderr(timeout=0)
            status = json.loads(session.read_channel(ERROR_CHANNEL) or "{}")
        finally:
            session.close()
        return Answer(_exit_code(status), out, err, status)

    def agent_exec(self, node: str, *command: str, **options: Any) -> Answer:
        return self.exec(self.agents()[node].metadata.name, *command, **options)

    def helm(self, *words: str, version: Optional[str] = None) -> str:
        """Runs Helm ("3", "4" or that of PATH) on the lab; what it prints."""
        program = helm.find_helm(version, Progress(sys.stderr))
        done = subprocess.run([str(program), *words, "--kubeconfig", str(self.kubeconfig), "--namespace", NAMESPACE],
                              env=helm.environment(self.state.folder / "helm"), check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def processes(self) -> list[int]:
        """Ids of the processes that have the lab's folder in their arguments, zombies left out."""
        return processes_with(str(self.state.folder) + "/") + processes_with(str(self.state.folder) + "\0")


def _exit_code(status: dict[str, Any]) -> Optional[int]:
    if status.get("status") == "Success":
        return 0
    causes = status.get("details", {}).get("causes", [])
    return next((int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode"), None)


def processes_with(text: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_bytes().decode(errors="replace"):
                found.append(int(path.parent.name))
        except OSError:
            continue  # it has just ended
    return found
