# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Cilium's DaemonSet and agents look like to a rollout, and what keeps an agent from being as it is wanted."""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_agents, cilium_facts
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, KubeError, NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

# The API server counts template changes here and the DaemonSet controller copies the count to each pod's label.
TEMPLATE_ANNOTATION, TEMPLATE_LABEL = "deprecated.daemonset.template.generation", "pod-template-generation"


class View(NamedTuple):
    """One look: DaemonSet facts, generation of its template, data and last change of cilium-config, agents by node."""

    daemonset: Dict[str, Any]
    template: Optional[str]
    config: Dict[str, str]
    change: cilium_agents.LastChange
    agents: Dict[str, Dict[str, Any]]


def look(cluster: Cluster, namespace: str) -> View:
    """Read DaemonSet, cilium-config and all agents' pods. Raises KubeError."""
    daemonset = cilium_facts.settled_daemonset(cluster, namespace)
    config = cilium_facts.get_config(cluster, namespace)
    change = cilium_facts.last_change(config, daemonset)
    pods = cilium_agents.list_pods(cluster, namespace, daemonset["metadata"]["name"])
    agents = [describe(pod, change) for pod in pods]
    return View(cilium_facts.describe_daemonset(daemonset), template_of(daemonset), dict(config.get("data") or {}),
                change, {agent["node"]: agent for agent in agents})


def look_at(cluster: Cluster, namespace: str, view: View, node: str) -> Optional[Dict[str, Any]]:
    """The agent of one node as it is now; None while there is none."""
    pods = cluster.list("/api/v1/namespaces/{0}/pods".format(namespace), label_selector=cilium_agents.SELECTOR,
                        field_selector="spec.nodeName={0}".format(node))
    mine = [pod for pod in pods if cilium_agents.owned(pod, view.daemonset["name"])]
    current = cilium_agents.current_pods(mine)
    return describe(current[0], view.change) if current else None


def describe(pod: dict, change: cilium_agents.LastChange) -> Dict[str, Any]:
    """Facts of an agent, the generation of the template it was made from, and how often it failed before it could begin."""
    labels = pod["metadata"].get("labels") or {}
    failed = cilium_agents.failed_init(pod).get("restartCount", 0)
    return dict(cilium_agents.describe(pod, change), template=labels.get(TEMPLATE_LABEL), failed_starts=failed)


def template_of(daemonset: dict) -> Optional[str]:
    """Generation of the DaemonSet's pod template."""
    return (daemonset["metadata"].get("annotations") or {}).get(TEMPLATE_ANNOTATION)


def rolling(daemonset: Dict[str, Any]) -> Optional[str]:
    """Why the DaemonSet controller is, or may be, restarting agents itself; None when it is at rest."""
    if (daemonset["observed_generation"] or 0) < daemonset["generation"]:
        return "the controller has not seen its last change yet"
    if daemonset["update_strategy"] == "RollingUpdate" and daemonset["updated"] < (daemonset["desired"] or 0):
        return "{updated} of {desired} agents are updated".format(**daemonset)
    return None


def unready_outside(view: View, nodes: List[str]) -> List[str]:
    """Agents that are not Ready on other nodes; a node whose agent is missing altogether shows as '(no agent)'."""
    unready = [node for node, agent in view.agents.items() if not agent["ready"] and node not in nodes]
    missing = max(0, (view.daemonset["desired"] or 0) - len(view.agents))
    return sorted(unready) + ["(no agent)"] * missing


def config_differences(data: Dict[str, str], wanted: Dict[str, Optional[str]]) -> List[str]:
    """'key is x, wanted y' for keys of cilium-config that differ; None means absent."""
    pairs = [(key, data.get(key), wanted[key]) for key in sorted(wanted)]
    return [difference(key, found, value) for key, found, value in pairs if found != value]


def difference(key: str, found: Any, wanted: Any) -> str:
    """One difference in words."""
    words = " or ".join(shown(value) for value in wanted) if isinstance(wanted, list) else shown(wanted)
    return "{0} is {1}, wanted {2}".format(one_line(key, 80), shown(found), words)


def shown(value: Any) -> str:
    """A value in a sentence."""
    return "not there" if value is None else one_line(value, 80)


def live_differences(answer: cilium_agents.Answer, wanted: Dict[str, Any], agent: Dict[str, Any]) -> List[str]:
    """What an agent's own status, or its pod where that says nothing, lacks: an answer, health, wanted values."""
    if answer.error is not None:
        return [answer.error.message]
    status = dict(agent["options"], **{key: value for key, value in (answer.status or {}).items() if value is not None})
    status["routing_mode"] = status.get("routing_mode") or answer.routing_mode
    health = [] if status.get("health") == "ok" else ["its health is {0}".format(status.get("health") or "not told")]
    return health + [difference(key, status.get(key), wanted[key]) for key in sorted(wanted)
                     if not accepted(status.get(key), wanted[key])]


def accepted(found: Any, wanted: Any) -> bool:
    """Equal to the wanted value, or to one of a list of accepted ones; a list that is found holds all the wanted."""
    if isinstance(wanted, list) and isinstance(found, list):
        return all(item in found for item in wanted)
    if isinstance(wanted, list):
        return any(accepted(found, value) for value in wanted)
    # YAML makes a boolean of an unquoted true, which agents print as a word.
    return found == (str(wanted).lower() if isinstance(wanted, bool) else wanted)


def pod_differences(agent: Dict[str, Any], view: View) -> List[str]:
    """What an agent's pod lacks, told without asking the agent."""
    reasons = []
    if not agent["ready"]:
        reasons.append("it is not Ready" + (" ({0})".format(agent["waiting"]) if agent["waiting"] else ""))
    if agent["config_current"] is not True:
        reasons.append("it is not proven to have started after the last change of cilium-config"
                       if agent["config_current"] is None else "it started before the last change of cilium-config")
    if view.template is not None and agent["template"] != view.template:
        reasons.append("it was made from a former pod template")
    return reasons


def last_words(cluster: Cluster, namespace: str, agent: Optional[Dict[str, Any]]) -> str:
    """Why an agent is down, in its own words where it left any."""
    if agent is None:
        return "no new pod was made"
    message = agent["last_message"] or (None if agent["ready"] else log_tail(cluster, namespace, agent))
    if agent["waiting"] or agent["last_message"]:
        return ": ".join(part for part in (agent["waiting"], message) if part)
    # Its container runs, so what it says last need not be the cause.
    return "it does not become Ready" + ("; its log says: {0}".format(message) if message else "")


def log_tail(cluster: Cluster, namespace: str, agent: Dict[str, Any]) -> Optional[str]:
    """The telling line of the agent's log, of its last life if it restarted; None where logs cannot be read."""
    path = "/api/v1/namespaces/{0}/pods/{1}/log".format(namespace, agent["pod"])
    previous = "true" if agent["restarts"] else None
    try:
        text = cluster.text(path, container=cilium_agents.CONTAINER, tailLines=30, limitBytes=65536, previous=previous)
    except KubeError:
        return None
    return cilium_agents.telling_line(text)


def require_ready_node(cluster: Cluster, node: str) -> None:
    """Raises NotFound where a node is away: its agent cannot come back by a restart."""
    if not cilium_facts.describe_node(cluster.get("/api/v1/nodes/{0}".format(node)))["ready"]:
        raise NotFound("Node {0} is not Ready, so its agent cannot be restarted: repair the node or leave it "
                       "out.".format(node))
