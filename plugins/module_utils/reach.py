# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether every agent reaches every node and its pods, by the probes of the agents themselves; waits until it is so."""
from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Union

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_agents
from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_health import (
    ENDPOINT, KINDS, Health, ask_health, missing, words)
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Denied, KubeError, NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.progress import Progress

SHOWN = 20
Said = Union[Health, KubeError]


class Question(NamedTuple):
    """What is to be proved: these kinds of ways between all nodes; None: any kind of way to the pods will do. In seconds:
    for all of it, between two rounds, for one agent's probes."""

    namespace: str = "kube-system"
    kinds: Optional[List[str]] = None
    timeout: float = 120.0
    pause: float = 5.0
    agent_timeout: float = 60.0
    concurrency: int = 32
    progress: Optional[str] = None


class NotReached(Exception):
    """Not proved in time. `message` is one sentence, `result` what `prove` would have returned."""

    def __init__(self, message: str, result: Dict[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.result = result


def prove(cluster: Cluster, question: Question) -> Dict[str, Any]:
    """{agents: int, rounds: int, proved: [kinds that work from every agent to every node], lacking: [{agent, node, way,
    reason}], at most SHOWN of those}. Raises NotReached, and KubeError where the agents cannot be found or may not be asked.
    """
    progress, deadline = Progress(question.progress), time.monotonic() + question.timeout
    said: Dict[str, Said] = {}
    rounds = 0
    while True:
        pods = agent_pods(cluster, question.namespace)
        # Who proved everything need not be asked again.
        open_ones = [node for node in pods
                     if node not in said or any(gaps(said[node], node, sorted(pods), wanted(question)))]
        said = {node: said[node] for node in pods if node not in open_ones}
        said.update(ask(cluster, question, {node: pods[node] for node in open_ones}))
        rounds += 1
        result = describe(said, question, rounds)
        if not result["lacking"]:
            return result
        if time.monotonic() + question.pause >= deadline:
            raise NotReached(sentence(result, question), result)
        progress.waiting("pods", "waiting until every agent reaches every node: {0}".format(told(result["lacking"][0])))
        time.sleep(question.pause)


def agent_pods(cluster: Cluster, namespace: str) -> Dict[str, str]:
    """Pod of every node's agent. Raises NotFound where there is none at all."""
    found = cilium_agents.list_pods(cluster, namespace, None)
    if not found:
        raise NotFound("There is no Cilium agent in namespace {0}.".format(namespace))
    return {cilium_agents.node_of(pod): pod["metadata"]["name"] for pod in found}


def ask(cluster: Cluster, question: Question, pods: Dict[str, str]) -> Dict[str, Said]:
    """Each agent's word, or the error that came instead. Raises Denied: another round would change nothing."""
    def one(pod: str) -> Said:
        deadline = time.monotonic() + question.agent_timeout
        try:
            return ask_health(cilium_agents.Talk(cluster, question.namespace, pod, deadline, question.agent_timeout))
        except Denied:
            raise
        except KubeError as error:
            return error
    with ThreadPoolExecutor(max_workers=max(1, question.concurrency)) as pool:
        return dict(zip(pods, pool.map(one, pods.values())))


def wanted(question: Question) -> Sequence[str]:
    """The kinds of ways to look for."""
    return ENDPOINT if question.kinds is None else question.kinds


def describe(said: Dict[str, Said], question: Question, rounds: int) -> Dict[str, Any]:
    """The result of so many rounds."""
    nodes = sorted(said)
    proved = [kind for kind in KINDS if not any(True for node in nodes for _gap in gaps(said[node], node, nodes, [kind]))]
    enough = question.kinds is None and any(kind in proved for kind in ENDPOINT)
    found = () if enough else (gap for node in nodes for gap in gaps(said[node], node, nodes, wanted(question)))
    return {"agents": len(said), "rounds": rounds, "proved": proved, "lacking": list(islice(found, SHOWN))}


def gaps(said: Said, agent: str, nodes: Iterable[str], kinds: Sequence[str]) -> Iterator[Dict[str, str]]:
    """What this agent does not prove."""
    if not isinstance(said, Health):
        yield {"agent": agent, "node": agent, "way": "", "reason": said.message}
        return
    for node in nodes:
        for kind in kinds:
            reason = missing(said, node, kind)
            if reason:
                yield {"agent": agent, "node": node, "way": kind, "reason": reason}


def told(entry: Dict[str, str]) -> str:
    """One thing that lacks, in words."""
    if not entry["way"]:
        return "the agent of {agent} did not say ({reason})".format(**entry)
    return "the agent of {0} does not reach {1} ({2})".format(
        entry["agent"], words(entry["way"], entry["node"]), entry["reason"])


def sentence(result: Dict[str, Any], question: Question) -> str:
    """Why it was given up."""
    others = len(result["lacking"]) - 1
    number = "{0} or more".format(others) if others == SHOWN - 1 else "{0} more".format(others)
    more = ", and {0} such way{1}".format(number, "" if others == 1 else "s") if others else ""
    return "Not every agent reaches every node and its pods (waited {0:g} s for it): {1}{2}.".format(
        question.timeout, told(result["lacking"][0]), more)
