# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random pairs of cluster and policy, judged and planned, with simulated agents as the judge of that.

What must hold: agents start with the configuration of every step of a plan; after the plan they run what it promised; and
nothing is called OK that an agent does not do.
"""
from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import agents
import clusters
from clusters import Cluster

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, groups, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import FreeText, Number
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import gate, judge, plan

PAIRS = int(os.environ.get("PROOF_PAIRS", "10000"))
ROUNDS = 3
SEED = int(os.environ.get("PROOF_SEED", "1"))
CATALOGUE = catalog.load()

# What an agent's own status (JSON) must say where a tuning is OK: path and word.
PROOFS: dict[str, tuple[tuple[str, ...], Any]] = {
    "ebpf_masquerade": (("masquerading", "mode"), "BPF"),
    "bandwidth_manager": (("bandwidth-manager", "enabled"), True),
    "ipv6_big_tcp": (("ipv6-big-tcp", "enabled"), True),
    "ipv4_big_tcp": (("ipv4-big-tcp", "enabled"), True),
    "bbr": (("bandwidth-manager", "congestionControl"), "bbr"),
    "socket_lb": (("kube-proxy-replacement", "features", "socketLB", "enabled"), True),
    "maglev": (("kube-proxy-replacement", "features", "nodePort", "algorithm"), "Maglev"),
}


# Worth trying besides the examples: an address that a plan must refuse.
ADDRESSES = {"api_host": (clusters.SERVICE_ADDRESS,)}


@pytest.fixture(name="program", scope="module")
def fixture_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return agents.build(tmp_path_factory.mktemp("agents"))


def running(program: Path, rng: random.Random, wanted: int) -> list[Cluster]:
    """Clusters whose agents have all started: one that is refused runs nowhere."""
    found: list[Cluster] = []
    while len(found) < wanted:
        drawn = [clusters.draw(rng) for _number in range(2000)]
        answers = iter(agents.start(program, (one for cluster in drawn for one in cluster.inputs())))
        for cluster in drawn:
            cluster.answers = [next(answers) for _kernel in cluster.kernels]
            if not any("refused" in answer for answer in cluster.answers):
                found.append(cluster)
    return found[:wanted]


def wanted(rng: random.Random) -> dict[str, Any]:
    """A random policy: some tunings, with some options."""
    names = rng.sample(sorted(CATALOGUE), rng.randint(1, min(8, len(CATALOGUE))))
    return {name: {option.name: rng.choice(_values(option)) for option in CATALOGUE[name].tuning.options if rng.random() < 0.5}
            for name in names}


def _values(option: Any) -> tuple[Any, ...]:
    if isinstance(option, FreeText):
        return (option.default, option.example, *ADDRESSES.get(option.name, ()))
    if isinstance(option, Number):
        middle = (option.least + option.most) / 2
        return tuple(int(value) if option.whole else value for value in (option.least, middle, option.most))
    return option.allowed


def choose(rng: random.Random, cluster: Cluster) -> policy.Policy:
    while True:
        try:
            if rng.random() < 0.2:
                chosen = policy.parse(None, profile=rng.choice(policy.PROFILES))
            else:
                chosen = policy.parse(wanted(rng))
            return groups.lay_over(chosen, grouped(rng, cluster) if rng.random() < 0.4 else None)
        except policy.PolicyError:
            continue  # two that exclude each other, or that must be alike


def grouped(rng: random.Random, cluster: Cluster) -> list[dict[str, Any]]:
    """One or two groups of nodes, none of them in both, with some tunings on, off, or with other options."""
    names = rng.sample(cluster.names, len(cluster.names))
    cut = rng.randint(1, len(names))
    able = sorted(name for name in CATALOGUE if CATALOGUE[name].tuning.off is not None)
    found = []
    for nodes in filter(None, (names[:cut], names[cut:])):
        options = {name: given for name, given in wanted(rng).items() if name in able}
        options.update((name, False) for name in rng.sample(able, rng.randint(0, 3)))
        found += [{"nodes": nodes, "tunings": options}] if options else []
    return found


def found_in(status: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = status
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def with_step(config: dict[str, str], step: dict[str, Any]) -> dict[str, str]:
    """cilium-config after a step's Helm upgrade."""
    changed = {**config, **{key: value for key, value in step["config"].items() if value is not None}}
    return {key: value for key, value in changed.items() if step["config"].get(key, "") is not None}


def with_own(node_configs: list[dict[str, Any]], step: dict[str, Any]) -> list[dict[str, Any]]:
    """CiliumNodeConfigs after a step: those with nothing to lay over are gone."""
    written = {one["name"]: one for one in [*node_configs, *step["node_configs"]]}
    return [one for one in written.values() if one["defaults"]]


class Case:
    """One pair on its way through its plan."""

    def __init__(self, cluster: Cluster, chosen: policy.Policy) -> None:
        self.cluster, self.chosen = cluster, chosen
        self.facts = clusters.facts(cluster)
        self.verdicts = judge.judge(self.facts, chosen)
        self.plan = plan.plan(self.facts, self.verdicts, chosen, list(CATALOGUE))
        self.steps = list(self.plan["steps"]) if self.plan["outcome"] == "drift" else []
        self.done: set[str] = set()

    def told(self, step: Any = None) -> str:
        shown = {name: (dict(choice.options), choice.everywhere, [(group.nodes, group.options) for group in choice.groups])
                 for name, choice in self.chosen.items()}
        return (f"Cilium {self.cluster.version}, kernels {self.cluster.kernels}, devices {self.cluster.devices}\nconfig "
                f"{self.cluster.config}\nnode configs {self.cluster.node_configs}\npolicy {shown}\nstep {step}\n"
                + "\n".join(f"{v['tuning']}: {v['state']} {v['reason']}" for v in self.verdicts))

    def plan_again(self) -> None:
        """What was left out of a profile may have become possible; nothing that was done may be left to do."""
        self.done |= {name for step in self.plan["steps"] for name in step["tunings"]}
        self.verdicts = judge.judge(self.facts, self.chosen)
        self.plan = plan.plan(self.facts, self.verdicts, self.chosen, list(CATALOGUE))
        self.steps = list(self.plan["steps"])
        again = self.done & {name for step in self.steps for name in step["tunings"]}
        assert not again and not self.plan["blocked"], f"{again or self.plan['blocked']}\n{self.told()}"

    def take(self, step: dict[str, Any], answers: list[dict[str, Any]]) -> None:
        refused = [answer["refused"] for answer in answers if "refused" in answer]
        assert not refused, f"{refused[0]}\n{self.told(step)}"
        before = self.facts
        # An agent that the step does not restart goes on as it is.
        self.cluster.answers = [new if name in step["nodes"] else old
                                for name, new, old in zip(self.cluster.names, answers, self.cluster.answers)]
        self.cluster.config = with_step(self.cluster.config, step)
        self.cluster.node_configs = with_own(self.cluster.node_configs, step)
        self.take_beside(step)
        values = self.facts["release"]["values"]
        self.facts = clusters.facts(self.cluster, {**values})
        _put_all(self.facts["release"]["values"], step["values"])
        failures = gate.gate(before, self.facts, step)
        assert not failures, f"{failures}\n{self.told(step)}"

    def take_beside(self, step: dict[str, Any]) -> None:
        """The API's address as agents of this step start with it, and kube-proxy."""
        cluster = self.cluster
        cluster.address = step["values"].get("k8sServiceHost", cluster.address)
        cluster.port = str(step["values"].get("k8sServicePort", cluster.port))
        cluster.running.update(dict.fromkeys(step["nodes"], (cluster.address, cluster.port)))
        assert not step["nodes"] or cluster.finds_the_api, f"agents would not find the API\n{self.told(step)}"
        if "kube_proxy" in step:
            assert cluster.kube_proxy == "daemonset" and not cluster.kept_off, self.told(step)
            assert cluster.config["kube-proxy-replacement"] in clusters.REPLACED, f"nobody would serve Services\n{self.told(step)}"
            cluster.kept_off = True
            assert cluster.finds_the_api and set(cluster.running.values()) == {(cluster.address, cluster.port)}, (
                f"the next agent that starts would not find the API\n{self.told(step)}")

    def must_do_what_is_ok(self) -> None:
        for verdict in judge.judge(self.facts, self.chosen):
            path, word = PROOFS.get(verdict["tuning"], ((), None))
            if verdict["tuning"] == "kube_proxy_replacement" and verdict["state"] == "OK":
                assert self.cluster.kube_proxy == "none" or self.cluster.kept_off, f"kube-proxy still runs\n{self.told()}"
            if verdict["state"] == "OK" and path:
                self.must_not_do(verdict, path, word)
                said = [found_in(answer["status"], path) for name, answer in zip(self.cluster.names, self.cluster.answers)
                        if name not in verdict["without"]]
                if path[-2:] == ("socketLB", "enabled") and self.cluster.minor == 11:
                    continue  # 1.11 has another place for it
                if path[-1] == "congestionControl" and self.cluster.minor == 11:
                    continue
                assert set(said) == {word}, f"{verdict['tuning']} is called OK, and agents say {said}\n{self.told()}"

    def must_not_do(self, verdict: dict[str, Any], path: tuple[str, ...], word: Any) -> None:
        for name, answer in zip(self.cluster.names, self.cluster.answers):
            if name in verdict["left_out_nodes"] and self.chosen[verdict["tuning"]].everywhere:
                said = found_in(answer["status"], path)
                assert said != word, f"{name} is left out of {verdict['tuning']}, and its agent says {said}\n{self.told()}"


def _put_all(values: dict[str, Any], changes: dict[str, Any]) -> None:
    for path, value in changes.items():
        here = values
        *parents, last = path.split(".")
        for key in parents:
            here = here.setdefault(key, {})
        here[last] = value


def both(cluster: Cluster, step: dict[str, Any]) -> list[dict[str, Any]]:
    """Every agent after the step, and every agent that happens to restart before its Helm upgrade (or after that is undone)."""
    own = with_own(cluster.node_configs, step)
    return cluster.inputs(with_step(cluster.config, step), own) + cluster.inputs(None, own)


def take_steps(program: Path, cases: list[Case]) -> int:
    """Every case goes through its plan, a step at a time for all of them; the number of steps."""
    taken = 0
    waiting = [case for case in cases if case.steps]
    while waiting:
        inputs = [both(case.cluster, case.steps[0]) for case in waiting]
        answers = iter(agents.start(program, (one for each in inputs for one in each)))
        for case, each in zip(waiting, inputs):
            case.take(case.steps.pop(0), [next(answers) for _input in each])
            taken += 1
        waiting = [case for case in waiting if case.steps]
    return taken


def test_no_plan_is_refused_and_nothing_is_ok_that_an_agent_does_not_do(program: Path) -> None:
    rng = random.Random(SEED)
    cases = [Case(cluster, choose(rng, cluster)) for cluster in running(program, rng, PAIRS)]
    for case in cases:
        case.must_do_what_is_ok()
    outcomes = Counter(case.plan["outcome"] for case in cases)
    planned, taken = [case for case in cases if case.steps], 0
    for _round in range(ROUNDS):
        taken += take_steps(program, planned)
        for case in planned:
            case.must_do_what_is_ok()
            case.plan_again()
    apart = sum(bool(case.cluster.node_configs) for case in planned)
    left = [case for case in planned if case.steps]
    assert not left, f"there is no end to it: {left[0].steps}\n{left[0].told()}"
    print(f"{len(cases)} pairs: {dict(outcomes)}, {taken} steps, {apart} clusters with nodes apart")
    assert apart > PAIRS / 100, "too few clusters had nodes apart to prove anything"
    assert len(cases) == PAIRS and taken > PAIRS / 20, "too few plans were tried to prove anything"
