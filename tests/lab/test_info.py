# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""cilium_info on a real control plane: what is read, what is told of what cannot be read, and with how few rights."""
from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
from kubernetes import client

sys.path.insert(0, str(Path(__file__).resolve().parent))

from accounts import account  # noqa: E402
from labkit import NAMESPACE, Lab, started, wait  # noqa: E402

from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module  # noqa: E402

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("info")]


@pytest.fixture(scope="module", name="lab")
def fixture_lab() -> Iterator[Lab]:
    with started("test-info", "--nodes", "3", "--cilium", "1.13.4") as running:
        yield running


@pytest.fixture(name="node")
def fixture_node(lab: Lab) -> Iterator[str]:
    """A node whose execs are put right after the test."""
    yield "node-2"
    lab.annotate("node-2", "lab/exec", None)
    lab.annotate("node-2", "lab/health", None)


def info(lab: Lab, kubeconfig: str = "", **given: Any) -> dict:
    result = run_module("cilium_info", kubeconfig=kubeconfig or str(lab.kubeconfig), **given)
    assert not result.get("failed"), result
    return result["facts"]


def agent(facts: dict, node: str) -> dict:
    return next(item for item in facts["agents"] if item["node"] == node)


def unread(facts: dict) -> dict:
    return {entry["what"]: entry["class"] for entry in facts["unread"]}


def test_a_whole_cluster(lab: Lab) -> None:
    facts = info(lab)
    uid = lab.core().read_namespace("kube-system").metadata.uid
    assert facts["unread"] == [] and facts["cluster"]["uid"] == uid
    assert facts["release"]["chart_version"] == "1.13.4" and facts["release"]["status"] == "deployed"
    assert facts["owner"]["kind"] == "helm" and facts["config"]["data"] == facts["manifest_config"]
    assert [node["name"] for node in facts["nodes"]] == ["node-1", "node-2", "node-3"]
    assert facts["daemonset"]["desired"] == 3 == len(facts["agents"])
    for found in facts["agents"]:
        assert found["status"]["nodeport_mode"] == "snat" and found["status"]["health"] == "ok"
        assert found["source"] == "json" and found["options"]["routing_mode"] == "native" and found["config_current"]


@pytest.mark.parametrize("fault, error", [
    ("hang", "timeout"), ("garbage", "garbled"), ("exit:7:cannot open socket", "failed"), ("throttle", "throttled"),
    ("unreachable", "unreachable")])
def test_an_agent_that_cannot_be_read_has_its_class_and_the_others_go_on(
        lab: Lab, node: str, fault: str, error: str) -> None:
    lab.annotate(node, "lab/exec", fault)
    begin = time.monotonic()
    facts = info(lab, agent_timeout=5)
    assert time.monotonic() - begin < 15
    found = agent(facts, node)
    assert found["status"] is None and found["error"]["class"] == error and found["ready"]
    assert unread(facts) == {"agents/node-2/status": error}
    assert agent(facts, "node-1")["status"]["health"] == agent(facts, "node-3")["status"]["health"] == "ok"


@pytest.mark.parametrize("fault", ["flood", "hostile"])
def test_an_answer_with_much_or_evil_text_is_read_as_data(lab: Lab, node: str, fault: str) -> None:
    lab.annotate(node, "lab/exec", fault)
    facts = info(lab)
    assert facts["unread"] == [] and agent(facts, node)["status"]["nodeport_mode"] == "snat"
    assert "\\u001b" not in json.dumps(facts["agents"])


def test_an_agent_in_trouble_says_so_and_is_read(lab: Lab, node: str) -> None:
    lab.annotate(node, "lab/health", "failure")
    facts = info(lab)
    assert agent(facts, node)["status"]["health"] == "failure" and facts["unread"] == []


def test_an_audit_needs_get_list_and_exec_only(lab: Lab, tmp_path: Path) -> None:
    facts = info(lab, account(lab, "audit", tmp_path))
    assert facts["unread"] == [] and facts["release"]["revision"] == 1
    assert all(found["status"]["nodeport_mode"] == "snat" for found in facts["agents"])


def test_the_labs_own_auditor_and_its_expired_certificate(lab: Lab) -> None:
    facts = info(lab, str(lab.kubeconfig) + "-auditor")
    assert facts["unread"] == [] and all(found["status"] for found in facts["agents"])
    result = run_module("cilium_info", kubeconfig=str(lab.kubeconfig) + "-expired")
    assert result["failed"] and result["error_class"] == "denied" and "expired" in result["msg"]


@pytest.mark.parametrize("right, missing", [
    ("secrets", {"release": "denied"}), ("nodes", {"nodes": "denied", "kube_proxy": "failed"}),
    ("configmaps", {"config": "denied"}), ("daemonsets", {"daemonset": "denied", "kube_proxy": "denied"}),
    ("pods", {"agents": "denied", "kube_proxy": "denied"}), ("services", {"service_addresses": "denied"}),
    ("endpointslices", {"api/endpoints": "denied"}), ("namespaces", {"cluster/uid": "denied"}),
    ("pods/exec", {"agents/node-{0}/status".format(number): "denied" for number in (1, 2, 3)})])
def test_a_missing_right_costs_its_own_source_only(lab: Lab, tmp_path: Path, right: str, missing: dict) -> None:
    facts = info(lab, account(lab, "without-" + right.replace("/", "-"), tmp_path, without=right))
    assert unread(facts) == missing
    assert right.rpartition("/")[2] in facts["unread"][0]["reason"]


def test_a_credential_that_is_not_valid_any_more(lab: Lab, tmp_path: Path) -> None:
    config = account(lab, "leaver", tmp_path)
    lab.core().delete_namespaced_service_account("leaver", NAMESPACE)

    def refused() -> Any:
        result = run_module("cilium_info", kubeconfig=config, agents=False)
        return result if result.get("failed") else None

    result = wait(refused)
    token = json.loads(Path(config).read_text())["users"][0]["user"]["token"]
    assert result["error_class"] == "denied" and "expired" in result["msg"] and token not in json.dumps(result)


def test_a_config_changed_after_the_agents_started(lab: Lab) -> None:
    lab.set_config({"monitor-aggregation": "low"})
    facts = info(lab)
    assert [found["config_current"] for found in facts["agents"]] == [False] * 3
    lab.set_config({"monitor-aggregation": "medium"})
    assert info(lab)["config"]["data"] == facts["manifest_config"]


def test_another_namespace_is_told_not_guessed(lab: Lab) -> None:
    facts = info(lab, release_namespace="default")
    assert facts["release_found"] is False and facts["agents"] == []
    assert unread(facts)["daemonset"] == unread(facts)["config"] == "not_found"


def test_node_configs(lab: Lab) -> None:
    groups = client.ApisApi(lab.api()).get_api_versions().groups
    version = next(group.preferred_version.version for group in groups if group.name == "cilium.io")
    body = {"apiVersion": "cilium.io/" + version, "kind": "CiliumNodeConfig", "metadata": {"name": "fast"},
            "spec": {"nodeSelector": {"matchLabels": {"kubernetes.io/hostname": "node-1"}},
                     "defaults": {"bpf-lb-acceleration": "native"}}}
    lab.objects().create_namespaced_custom_object("cilium.io", version, NAMESPACE, "ciliumnodeconfigs", body)
    assert [item["defaults"] for item in info(lab)["node_configs"]] == [{"bpf-lb-acceleration": "native"}]
    lab.objects().delete_namespaced_custom_object("cilium.io", version, NAMESPACE, "ciliumnodeconfigs", "fast")


@pytest.mark.parametrize("version", ["1.16.19", "1.20.0"])
def test_the_agents_of_later_versions(version: str) -> None:
    with started("test-info-" + version.replace(".", "-"), "--nodes", "2", "--cilium", version) as lab:
        facts = info(lab)
    assert facts["unread"] == [] and {found["version"] for found in facts["agents"]} == {version}
    assert all(found["status"]["routing_mode"] == "native" for found in facts["agents"])
    assert all(found["options"]["routing_mode"] is None for found in facts["agents"])
