# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""cilium_rollout on a real control plane, with a watch that counts how many agents are away."""
from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
from kubernetes import client

sys.path.insert(0, str(Path(__file__).resolve().parent))

from accounts import AUDIT, account  # noqa: E402
from labkit import NAMESPACE, Lab, started, wait  # noqa: E402
from watching import counted, is_ready  # noqa: E402

from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module  # noqa: E402

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("rollout")]
NODES = ["node-{0}".format(number) for number in range(1, 6)]


@pytest.fixture(scope="module", name="lab")
def fixture_lab() -> Iterator[Lab]:
    with started("test-rollout", "--nodes", str(len(NODES)), "--cilium", "1.13.4") as running:
        yield running


@pytest.fixture(autouse=True)
def sound(lab: Lab) -> Iterator[None]:
    """Every test begins with the chart's config, its strategy, and healthy agents that run it."""
    yield
    for node in NODES:
        lab.annotate(node, "lab/agent", None)
    lab.set_config({"bpf-lb-mode": None, "tunnel": "disabled", "auto-direct-node-routes": "true"})
    strategy(lab, "OnDelete")
    for node in NODES:
        lab.restart_agent(node)
    for node in NODES:
        lab.wait_agent_ready(node)
    strategy(lab, "RollingUpdate")
    wait(lambda: at_rest(lab))


def at_rest(lab: Lab) -> bool:
    status = lab.apps().read_namespaced_daemon_set("cilium", NAMESPACE)
    return status.status.updated_number_scheduled == len(NODES) and (
        status.status.observed_generation == status.metadata.generation)


def strategy(lab: Lab, name: str) -> None:
    rolling = {"maxUnavailable": 2} if name == "RollingUpdate" else None
    lab.apps().patch_namespaced_daemon_set("cilium", NAMESPACE, {
        "spec": {"updateStrategy": {"type": name, "rollingUpdate": rolling}}})


def new_template(lab: Lab) -> None:
    """What rollOutCiliumPods does on each change of the config."""
    annotations = {"cilium.io/cilium-configmap-checksum": str(time.time())}
    lab.apps().patch_namespaced_daemon_set("cilium", NAMESPACE, {
        "spec": {"template": {"metadata": {"annotations": annotations}}}})


def roll(lab: Lab, nodes: Any = None, config: Any = None, **given: Any) -> dict:
    wanted = dict(nodes=nodes or NODES, settle=1, timeout=40, expect={"nodeport_mode": "dsr"})
    return run_module("cilium_rollout", kubeconfig=str(config or lab.kubeconfig), **dict(wanted, **given))


def states(result: dict) -> dict:
    return {node: entry["state"] for node, entry in result["nodes"].items()}


def test_from_snat_to_dsr_one_agent_at_a_time_and_a_second_run_changes_nothing(lab: Lab) -> None:
    lab.set_config({"bpf-lb-mode": "dsr"})
    with counted(lab) as count:
        result = roll(lab, expect_config={"bpf-lb-mode": "dsr"})
    assert result["changed"] and set(states(result).values()) == {"restarted_verified"}
    assert count.most == 1
    again = roll(lab)
    assert again["changed"] is False and set(states(again).values()) == {"skipped"}


def test_a_changed_pod_template_is_rolled_in_our_batches_only(lab: Lab) -> None:
    strategy(lab, "OnDelete")
    lab.set_config({"bpf-lb-mode": "dsr"})
    new_template(lab)
    wait(lambda: not at_rest(lab))
    with counted(lab) as count:
        result = roll(lab, batch=2)
        strategy(lab, "RollingUpdate")
        wait(lambda: at_rest(lab))
        time.sleep(2)
    assert set(states(result).values()) == {"restarted_verified"} and count.most == 2


def test_a_daemonset_that_rolls_by_itself_is_refused(lab: Lab) -> None:
    # Two of them use up maxUnavailable, so that the third stays as it is.
    for node in NODES[2:]:
        lab.annotate(node, "lab/agent", "never-ready")
    lab.set_config({"bpf-lb-mode": "dsr"})
    new_template(lab)
    wait(lambda: sum(not is_ready(pod) for pod in lab.agents().values()) == 2)
    result = roll(lab)
    assert result["failed"] and "rolling out by itself" in result["msg"]
    assert set(states(result).values()) == {"untouched"} and result["changed"] is False


def test_an_agent_that_refuses_its_config_stops_the_rollout_with_its_own_words(lab: Lab) -> None:
    lab.set_config({"bpf-lb-mode": "dsr", "tunnel": "vxlan", "auto-direct-node-routes": "false"})
    with counted(lab) as count:
        result = roll(lab)
    assert result["failed"] and "cannot be used with tunneling" in result["msg"] and count.most == 1
    assert states(result) == dict(dict.fromkeys(NODES[1:], "untouched"), **{"node-1": "failed"})
    assert result["nodes"]["node-2"]["config"] == "old"
    # The way back: the broken agent is first and alone, and the others already run what is wanted.
    lab.set_config({"bpf-lb-mode": None, "tunnel": "disabled", "auto-direct-node-routes": "true"})
    back = roll(lab, expect={"nodeport_mode": "snat"})
    assert set(states(back).values()) == {"restarted_verified"}


def test_a_restart_while_settling_starts_the_settling_anew(lab: Lab) -> None:
    lab.set_config({"bpf-lb-mode": "dsr"})
    lab.annotate("node-1", "lab/agent", "flap")
    begin = time.monotonic()
    result = roll(lab, ["node-1"], settle=5)
    assert states(result) == {"node-1": "restarted_verified"} and time.monotonic() - begin > 7
    assert "restarted 1 times" in result["nodes"]["node-1"]["detail"]


@pytest.mark.parametrize("trouble", ["never-ready", "crash:level=fatal msg=boom"])
def test_an_agent_that_does_not_come_back_stops_the_rollout(lab: Lab, trouble: str) -> None:
    lab.set_config({"bpf-lb-mode": "dsr"})
    lab.annotate("node-2", "lab/agent", trouble)
    result = roll(lab, timeout=12, settle=4)
    assert result["failed"] and "node-2" in result["msg"]
    assert states(result) == {"node-1": "restarted_verified", "node-2": "failed",
                              **dict.fromkeys(NODES[2:], "untouched")}


def test_agents_down_elsewhere_leave_no_room(lab: Lab) -> None:
    lab.annotate("node-5", "lab/agent", "never-ready")
    lab.restart_agent("node-5")
    wait(lambda: not lab.agent_container("node-5").ready)
    lab.set_config({"bpf-lb-mode": "dsr"})
    refused = roll(lab, NODES[:4])
    assert refused["failed"] and "node-5" in refused["msg"] and refused["changed"] is False
    with counted(lab) as count:
        allowed = roll(lab, NODES[:2], batch=2, max_unready=1)
    assert set(states(allowed).values()) == {"restarted_verified"} and count.most == 2


def test_a_killed_rollout_is_finished_by_the_next(lab: Lab) -> None:
    lab.set_config({"bpf-lb-mode": "dsr"})
    former = {node: pod.metadata.uid for node, pod in lab.agents().items()}
    arguments = '{"ANSIBLE_MODULE_ARGS": {"kubeconfig": "%s", "nodes": ["node-1", "node-2", "node-3"], "settle": 2}}'
    command = [sys.executable, "-m", "ansible_collections.fastpath.cilium.plugins.modules.cilium_rollout"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          env={"PYTHONPATH": ":".join(sys.path)}) as run:
        run.stdin.write((arguments % lab.kubeconfig).encode())
        run.stdin.close()
        wait(lambda: lab.agents().get("node-2") and lab.agents()["node-2"].metadata.uid != former["node-2"], 120)
        run.send_signal(signal.SIGKILL)
    for node in NODES:
        wait(lambda node=node: node in lab.agents())
        lab.wait_agent_ready(node)
    result = roll(lab)
    assert states(result) == {"node-1": "skipped", "node-2": "skipped", "node-3": "restarted_verified",
                              "node-4": "restarted_verified", "node-5": "restarted_verified"}


def test_rights(lab: Lab, tmp_path: Path) -> None:
    lab.set_config({"bpf-lb-mode": "dsr"})
    refused = roll(lab, ["node-1"], account(lab, "onlooker", tmp_path, AUDIT))
    assert refused["failed"] and "may not delete pods" in refused["msg"] and refused["changed"] is False
    rights = AUDIT + (("", "delete", "pods"),)
    assert states(roll(lab, ["node-1"], account(lab, "roller", tmp_path, rights))) == {"node-1": "restarted_verified"}


def test_a_daemonset_that_is_not_there(lab: Lab) -> None:
    result = roll(lab, release_namespace="default")
    assert result["failed"] and "no DaemonSet of Cilium" in result["msg"]
    assert client.AppsV1Api(lab.api()).read_namespaced_daemon_set("cilium", NAMESPACE)
