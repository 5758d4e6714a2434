# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Cilium's agents: their pods, and what each says of itself when asked."""
from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status import NotAStatus, parse_status
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Failed, Garbled, KubeError, Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_exec import ExecResult
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_proxy_facts import options_of
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.module_utils.versions import image_version, parse_version

CONTAINER = "cilium-agent"
SELECTOR = "k8s-app=cilium"
# Put into the pod template by the chart's rollOutCiliumPods: agents then restart by themselves.
CHECKSUM = "cilium.io/cilium-configmap-checksum"
# cilium-dbg is the agent's own command line from 1.15 on, cilium up to 1.14.
RENAMED_IN = (1, 15)
# From here on the status itself says how pods are routed.
ROUTING_IN_STATUS = (1, 16)
ROUTING_MODES = {"native": "native", "tunnel": "tunnel", "disabled": "native", "vxlan": "tunnel", "geneve": "tunnel"}


class LastChange(NamedTuple):
    """When cilium-config last changed, whether that was its creation, and its checksum in the pod template, if any."""

    at: Optional[str] = None
    is_creation: bool = False
    checksum: Optional[str] = None


class Answer(NamedTuple):
    """What an agent said: parse_status' dict and where from ("json" or "text"), its options, and what went wrong."""

    status: Optional[dict] = None
    source: Optional[str] = None
    routing_mode: Optional[str] = None
    error: Optional[KubeError] = None
    options_error: Optional[KubeError] = None


def list_pods(cluster: Cluster, namespace: str, daemonset: Optional[str]) -> List[dict]:
    """The current agent pod of every node, by node name; `daemonset` None takes any DaemonSet's."""
    pods = cluster.list("/api/v1/namespaces/{0}/pods".format(namespace), label_selector=SELECTOR)
    return current_pods([pod for pod in pods if owned(pod, daemonset)])


def owned(pod: dict, daemonset: Optional[str]) -> bool:
    """True for pods of the DaemonSet."""
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner.get("kind") == "DaemonSet" and daemonset in (None, owner.get("name")) for owner in owners)


def current_pods(pods: List[dict]) -> List[dict]:
    """One pod for each node: one that is not on its way out if there is any, then the newest."""
    chosen: Dict[str, dict] = {}
    for pod in sorted(pods, key=lambda pod: (not terminating(pod), pod["metadata"]["creationTimestamp"])):
        chosen[node_of(pod)] = pod
    return [chosen[node] for node in sorted(chosen)]


def terminating(pod: dict) -> bool:
    """True once deletion was asked for."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def node_of(pod: dict) -> str:
    """The pod's node, or the one its DaemonSet made it for while it is not scheduled."""
    if pod["spec"].get("nodeName"):
        return pod["spec"]["nodeName"]
    affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    fields = [field for term in required.get("nodeSelectorTerms") or [] for field in term.get("matchFields") or []]
    names = [value for field in fields if field.get("key") == "metadata.name" for value in field.get("values") or []]
    return names[0] if names else ""


def describe(pod: dict, change: LastChange) -> Dict[str, Any]:
    """Facts of an agent from its pod alone; `status`, `source` and `options` still empty."""
    state = container_state(pod)
    running = (state.get("state") or {}).get("running") or {}
    image = agent_image(pod)
    return {
        "node": node_of(pod), "pod": pod["metadata"]["name"], "uid": pod["metadata"]["uid"], "image": image,
        "version": image_version(image) if image else None, "created_at": pod["metadata"]["creationTimestamp"],
        "started_at": running.get("startedAt"), "restarts": state.get("restartCount", 0), "ready": is_ready(pod),
        "waiting": waiting(pod), "last_message": last_message(state) or last_message(failed_init(pod)),
        "config_current": config_current(pod["metadata"], change),
        "status": None, "source": None, "options": dict(options_of(pod, CONTAINER), routing_mode=None), "error": None,
    }


def config_current(metadata: dict, change: LastChange) -> Optional[bool]:
    """True when the pod was created after the change of cilium-config; None when that cannot be told.

    Both times have whole seconds. Within the same second it is true where cilium-config was never changed since it
    was created (no agent starts without it), or where the pod carries its current checksum (Helm applies the DaemonSet
    after it).
    """
    created_at = metadata["creationTimestamp"]
    if change.at is None:
        return None
    if created_at != change.at:
        return created_at > change.at  # RFC 3339 in UTC sorts as text
    checksum = (metadata.get("annotations") or {}).get(CHECKSUM)
    return True if change.is_creation or (checksum is not None and checksum == change.checksum) else None


def agent_image(pod: dict) -> Optional[str]:
    """The image the pod asks for: the one reported as running may be a bare digest."""
    images = [item.get("image") for item in pod["spec"].get("containers") or [] if item.get("name") == CONTAINER]
    return images[0] if images else None


def container_state(pod: dict) -> dict:
    """Container status of the agent."""
    states = pod.get("status", {}).get("containerStatuses") or []
    return next((state for state in states if state.get("name") == CONTAINER), {})


def is_ready(pod: dict) -> bool:
    """The pod's own Ready condition; a pod on its way out is not ready."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
    return ready and not terminating(pod)


def waiting(pod: dict) -> Optional[str]:
    """Why the agent does not run, in the kubelet's or scheduler's word; None when it runs."""
    if terminating(pod):
        return "Terminating"
    status = pod.get("status", {})
    for prefix, part in (("", "containerStatuses"), ("Init:", "initContainerStatuses")):
        for item in status.get(part) or []:
            reason = ((item.get("state") or {}).get("waiting") or {}).get("reason")
            if reason and reason != "PodInitializing":
                return prefix + one_line(reason, 100)
    unscheduled = [item for item in status.get("conditions") or []
                   if item.get("type") == "PodScheduled" and item.get("status") == "False"]
    return one_line(unscheduled[0].get("reason") or "Unschedulable", 100) if unscheduled else None


def failed_init(pod: dict) -> dict:
    """Container status of an init container that ended badly: agents from 1.13 on read their configuration there."""
    states = pod.get("status", {}).get("initContainerStatuses") or []
    return next((state for state in states if not state.get("ready")), {})


def last_message(state: dict) -> Optional[str]:
    """The agent's last words: the reason of its last end, which the kubelet takes from the log's tail."""
    ends = [(state.get(when) or {}).get("terminated") or {} for when in ("state", "lastState")]
    messages = [end.get("message") for end in ends if end.get("message")]
    return telling_line(messages[0]) if messages else None


def telling_line(text: str) -> Optional[str]:
    """The last line that names a fatal error, else the last one, of a log's tail."""
    lines = [line for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "fatal" in line.lower()]
    return one_line((fatal or lines)[-1], 400) if lines else None


def ask_all(cluster: Cluster, namespace: str, agents: List[Dict[str, Any]], concurrency: int,
            timeout: float) -> List[Answer]:
    """Every agent's answer, in order; `timeout` seconds for each, at most `concurrency` at a time."""
    with ThreadPoolExecutor(max_workers=max(1, concurrency)) as pool:
        return list(pool.map(lambda agent: ask(cluster, namespace, agent, timeout), agents))


def ask(cluster: Cluster, namespace: str, agent: Dict[str, Any], timeout: float) -> Answer:
    """One agent's status, and the options its status does not show; never raises KubeError."""
    deadline = time.monotonic() + timeout
    if agent["started_at"] is None:
        return Answer(error=Failed("The agent does not run: {0}.".format(
            agent["last_message"] or agent["waiting"] or "its container has not started")))
    talk = Talk(cluster, namespace, agent["pod"], deadline, timeout)
    try:
        status, source, binary = talk.status(commands(agent["version"]))
    except KubeError as error:
        return Answer(error=error)
    if status.get("routing_mode") is not None or (parse_version(agent["version"]) or ()) >= ROUTING_IN_STATUS:
        return Answer(status, source)
    try:
        return Answer(status, source, talk.routing_mode(binary))
    except KubeError as error:
        return Answer(status, source, options_error=error)


def commands(version: Optional[str]) -> Tuple[str, str]:
    """The agent's command line by its names, the likelier one first."""
    known = parse_version(version)
    old = known is not None and known < RENAMED_IN
    return ("cilium", "cilium-dbg") if old else ("cilium-dbg", "cilium")


class Talk(NamedTuple):
    """A conversation with one agent that ends at `deadline` (monotonic seconds)."""

    cluster: Cluster
    namespace: str
    pod: str
    deadline: float
    timeout: float

    def run(self, *command: str) -> ExecResult:
        """Run a command in the time that is left."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Timeout("The agent in pod {0} was not read within {1:g} s.".format(self.pod, self.timeout))
        return self.cluster.exec(self.namespace, self.pod, CONTAINER, list(command), left)

    def status(self, binaries: Tuple[str, ...]) -> Tuple[dict, str, str]:
        """(parsed status, "json" or "text", the binary that answered), with the first binary that exists."""
        for binary in binaries[:-1]:
            try:
                return self.status_from(binary)
            except NoSuchCommand:
                continue
        return self.status_from(binaries[-1])

    def status_from(self, binary: str) -> Tuple[dict, str, str]:
        """JSON first; text where that is no status."""
        for source, arguments in (("json", ("-o", "json")), ("text", ("--verbose",))):
            # An agent in trouble says so with an exit code and prints its status all the same.
            result = self.run_or_miss(binary, "status", *arguments)
            try:
                return parse_status(result.stdout), source, binary
            except NotAStatus:
                continue
        raise refused(binary, result)

    def run_or_miss(self, *command: str) -> ExecResult:
        """Run a command; NoSuchCommand when the image does not have it."""
        try:
            result = self.run(*command)
        except Failed as error:
            if missing(error.message):
                raise NoSuchCommand(error.message) from None
            raise
        if result.exit_code in (126, 127):
            raise NoSuchCommand("{0} is not in the image: {1}".format(command[0], result.stderr or result.stdout))
        return result

    def routing_mode(self, binary: str) -> Optional[str]:
        """native or tunnel by the running agent's options; None when they do not say."""
        result = self.run(binary, "config", "-a", "-o", "json")
        try:
            # Warnings of the command may stand before the document.
            options = flat(json.loads(result.stdout[result.stdout.find("\n{") + 1:]))
        except ValueError:
            raise refused(binary, result) from None
        value = options.get("RoutingMode") or options.get("Tunnel")
        return ROUTING_MODES.get(str(value).lower())


class NoSuchCommand(Failed):
    """The container has no such command."""


def missing(message: str) -> bool:
    """True for the container runtimes' words for a command that is not there."""
    return any(words in message.lower() for words in ("executable file not found", "no such file or directory"))


def refused(binary: str, result: ExecResult) -> KubeError:
    """No status came: the agent's own error, or something that cannot be understood."""
    if result.exit_code != 0:
        said = telling_line(result.stderr) or telling_line(result.stdout) or "no message"
        return Failed("{0} ended with exit code {1}: {2}".format(binary, result.exit_code, said))
    return Garbled("{0} printed something that is not what it should print: {1}".format(
        binary, one_line(result.stdout, 100) or "nothing"))


def flat(document: Any) -> Dict[str, Any]:
    """Every scalar of nested mappings by its own key: where the options stand differs between versions."""
    values: Dict[str, Any] = {}
    for key, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, dict):
            values.update(flat(value))
        elif value not in (None, ""):
            values[key] = value
    return values
