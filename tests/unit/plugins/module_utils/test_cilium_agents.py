# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_agents
from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_agents import LastChange
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Output, Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_cilium import SPACE, FakeCilium, stamp

FIRST, SECOND = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"
TEXT = b"""KubeProxyReplacement:    Strict   [eth0 10.0.0.1 (Direct Routing)]
Cilium:                  Ok   1.13.4 (v1.13.4-abc)
"""


def agents_of(cluster):
    pods = cilium_agents.list_pods(cluster, "kube-system", "cilium")
    return [cilium_agents.describe(pod, LastChange()) for pod in pods]


def ask(cluster, timeout=5.0, node=0):
    return cilium_agents.ask(cluster, "kube-system", agents_of(cluster)[node], timeout)


def test_an_agent_by_its_pod(cilium, cluster):
    agent = agents_of(cluster)[0]
    assert agent["node"] == "node-1" and agent["version"] == "1.13.4" and agent["ready"] and agent["restarts"] == 0
    assert agent["waiting"] is None and agent["last_message"] is None and agent["started_at"] is not None


def test_only_the_daemonsets_own_pods_count(api, cilium, cluster):
    stranger = dict(api.objects[cilium.path("node-1")])
    stranger["metadata"] = {"name": "x", "creationTimestamp": stamp(), "labels": {"k8s-app": "cilium"},
                            "ownerReferences": [{"kind": "ReplicaSet", "name": "cilium"}]}
    api.put(SPACE + "/pods/stranger", stranger)
    assert len(agents_of(cluster)) == 3


def test_a_pod_on_its_way_out_does_not_hide_its_successor(api, cilium, cluster):
    api.objects[cilium.path("node-2")]["metadata"]["deletionTimestamp"] = stamp(60)
    new = cilium.put_pod("node-2", created=-700)
    agents = {agent["node"]: agent for agent in agents_of(cluster)}
    assert agents["node-2"]["pod"] == new and len(agents) == 3


def test_a_lone_pod_on_its_way_out_is_not_ready(api, cilium, cluster):
    api.objects[cilium.path("node-2")]["metadata"]["deletionTimestamp"] = stamp(60)
    agent = agents_of(cluster)[1]
    assert agent["ready"] is False and agent["waiting"] == "Terminating"


def test_a_pod_without_a_node_is_known_by_its_affinity(api, cilium, cluster):
    pod = api.objects[cilium.path("node-3")]
    del pod["spec"]["nodeName"]
    terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-3"]}]}]
    pod["spec"]["affinity"] = {"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
    pod["status"] = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}
    agent = agents_of(cluster)[2]
    assert (agent["node"], agent["waiting"], agent["ready"]) == ("node-3", "Unschedulable", False)


def test_crash_loop_tells_the_fatal_line_cleaned(cilium, cluster):
    log = 'level=info msg=start\nlevel=fatal msg="cannot be \x1b[31mused with tunneling"\ngoodbye\n'
    cilium.crash("node-1", log, restarts=7)
    agent = agents_of(cluster)[0]
    assert agent["waiting"] == "CrashLoopBackOff" and agent["restarts"] == 7
    assert agent["last_message"] == 'level=fatal msg="cannot be used with tunneling"'


@pytest.mark.parametrize("created, change, current", [
    (SECOND, LastChange(FIRST), True), (FIRST, LastChange(SECOND, True, "sum"), False),
    (FIRST, LastChange(FIRST), None), (FIRST, LastChange(FIRST, is_creation=True), True), (FIRST, LastChange(FIRST, checksum="sum"), True),
    (FIRST, LastChange(FIRST, checksum="other"), None), (FIRST, LastChange(), None)])
def test_config_is_current_only_when_that_is_proven(created, change, current):
    metadata = {"creationTimestamp": created, "annotations": {cilium_agents.CHECKSUM: "sum"}}
    assert cilium_agents.config_current(metadata, change) is current


def test_without_a_checksum_the_same_second_proves_nothing():
    assert cilium_agents.config_current({"creationTimestamp": FIRST}, LastChange(FIRST)) is None


def test_json_status_and_routing_from_the_options_of_an_old_agent(cilium, cluster):
    answer = ask(cluster)
    assert answer.status["nodeport_mode"] == "snat" and answer.source == "json" and answer.routing_mode == "native"
    assert [command[1:] for command in cilium.commands] == [
        ["cilium", "status", "-o", "json"], ["cilium", "config", "-a", "-o", "json"]]


def test_the_agents_own_command_has_another_name_from_1_15_on(api, cluster):
    cilium = FakeCilium(api, version="1.16.5")
    answer = ask(cluster)
    assert answer.status["nodeport_mode"] == "snat" and answer.error is None
    assert [command[1] for command in cilium.commands] == ["cilium-dbg"]


def test_a_wrong_guess_of_the_command_is_corrected(api, cilium, cluster):
    for path, item in api.objects.items():
        if "/pods/" in path:
            item["spec"]["containers"][0]["image"] = "registry.local/cilium@sha256:abc"
    answer = ask(cluster)
    assert answer.error is None and [command[1] for command in cilium.commands][:2] == ["cilium-dbg", "cilium"]


def test_exit_127_means_no_such_command_too(api, cilium, cluster):
    plain = cilium.answer
    cilium.version = "1.16.1"
    api.on_exec = lambda pod, command: Output(b"", b"not found", 127) if command[0] == "cilium" else plain(pod, command)
    assert ask(cluster).status["health"] == "ok"


def test_text_where_json_is_none(api, cilium, cluster):
    api.on_exec = lambda pod, command: Output(TEXT) if "--verbose" in command else Output(b"unknown flag: -o", b"", 1)
    answer = ask(cluster)
    assert answer.source == "text" and answer.status["kube_proxy_replacement"] == "strict"
    assert answer.options_error.kind == "failed"


def test_an_agent_that_ends_with_an_error_has_its_own_words(api, cilium, cluster):
    api.on_exec = lambda pod, command: Output(b"", b"Error: dial unix /var/run/cilium/cilium.sock: no such file\n", 1)
    answer = ask(cluster)
    assert answer.status is None and answer.error.kind == "failed" and "cilium.sock" in answer.error.message


def test_an_agent_that_prints_nonsense_is_garbled(api, cilium, cluster):
    api.on_exec = lambda pod, command: Output(b"\x1b]0;{{ lookup('pipe', 'id') }}\x07<html>" + b"x" * 1000000)
    answer = ask(cluster)
    assert answer.error.kind == "garbled" and len(answer.error.message) < 400 and "\x1b" not in answer.error.message


def test_all_questions_to_one_agent_share_its_time(api, cilium, cluster):
    api.on_exec = lambda pod, command: Output(b"nothing", b"", 1, delay=0.3)
    begin = time.monotonic()
    assert ask(cluster, timeout=0.5).error.kind == "timeout"
    assert time.monotonic() - begin < 1.2


def test_an_agent_that_does_not_run_is_not_asked(api, cilium, cluster):
    cilium.crash("node-1", "level=fatal msg=boom", restarts=3)
    answer = ask(cluster)
    assert answer.error.kind == "failed" and "boom" in answer.error.message and cilium.commands == []


def test_options_that_cannot_be_read_do_not_spoil_the_status(api, cilium, cluster):
    plain = cilium.answer
    api.on_exec = lambda pod, command: Output(b"{", b"", 0) if command[1] == "config" else plain(pod, command)
    answer = ask(cluster)
    assert answer.error is None and answer.routing_mode is None and answer.options_error.kind == "garbled"


def test_warnings_before_the_options_are_no_reason_to_give_up(api, cilium, cluster):
    plain = cilium.answer
    noise = Output(b"x" * 1000000 + b'\nlevel=warning msg={\n{"Tunnel": "geneve"}')
    api.on_exec = lambda pod, command: noise if command[1] == "config" else plain(pod, command)
    assert ask(cluster).routing_mode == "tunnel"


@pytest.mark.parametrize("options, mode", [
    ({"Tunnel": "disabled"}, "native"), ({"Tunnel": "vxlan"}, "tunnel"), ({"RoutingMode": "tunnel"}, "tunnel"),
    ({"a": {"RoutingMode": "native", "Tunnel": ""}}, "native"), ({"Tunnel": "bogus"}, None), ({}, None)])
def test_routing_mode_by_the_options_of_each_version(api, cilium, cluster, options, mode):
    plain = cilium.answer
    api.on_exec = lambda pod, command: (
        Output(json.dumps(options).encode()) if command[1] == "config" else plain(pod, command))
    assert ask(cluster).routing_mode == mode


def test_agents_are_asked_in_parallel_and_one_that_hangs_holds_up_nobody(api, cluster):
    cilium = FakeCilium(api, nodes=24)
    plain = cilium.answer

    def slow(pod, command):
        if "-node-7-" in pod:
            return Output(delay=10)
        time.sleep(0.1)
        return plain(pod, command)

    api.on_exec = slow
    begin = time.monotonic()
    agents = agents_of(cluster)
    answers = dict(zip([agent["node"] for agent in agents], cilium_agents.ask_all(
        cluster, "kube-system", agents, 24, 2.0)))
    assert time.monotonic() - begin < 4.5
    assert answers.pop("node-7").error.kind == "timeout"
    assert all(answer.error is None and answer.status["health"] == "ok" for answer in answers.values())


def test_denied_exec_is_each_agents_own_error(api, cilium, cluster):
    api.script("GET", "/exec", Reply(403, b"{}"))
    answers = cilium_agents.ask_all(cluster, "kube-system", agents_of(cluster), 3, 2.0)
    assert [answer.error.kind for answer in answers] == ["denied"] * 3


def test_an_agent_that_fails_before_it_begins_is_known_by_its_init_container(api, cilium, cluster):
    pod = api.objects[cilium.path("node-1")]
    pod["status"] = {"conditions": [{"type": "Ready", "status": "False"}], "initContainerStatuses": [
        {"name": "mount-cgroup", "ready": True, "restartCount": 0, "state": {"terminated": {"message": "fine"}}},
        {"name": "config", "ready": False, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
         "lastState": {"terminated": {"message": "Running\nError: Build config failed: connection refused"}}}],
        "containerStatuses": [
            {"name": "cilium-agent", "restartCount": 0, "state": {"waiting": {"reason": "PodInitializing"}}}]}
    agent = agents_of(cluster)[0]
    assert agent["waiting"] == "Init:CrashLoopBackOff" and agent["restarts"] == 0
    assert agent["last_message"] == "Error: Build config failed: connection refused"
