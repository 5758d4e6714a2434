# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Restarts Cilium's agents in order and in batches, and believes only what it sees each of them do.

Helm's --wait and the DaemonSet's own status accept agents that are down (maxUnavailable), so neither is used.
"""
from __future__ import annotations

import time
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_agents, rollout_view
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import (
    Cluster, Conflict, Denied, Failed, KubeError, NotFound)
from ansible_collections.fastpath.cilium.plugins.module_utils.progress import Progress
from ansible_collections.fastpath.cilium.plugins.module_utils.rollout_view import View

POLL = 1.0
# Times of the API server have whole seconds: a pod must be made in a later one than the ConfigMap's change.
CLOCK_STEP = 1.1
# A restart or two may be the wait for something else that starts; after that the kubelet's pauses grow to minutes.
CRASHES = 2
CONFIG_WORDS = {True: "new", False: "old", None: "unknown"}


class Wish(NamedTuple):
    """What is to be restarted and what an agent must be like afterwards; times in seconds."""

    nodes: List[str]
    namespace: str = "kube-system"
    batch: int = 1
    timeout: float = 300.0
    settle: float = 10.0
    agent_timeout: float = 10.0
    expect: Dict[str, Any] = {}
    expect_nodes: Dict[str, Dict[str, Any]] = {}
    renew: List[str] = []
    expect_config: Dict[str, Optional[str]] = {}
    only_if_needed: bool = True
    max_unready: int = 0
    down_last: bool = False
    progress: Optional[str] = None


class RolloutStopped(Exception):
    """The rollout ended early. `message` is one sentence, `result` tells each node's state."""

    def __init__(self, message: str, result: Dict[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.result = result


def roll_out(cluster: Cluster, wish: Wish, check_mode: bool = False) -> Dict[str, Any]:
    """{changed, restart: [nodes], nodes: {name: {state, config, detail}}}; raises RolloutStopped."""
    rollout = Rollout(cluster, wish)
    try:
        rollout.prepare()
        if not check_mode:
            rollout.restart_all()
            rollout.check_at_rest(rollout_view.look(cluster, wish.namespace))
    except KubeError as error:
        raise RolloutStopped(error.message, rollout.result(check_mode)) from None
    return rollout.result(check_mode)


class Rollout:
    """One rollout and what is known of each node so far."""

    def __init__(self, cluster: Cluster, wish: Wish) -> None:
        self.cluster = cluster
        self.wish = wish
        self.progress = Progress(wish.progress)
        self.start: Optional[View] = None
        self.started = time.monotonic()
        self.needed: Dict[str, str] = {}
        self.deleted = False
        self.nodes: Dict[str, Dict[str, Any]] = {node: entry("untouched") for node in wish.nodes}

    def prepare(self) -> None:
        """Look at everything, refuse what cannot go well, and find the agents that need a restart."""
        wish = self.wish
        if wish.batch < 1 or len(set(wish.nodes)) != len(wish.nodes):
            raise Failed("A rollout needs a batch of at least 1, and each node named once.")
        if set(wish.renew) - set(wish.nodes):
            raise Failed("Agents are to be made anew that are not part of the rollout: name their nodes among nodes too.")
        self.start = rollout_view.look(self.cluster, wish.namespace)
        self.started = time.monotonic()
        unknown = [node for node in wish.nodes if node not in self.start.agents]
        if unknown:
            raise NotFound("There is no agent on {0}: name nodes that run one.".format(", ".join(unknown)))
        for node in wish.nodes:
            self.note(node, "untouched", self.start.agents[node], "")
        self.check_at_rest(self.start)
        self.check_config()
        self.check_others()
        self.find_needed()
        self.check_can_ask()

    def check_at_rest(self, view: View) -> None:
        """Two rollouts at once would take down more agents than either may."""
        moving = rollout_view.rolling(view.daemonset)
        if moving:
            raise Conflict("DaemonSet {0} is rolling out by itself ({1}): wait until it is done, or set its "
                           "updateStrategy to OnDelete first.".format(view.daemonset["name"], moving))

    def check_config(self) -> None:
        """What agents would start with must be what is wanted."""
        differences = rollout_view.config_differences(self.start.config, self.wish.expect_config)
        if differences:
            raise Conflict("cilium-config is not as expected, so no agent is restarted: {0}.".format(
                "; ".join(differences)))

    def check_others(self) -> None:
        """Agents that are down elsewhere leave no room for taking more down."""
        unready = rollout_view.unready_outside(self.start, self.wish.nodes)
        if len(unready) > self.wish.max_unready:
            raise Failed("Agents that are not part of this rollout are not Ready ({0}): repair them first, name them "
                         "among nodes, or raise max_unready.".format(", ".join(unready[:10])))

    def find_needed(self) -> None:
        """Which nodes need a restart, and why."""
        view, wish = self.start, self.wish
        reasons = {node: rollout_view.pod_differences(view.agents[node], view) for node in wish.nodes}
        for node in wish.renew:
            reasons[node].append("its CiliumNodeConfig was changed")
        unclear = [node for node in wish.nodes if wish.only_if_needed and not reasons[node]]
        answers = self.ask([view.agents[node] for node in unclear])
        for node, answer in zip(unclear, answers):
            reasons[node] = rollout_view.live_differences(answer, self.expected(node), view.agents[node])
        for node in wish.nodes:
            if reasons[node] or not wish.only_if_needed:
                self.needed[node] = "; ".join(reasons[node]) or "a restart was asked for"
                self.note(node, "untouched", view.agents[node], "to be restarted: " + self.needed[node])
            else:
                self.note(node, "skipped", view.agents[node], "it already runs as wanted")

    def expected(self, node: str) -> Dict[str, Any]:
        """What this node's agent must report."""
        return self.wish.expect_nodes.get(node, self.wish.expect)

    def check_can_ask(self) -> None:
        """An agent that may not be asked could not be proven after its restart."""
        askable = [self.start.agents[node] for node in self.needed if self.start.agents[node]["ready"]]
        for answer in self.ask(askable[:1]):
            if isinstance(answer.error, Denied):
                raise answer.error

    def batches(self) -> List[List[str]]:
        """Agents that are down come first (or last) and alone; those down elsewhere count against the batch."""
        agents = self.start.agents
        broken = [node for node in self.wish.nodes if node in self.needed and not agents[node]["ready"]]
        sound = [node for node in self.wish.nodes if node in self.needed and agents[node]["ready"]]
        size = max(1, self.wish.batch - len(rollout_view.unready_outside(self.start, self.wish.nodes)))
        alone, together = [[node] for node in broken], [sound[at:at + size] for at in range(0, len(sound), size)]
        return together + alone if self.wish.down_last else alone + together

    def restart_all(self) -> None:
        """Batch by batch. The first that fails ends it, unless it was down before and is among the last."""
        failures: List[KubeError] = []
        for batch in self.batches():
            try:
                self.restart(batch)
            except (Failed, NotFound) as error:
                if not self.wish.down_last or self.start.agents[batch[0]]["ready"]:
                    raise
                failures.append(error)
        if failures:
            raise failures[0]

    def restart(self, batch: List[str]) -> None:
        """Restart one batch and wait until each agent has proven itself; raises Failed for the first that does not."""
        self.check_before(batch)
        time.sleep(max(0.0, self.started + CLOCK_STEP - time.monotonic()))
        deadline = time.monotonic() + self.wish.timeout
        watches = [Watch(self, node) for node in batch]
        self.progress.say("{0}: restarting ({1} of {2} done)".format(
            ", ".join(batch), sum(node["state"] == "restarted_verified" for node in self.nodes.values()), len(self.needed)))
        try:
            for watch in watches:
                watch.delete()
            while not all(watch.ended for watch in watches) and time.monotonic() < deadline:
                time.sleep(min(POLL, max(0.05, self.wish.settle / 2)))
                self.step(watches)
        finally:
            for watch in watches:
                watch.close()
        failed = [watch for watch in watches if not watch.verified]
        if failed:
            others = " (nor did {0} others)".format(len(failed) - 1) if failed[1:] else ""
            raise Failed("The agent on {0} did not come back as wanted{1}: {2}".format(
                failed[0].node, others, failed[0].detail))

    def check_before(self, batch: List[str]) -> None:
        """Nothing may have changed under the rollout, and every agent that was Ready must still be."""
        view = rollout_view.look(self.cluster, self.wish.namespace)
        self.check_at_rest(view)
        if view.config != self.start.config or view.template != self.start.template:
            raise Conflict("cilium-config or the DaemonSet was changed by someone else during the rollout: the "
                           "remaining agents stay as they are.")
        lost = sorted(node for node, agent in self.start.agents.items()
                      if agent["ready"] and node not in batch and not view.agents.get(node, {}).get("ready"))
        if lost:
            raise Failed("The rollout stops because agents went down meanwhile: {0}.".format(", ".join(lost[:10])))
        for node in batch:
            if not self.start.agents[node]["ready"]:
                rollout_view.require_ready_node(self.cluster, node)

    def step(self, watches: List["Watch"]) -> None:
        """Look at each agent of the batch once, and ask those that have settled."""
        for watch in watches:
            if not watch.ended:
                watch.look()
                self.progress.waiting(watch.node, "still waiting, {0}".format(watch.state()))
        settled = [watch for watch in watches if not watch.ended and watch.settled()]
        for watch, answer in zip(settled, self.ask([watch.agent for watch in settled])):
            watch.judge(answer)

    def ask(self, agents: List[Dict[str, Any]]) -> List[cilium_agents.Answer]:
        """What these agents say of themselves."""
        return cilium_agents.ask_all(self.cluster, self.wish.namespace, agents, min(32, len(agents)),
                                     self.wish.agent_timeout) if agents else []

    def note(self, node: str, state: str, agent: Optional[Dict[str, Any]], detail: str) -> None:
        """Remember a node's state."""
        self.nodes[node] = entry(state, agent, detail)

    def result(self, check_mode: bool = False) -> Dict[str, Any]:
        """The result so far."""
        return {"changed": bool(self.needed) if check_mode else self.deleted, "nodes": self.nodes,
                "restart": [node for node in self.wish.nodes if node in self.needed]}


class Watch:
    """One agent from its deletion to its proof."""

    def __init__(self, rollout: Rollout, node: str) -> None:
        self.rollout = rollout
        self.node = node
        self.former_uid = rollout.start.agents[node]["uid"]
        self.agent: Optional[Dict[str, Any]] = None
        self.ready_since: Optional[float] = None
        self.asked_for = self.ended = self.verified = False
        self.detail = "its pod has not been replaced yet"

    def delete(self) -> None:
        """Delete this very pod; a pod that is gone or replaced already is what we want.

        Where it is not known whether the API server heard us, `look` asks again: the uid makes that harmless.
        """
        pod = self.rollout.start.agents[self.node]["pod"]
        path = "/api/v1/namespaces/{0}/pods/{1}".format(self.rollout.wish.namespace, pod)
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": self.former_uid}}
        try:
            self.rollout.cluster.delete(path, options)
        except Denied:
            raise
        except (NotFound, Conflict):
            pass
        except KubeError as error:
            self.detail = error.message
        self.asked_for = self.rollout.deleted = True

    def look(self) -> None:
        """Read the pod; an API server that is away for a moment is waited for."""
        rollout = self.rollout
        try:
            agent = rollout_view.look_at(rollout.cluster, rollout.wish.namespace, rollout.start, self.node)
        except Denied:
            raise
        except KubeError as error:
            self.ready_since, self.detail = None, error.message
            return
        if agent is not None and agent["uid"] != self.former_uid:
            self.follow(agent)
        elif agent is not None and agent["waiting"] != "Terminating":
            self.delete()

    def follow(self, agent: Dict[str, Any]) -> None:
        """Being Ready counts from when the same life of the same pod became so."""
        same = self.agent is not None and all(self.agent[key] == agent[key] for key in ("uid", "restarts"))
        if not agent["ready"]:
            self.ready_since = None
        elif self.ready_since is None or not same:
            self.ready_since = time.monotonic()
        self.agent = agent
        if max(agent["restarts"], agent["failed_starts"]) >= CRASHES and not agent["ready"]:
            self.ended = True

    def state(self) -> str:
        """What it is waited for."""
        if self.agent is None:
            return self.detail
        if self.agent["ready"]:
            return self.detail or "its agent is Ready and has to stay so"
        return "its agent is not Ready" + (" ({0})".format(self.agent["waiting"]) if self.agent["waiting"] else "")

    def settled(self) -> bool:
        """Ready without a restart for the settle time."""
        return self.ready_since is not None and time.monotonic() - self.ready_since >= self.rollout.wish.settle

    def judge(self, answer: cilium_agents.Answer) -> None:
        """The agent's own word against what is wanted."""
        differences = rollout_view.live_differences(answer, self.rollout.expected(self.node), self.agent)
        if self.agent["config_current"] is not True and self.rollout.start.change.at is not None:
            differences.append("its pod is not newer than cilium-config")
        self.verified = self.ended = not differences
        self.detail = "; ".join(differences)

    def close(self) -> None:
        """Write down and tell how it ended."""
        if self.verified:
            again = "its container restarted {restarts} times before it settled".format(**self.agent)
            self.rollout.note(self.node, "restarted_verified", self.agent, again if self.agent["restarts"] else "")
            self.rollout.progress.say("{0}: restarted and verified".format(self.node))
        elif self.asked_for:
            if self.ready_since is None:
                self.detail = rollout_view.last_words(self.rollout.cluster, self.rollout.wish.namespace, self.agent)
            self.rollout.note(self.node, "failed", self.agent, self.detail)
            self.rollout.progress.say("{0}: did not come back as wanted: {1}".format(self.node, self.detail))


def entry(state: str, agent: Optional[Dict[str, Any]] = None, detail: str = "") -> Dict[str, Any]:
    """A node in the result."""
    known = agent or {"config_current": None, "restarts": None}
    return {"state": state, "config": CONFIG_WORDS[known["config_current"]], "restarts": known["restarts"], "detail": detail}
