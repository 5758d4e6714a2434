# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab does what the tests that stand on it take for granted."""
from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

import pytest
from kubernetes import client

sys.path.insert(0, str(Path(__file__).resolve().parent))

from labkit import NAMESPACE, Lab, run_lab, started, wait  # noqa: E402

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("front")]

REFUSED = {"bpf-lb-mode": "dsr", "tunnel": "vxlan", "auto-direct-node-routes": "false"}
REFUSAL = 'Node Port "dsr" mode cannot be used with tunneling.'
STATUS = ("cilium", "status")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with started("test-front", "--nodes", "3", "--cilium", "1.13.4") as running:
        yield running


@pytest.fixture
def node(lab: Lab) -> Iterator[str]:
    """A node that is put right after the test."""
    name = "node-2"
    config = lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data
    uid = lab.agents()[name].metadata.uid
    yield name
    for key in ("lab/kernel", "lab/devices", "lab/health", "lab/ready", "lab/agent", "lab/exec"):
        lab.annotate(name, key, None)
    after = lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data
    if after != config:
        lab.set_config({**dict.fromkeys(after), **config})
    if lab.agents()[name].metadata.uid != uid:
        lab.restart_agent(name)
        lab.wait_agent_ready(name)


# Up and down


def test_up_twice_changes_nothing(lab: Lab) -> None:
    before = {name: pod.metadata.uid for name, pod in lab.agents().items()}
    done = run_lab("up", "--name", lab.name)
    assert done.returncode == 0 and "is running already" in done.stdout
    assert "Installing" not in done.stdout and "Starting" not in done.stdout
    assert {name: pod.metadata.uid for name, pod in lab.agents().items()} == before
    assert [entry["revision"] for entry in json.loads(lab.helm("history", "cilium", "--output", "json"))] == [1]


@pytest.mark.parametrize("options, reason", [
    (["--nodes", "5"], "runs with nodes 3, not 5"),
    (["--cilium", "1.16"], "runs with cilium 1.13.4, not 1.16"),
    (["--cilium", "none"], "runs with cilium 1.13.4, not none"),
])
def test_another_lab_in_its_place_is_refused(lab: Lab, options: list[str], reason: str) -> None:
    done = run_lab("up", "--name", lab.name, *options)
    assert done.returncode == 1
    assert reason in done.stderr and "take it down first" in done.stderr and done.stderr.count("\n") == 1


def test_up_applies_annotations_that_differ(lab: Lab, node: str) -> None:
    words = ("up", "--name", lab.name, "--annotate", f"{node}:lab/kernel=5.15.0-91-generic",
             "--annotate", "node-3:lab/health=")
    assert "1 of 2 annotations differed" in run_lab(*words).stdout
    assert lab.core().read_node(node).status.node_info.kernel_version == "5.15.0-91-generic"
    assert "0 of 2 annotations differed" in run_lab(*words).stdout


@pytest.mark.parametrize("words, reason", [
    (["--name", "../x"], "is no name for a lab"),
    (["--real"], "no real kubelets yet"),
    (["--annotate", "node-2"], "write NODE:KEY=VALUE"),
    (["--annotate", "node-2:lab/kernal=5.4"], "no annotation lab/kernal"),
    (["--annotate", "node-2:lab/exec=explode"], "lab/exec cannot be 'explode'"),
    (["--cilium", "1.99"], "no chart for Cilium 1.99: choose one of 1.11.20"),
    (["--chart", "/nowhere"], "/nowhere is no chart"),
    (["--values", "/nowhere.yaml"], "there is no such file"),
])
def test_bad_requests_start_nothing(words: list[str], reason: str) -> None:
    done = run_lab("up", *words, *([] if "--name" in words else ["--name", "test-bad"]))
    assert done.returncode == 1 and reason in done.stderr and "Traceback" not in done.stderr
    assert not Lab("test-bad").state.running()


def test_status_of_a_lab_that_does_not_run() -> None:
    done = run_lab("status", "--name", "test-none", "--json")
    assert done.returncode == 3 and json.loads(done.stdout) == {"name": "test-none", "running": False}


def test_status_tells_a_sick_lab(lab: Lab, node: str) -> None:
    assert run_lab("status", "--name", lab.name).returncode == 0
    lab.annotate(node, "lab/ready", "false")
    done = run_lab("status", "--name", lab.name, "--json")
    assert done.returncode == 1
    assert {entry["name"]: entry["ready"] for entry in json.loads(done.stdout)["nodes"]} == {
        "node-1": True, "node-2": False, "node-3": True}


def test_two_labs_side_by_side(lab: Lab) -> None:
    with started("test-second", "--nodes", "1", "--cilium", "none") as second:
        assert len(second.core().list_node().items) == 1
        assert len(lab.core().list_node().items) == 3
        ours, theirs = lab.status()["ports"], second.status()["ports"]
        assert not set(ours.values()) & set(theirs.values())
        processes = second.processes()
        assert len(processes) == 6
    assert not [pid for pid in processes if alive(pid)]
    assert lab.core().list_node().items, "the end of one lab ended the other"


def test_everything_listens_on_loopback_only(lab: Lab) -> None:
    listeners = listening(set(lab.status()["ports"].values()))
    assert len(listeners) >= 6 and {address for address, _port in listeners} == {"127.0.0.1"}


@pytest.mark.parametrize("victim", ["watched process", "supervisor", "component"])
def test_nothing_outlives(victim: str) -> None:
    parent = subprocess.Popen(["sleep", "600"])
    lab = Lab("test-mortal")
    lab.down()
    try:
        facts = lab.up("--nodes", "1", "--cilium", "none", "--watch-pid", str(parent.pid))
        processes = lab.processes()
        assert len(processes) == 6
        if victim == "watched process":
            parent.kill()
            parent.wait()
        elif victim == "supervisor":
            os.kill(facts["pid"], signal.SIGKILL)
        else:
            os.kill(next(pid for pid in processes if pid != facts["pid"]), signal.SIGKILL)
        wait(lambda: not [pid for pid in processes if alive(pid)])
        assert not lab.state.running() and run_lab("status", "--name", lab.name).returncode == 3
        assert not connects(facts["ports"]["apiserver"])
    finally:
        parent.kill()
        parent.wait()
        lab.down()


def test_up_tells_what_an_agent_says_when_it_refuses() -> None:
    lab = Lab("test-refusal")
    lab.down()
    try:
        done = run_lab("up", "--name", lab.name, "--nodes", "2", "--watch-pid", str(os.getpid()),
                       "--set", "loadBalancer.mode=dsr", "--set", "tunnel=vxlan", "--set", "autoDirectNodeRoutes=false")
        assert done.returncode == 1
        assert f"  node-1: {REFUSAL}\n  node-2: {REFUSAL}\n" in done.stderr
        assert run_lab("up", "--name", lab.name, "--set", "loadBalancer.mode=snat").returncode == 1, \
            "pods that exist keep the configuration they were created with"
        for name in lab.agents():
            lab.restart_agent(name)
        assert run_lab("up", "--name", lab.name).returncode == 0
    finally:
        lab.down()


def test_binaries_of_kubebuilder_assets_are_used(tmp_path: Path) -> None:
    program = json.loads(run_lab("tools").stdout)["cluster"]
    for name in ("etcd", "kube-apiserver"):
        script = tmp_path / name
        run = f'touch "{tmp_path}/{name}.used"\nexec "{program}" {name} "$@"\n'
        script.write_text("#!/bin/sh\n" + run, encoding="utf-8")
        script.chmod(0o755)
    lab = Lab("test-assets")
    lab.down()
    try:
        done = run_lab("up", "--name", lab.name, "--nodes", "1", "--cilium", "none", "--watch-pid", str(os.getpid()),
                       env={"KUBEBUILDER_ASSETS": str(tmp_path)})
        assert done.returncode == 0, done.stderr
        assert len(lab.core().list_node().items) == 1
        assert {path.name for path in tmp_path.glob("*.used")} == {"etcd.used", "kube-apiserver.used"}
    finally:
        lab.down()


# Accounts


def test_auditor_reads_and_execs_and_no_more(lab: Lab) -> None:
    api = lab.api(lab.state.folder / "kubeconfig-auditor")
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    assert len(core.list_node().items) == 3
    assert core.read_namespaced_config_map("cilium-config", NAMESPACE).data
    assert core.list_namespaced_secret(NAMESPACE).items and apps.list_namespaced_daemon_set(NAMESPACE).items
    for forbidden in (
        lambda: core.delete_namespaced_pod("any", NAMESPACE),
        lambda: core.patch_namespaced_config_map("cilium-config", NAMESPACE, {"data": {"a": "b"}}),
        lambda: core.patch_node("node-1", {"metadata": {"labels": {"a": "b"}}}),
        lambda: core.list_namespaced_secret("default"),
    ):
        with pytest.raises(client.ApiException) as error:
            forbidden()
        assert error.value.status == 403


def test_expired_account_is_unauthorized(lab: Lab) -> None:
    with pytest.raises(client.ApiException) as error:
        client.CoreV1Api(lab.api(lab.state.folder / "kubeconfig-expired")).list_node()
    assert error.value.status == 401


# Nodes


def test_nodes_look_like_nodes(lab: Lab) -> None:
    nodes = lab.core().list_node().items
    assert [node.metadata.name for node in nodes] == ["node-1", "node-2", "node-3"]
    assert nodes[0].metadata.labels["node-role.kubernetes.io/control-plane"] == "true"
    assert "node-role.kubernetes.io/control-plane" not in nodes[1].metadata.labels
    for field in ("boot_id", "machine_id", "system_uuid"):
        assert len({getattr(node.status.node_info, field) for node in nodes}) == 3
    assert nodes[0].status.node_info.kernel_version == "6.2.0-26-generic"
    assert nodes[0].status.node_info.os_image == "Ubuntu 22.04.2 LTS"
    assert [a.address for a in nodes[2].status.addresses if a.type == "InternalIP"] == ["192.168.3.10"]


def test_another_kernel_means_another_boot(lab: Lab, node: str) -> None:
    before = lab.core().read_node(node).status.node_info
    lab.annotate(node, "lab/kernel", "5.4.0-150-generic")
    after = lab.core().read_node(node).status.node_info
    assert after.kernel_version == "5.4.0-150-generic"
    assert after.boot_id != before.boot_id and after.machine_id == before.machine_id


def test_devices_reach_the_agent_when_it_starts(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/devices", "eth0=virtio_net,eth1=mlx5_core")
    assert "192.168.2.11" not in lab.agent_exec(node, *STATUS, "--verbose").out
    lab.restart_agent(node)
    lab.wait_agent_ready(node)
    assert "192.168.2.11" in lab.agent_exec(node, *STATUS, "--verbose").out


def test_health_reaches_the_agent_at_once(lab: Lab, node: str) -> None:
    healthy = lab.agent_exec(node, *STATUS).out
    lab.annotate(node, "lab/health", "failure")
    sick = lab.agent_exec(node, *STATUS).out
    assert health_line(healthy).split()[1] == "Ok" and health_line(sick).split()[1] == "Failure"


# Exec and logs


def test_exec_gives_exit_code_and_both_outputs(lab: Lab, node: str) -> None:
    assert lab.agent_exec(node, "exit", "42").code == 42
    assert lab.agent_exec(node, "true").code == 0
    answer = lab.agent_exec(node, "exit", "many")
    assert (answer.code, answer.out, answer.err) == (2, "", 'exit: "many" is no exit code\n')


def test_exec_passes_stdin_to_its_end(lab: Lab, node: str) -> None:
    text = "".join(f"line {number}\n" for number in range(20000))
    answer = lab.agent_exec(node, "cat", stdin=text)
    assert answer.code == 0 and answer.out == text


def test_exec_meets_the_very_pod(lab: Lab) -> None:
    for name, pod in lab.agents().items():
        seen = dict(line.split("=", 1) for line in lab.agent_exec(name, "env").out.splitlines())
        assert seen == {"POD_NAME": pod.metadata.name, "POD_NAMESPACE": NAMESPACE, "POD_UID": pod.metadata.uid,
                        "NODE_NAME": name, "CONTAINER_NAME": "cilium-agent"}


def test_a_command_that_the_image_lacks_is_an_error_of_the_runtime(lab: Lab, node: str) -> None:
    answer = lab.agent_exec(node, "cilium-dbg", "status")  # `cilium` until 1.14
    assert answer.code is None and answer.status["reason"] == "InternalError"
    assert "executable file not found in $PATH" in answer.status["message"]


def test_exec_and_logs_of_what_is_not_there(lab: Lab, node: str) -> None:
    pod = lab.agents()[node].metadata.name
    with pytest.raises(client.ApiException) as error:
        lab.core().read_namespaced_pod_log(pod, NAMESPACE, previous=True, container="cilium-agent")
    assert error.value.status == 400
    lab.annotate(node, "lab/agent", "crash:gone")
    crashed = lab.restart_agent(node)
    wait(lambda: lab.agent_container(node).state.waiting)
    assert 'container not found ("cilium-agent")' in lab.exec(crashed, "true").status["message"]


def test_log_is_the_agents(lab: Lab, node: str) -> None:
    pod = lab.agents()[node].metadata.name
    log = lab.core().read_namespaced_pod_log(pod, NAMESPACE, container="cilium-agent")
    assert "Cilium 1.13.4" in log
    last = lab.core().read_namespaced_pod_log(pod, NAMESPACE, container="cilium-agent", tail_lines=1)
    assert log.endswith(last) and last.count("\n") == 1


# Faults


def test_fault_throttle(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/exec", "throttle")
    answer = lab.agent_exec(node, *STATUS)
    assert answer.code is None and answer.out == "" and "too many requests" in answer.status["message"]


def test_fault_unreachable(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/exec", "unreachable")
    answer = lab.agent_exec(node, *STATUS)
    assert answer.code is None and "connection refused" in answer.status["message"]
    assert lab.agent_exec("node-3", *STATUS).code == 0, "the other nodes are well"


def test_fault_exit(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/exec", "exit:3:disk: full")
    answer = lab.agent_exec(node, *STATUS)
    assert (answer.code, answer.out, answer.err) == (3, "", "disk: full\n")


def test_fault_flood(lab: Lab, node: str) -> None:
    usual = lab.agent_exec(node, *STATUS, "--brief").out
    lab.annotate(node, "lab/exec", "flood")
    junk, rest = lab.agent_exec(node, *STATUS, "--brief").out.split("\n", 1)
    assert len(junk) == 1 << 20 and rest == usual


def test_fault_garbage(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/exec", "garbage")
    answer = lab.agent_exec(node, *STATUS)
    assert answer.code == 0 and "\0" in answer.out and "Cilium" not in answer.out


def test_fault_hostile(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/exec", "hostile")
    text = health_line(lab.agent_exec(node, *STATUS).out)
    structured = json.loads(lab.agent_exec(node, *STATUS, "-o", "json").out)["cilium"]["msg"]
    for part in ("{{ lookup('pipe','touch /tmp/x') }}", "\x1b[2J", "<script>"):
        assert part in text and part in structured


def test_fault_hang(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/exec", "hang")
    began = time.monotonic()
    answer = lab.agent_exec(node, *STATUS, seconds=1)
    assert answer.code is None and answer.out == "" and time.monotonic() - began >= 1


def test_a_refused_configuration_crash_loops_and_heals(lab: Lab, node: str) -> None:
    right = lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data
    lab.set_config(REFUSED)
    pod = lab.restart_agent(node)
    status = wait(lambda: refused(lab, node))
    assert not status.ready and status.last_state.terminated.exit_code == 1
    assert status.last_state.terminated.message == REFUSAL
    assert REFUSAL in lab.core().read_namespaced_pod_log(pod, NAMESPACE, container="cilium-agent")
    wait(lambda: lab.agent_container(node).restart_count >= 2)
    assert REFUSAL in lab.core().read_namespaced_pod_log(pod, NAMESPACE, container="cilium-agent", previous=True)
    lab.set_config({**dict.fromkeys(REFUSED), **right})
    time.sleep(4)  # a restart of the container comes by and finds the configuration of the pod's creation
    assert refused(lab, node) or not lab.agent_container(node).ready
    lab.restart_agent(node)
    lab.wait_agent_ready(node)


def refused(lab: Lab, node: str) -> object:
    status = lab.agent_container(node)
    waiting = status and status.state.waiting
    return status if waiting and waiting.reason == "CrashLoopBackOff" else None


def test_crash_whatever_the_configuration(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/agent", "crash:no BTF: giving up")
    lab.restart_agent(node)
    assert wait(lambda: refused(lab, node)).last_state.terminated.message == "no BTF: giving up"
    lab.annotate(node, "lab/agent", None)
    assert lab.wait_agent_ready(node).restart_count >= 1


def test_never_ready(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/agent", "never-ready")
    lab.restart_agent(node)
    wait(lambda: lab.agent_container(node).started)
    time.sleep(1)
    status = lab.agent_container(node)
    assert status.state.running and not status.ready and status.restart_count == 0
    assert lab.agent_exec(node, *STATUS).code == 0


def test_flap(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/agent", "flap")
    lab.restart_agent(node)
    assert lab.wait_agent_ready(node).restart_count == 0
    wait(lambda: lab.agent_container(node).restart_count == 1)
    assert lab.wait_agent_ready(node).last_state.terminated.exit_code == 2
    time.sleep(3)
    assert lab.agent_container(node).restart_count == 1 and lab.agent_container(node).ready


def test_start_delay(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/agent", "start-delay:3")
    began = time.monotonic()
    pod = lab.restart_agent(node)
    answer = lab.exec(pod, *STATUS)
    assert answer.code == 1 and "cilium.sock" in answer.err
    lab.wait_agent_ready(node)
    assert time.monotonic() - began > 2.5


# Configuration


def test_configuration_is_that_of_the_pods_creation(lab: Lab, node: str) -> None:
    assert load_balancer_mode(lab, node) == "SNAT"
    lab.set_config({"bpf-lb-mode": "dsr"})
    time.sleep(0.5)
    assert load_balancer_mode(lab, node) == "SNAT"
    lab.restart_agent(node)
    lab.wait_agent_ready(node)
    assert load_balancer_mode(lab, node) == "DSR" and load_balancer_mode(lab, "node-3") == "SNAT"


def test_node_configs_override_on_the_nodes_they_select(lab: Lab, node: str) -> None:
    objects = lab.objects()
    kind = ("cilium.io", "v2alpha1", NAMESPACE, "ciliumnodeconfigs")
    objects.create_namespaced_custom_object(*kind, {
        "apiVersion": "cilium.io/v2alpha1", "kind": "CiliumNodeConfig", "metadata": {"name": "one-node"},
        "spec": {"nodeSelector": {"matchLabels": {"kubernetes.io/hostname": node}},
                 "defaults": {"bpf-lb-mode": "hybrid"}}})
    try:
        for name in (node, "node-3"):
            lab.restart_agent(name)
            lab.wait_agent_ready(name)
        assert load_balancer_mode(lab, node) == "Hybrid" and load_balancer_mode(lab, "node-3") == "SNAT"
    finally:
        objects.delete_namespaced_custom_object(*kind, "one-node")


def load_balancer_mode(lab: Lab, node: str) -> str:
    lines = lab.agent_exec(node, *STATUS, "--verbose").out.splitlines()
    return next(line.split()[1] for line in lines if line.strip().startswith("Mode:"))


def health_line(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("Cilium:"))


# Many


def test_a_hundred_nodes() -> None:
    with started("test-hundred", "--nodes", "100", "--cilium", "1.18") as lab:
        agents = lab.agents()
        assert len(agents) == 100 and all(pod.status.container_statuses[0].ready for pod in agents.values())
        with ThreadPoolExecutor(16) as pool:
            answers = dict(pool.map(lambda item: (item[0], lab.exec(item[1].metadata.name, "env")), agents.items()))
        assert all(f"NODE_NAME={name}\n" in answer.out for name, answer in answers.items())


def test_any_pod_runs(lab: Lab) -> None:
    """Deployments and Jobs of other charts: init containers complete, a Job's pod ends."""
    batch = client.BatchV1Api(lab.api())
    batch.create_namespaced_job("default", {
        "metadata": {"name": "once"}, "spec": {"template": {"spec": {
            "restartPolicy": "Never", "initContainers": [{"name": "first", "image": "x"}],
            "containers": [{"name": "main", "image": "x"}]}}}})
    try:
        wait(lambda: batch.read_namespaced_job("once", "default").status.succeeded)
    finally:
        batch.delete_namespaced_job("once", "default", propagation_policy="Background")
    operator = wait(lambda: lab.apps().read_namespaced_deployment("cilium-operator", NAMESPACE).status.ready_replicas)
    assert operator == 1


# Looking at processes


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listening(ports: set[int]) -> list[tuple[str, int]]:
    """Address and port of the machine's TCP listeners on one of `ports`, whatever the address."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="utf-8").splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, port = local.split(":")
            if state == "0A" and int(port, 16) in ports:
                readable = socket.inet_ntoa(bytes.fromhex(address)[::-1]) if len(address) == 8 else address
                found.append((readable, int(port, 16)))
    return found
