# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nodes that are not alike, on a real control plane: old kernels are left out, groups have their own, a few go first; and
back, with nothing left behind."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labkit import NAMESPACE, Lab, started, wait
from plays import Bastion, kill, leases
from watching import counted

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("nodes-apart")]

VERSION, NEW, OLD = "1.16", "6.12.9-amd64", "5.4.0-150-generic"
BBR = {"bbr": {}}


@pytest.fixture(name="lab", scope="module")
def fixture_lab() -> Iterator[Lab]:
    kernels = [word for node in ("node-1", "node-2") for word in ("--annotate", f"{node}:lab/kernel={NEW}")]
    with started("nodes-apart", "--nodes", "3", "--cilium", VERSION, "--set", "bpf.masquerade=true", *kernels,
                 "--annotate", f"node-3:lab/kernel={OLD}") as lab:
        yield lab


@pytest.fixture(name="bastion")
def fixture_bastion(lab: Lab, tools: dict[str, str], tmp_path: Path) -> Bastion:
    return Bastion(tmp_path, lab.kubeconfig, tools["helm4"])


def config(lab: Lab) -> dict[str, str]:
    return lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data


def node_configs(lab: Lab) -> dict[str, dict[str, Any]]:
    found = lab.objects().list_namespaced_custom_object("cilium.io", "v2", NAMESPACE, "ciliumnodeconfigs")["items"]
    return {item["metadata"]["name"]: item["spec"] for item in found}


def pods(lab: Lab) -> dict[str, str]:
    return {node: pod.metadata.uid for node, pod in lab.agents().items()}


def congestion_control(lab: Lab) -> dict[str, str]:
    return {node: json.loads(lab.agent_exec(node, "cilium-dbg", "status", "-o", "json").out)["bandwidth-manager"].get(
        "congestionControl") for node in sorted(lab.agents())}


def test_an_old_kernel_is_left_out_and_the_way_back_leaves_nothing(lab: Lab, bastion: Bastion) -> None:
    before = config(lab)
    audit = bastion.run("audit", fastpath_tunings=BBR)
    assert "its kernel 5.4.0-150-generic is older than 5.18" in " ".join(audit.out.split()), audit.out
    with counted(lab) as count:
        tune = bastion.run("tune", fastpath_tunings=BBR)
    assert tune.code == 0 and tune.result["outcome"] == "in_line", tune.out
    assert congestion_control(lab) == {"node-1": "bbr", "node-2": "bbr", "node-3": "cubic"} and count.most == 1
    left_out = node_configs(lab)["fastpath-bbr"]
    assert left_out["defaults"] == {"enable-bbr": "false"}
    assert left_out["nodeSelector"]["matchExpressions"][0]["values"] == ["node-3"]
    again = bastion.run("tune", fastpath_tunings=BBR)
    assert again.code == 0 and again.result["outcome"] == "in_line" and again.result["steps"] == [], again.out
    back = bastion.run("rollback", fastpath_run_id=tune.folder.name)
    assert back.code == 0 and back.result["outcome"] == "rolled_back", back.out
    assert config(lab) == before and node_configs(lab) == {}
    assert set(congestion_control(lab).values()) <= {None, "cubic"}


def test_a_kernel_that_was_upgraded_needs_no_exception_any_more(lab: Lab, bastion: Bastion) -> None:
    first = bastion.run("tune", fastpath_tunings=BBR)
    assert first.code == 0 and "fastpath-bbr" in node_configs(lab), first.out
    lab.annotate("node-3", "lab/kernel", NEW)
    former = pods(lab)
    second = bastion.run("tune", fastpath_tunings=BBR)
    assert second.code == 0 and node_configs(lab) == {}, second.out
    assert congestion_control(lab)["node-3"] == "bbr"
    assert {node for node, uid in pods(lab).items() if former[node] != uid} == {"node-3"}
    undone = bastion.run("rollback", fastpath_run_id=second.folder.name)
    assert undone.code == 0 and "fastpath-bbr" in node_configs(lab), undone.out
    lab.annotate("node-3", "lab/kernel", OLD)
    assert bastion.run("rollback", fastpath_run_id=first.folder.name).code == 0 and node_configs(lab) == {}


def test_groups_have_tunings_of_their_own(lab: Lab, bastion: Bastion) -> None:
    before = config(lab)
    wanted = {"fastpath_tunings": {"monitor_aggregation": {}}, "fastpath_groups": [
        {"nodes": ["node-2"], "tunings": {"monitor_aggregation": {"interval": "60s"}}},
        {"nodes": {"kubernetes.io/hostname": "node-3"}, "tunings": {"monitor_aggregation": False}}]}
    tune = bastion.run("tune", **wanted)
    assert tune.code == 0 and tune.result["outcome"] == "in_line", tune.out
    found = {name: spec["defaults"]["monitor-aggregation-interval"] for name, spec in node_configs(lab).items()}
    assert found == {"fastpath-monitor-aggregation": "5s", "fastpath-monitor-aggregation-1": "60s"}
    assert bastion.run("verify", **wanted).code == 0
    wrong = bastion.run("tune", fastpath_groups=[{"nodes": ["node-22"], "tunings": {"xdp": False}}], fastpath_tunings={"xdp": {}})
    assert wrong.code != 0 and "'node-22', which is no node; did you mean node-2" in wrong.out, wrong.out
    back = bastion.run("rollback", fastpath_run_id=tune.folder.name)
    assert back.code == 0 and node_configs(lab) == {} and config(lab) == before, back.out


def test_a_step_that_fails_on_the_first_node_touches_no_other(lab: Lab, bastion: Bastion) -> None:
    before, former = config(lab), pods(lab)
    lab.annotate("node-2", "lab/agent", "never-ready")
    tune = bastion.run("tune", fastpath_tunings={"pmtu_discovery": {}}, fastpath_canary=1, fastpath_rollout_timeout=12)
    message = tune.result["message"]
    assert tune.code != 0 and "node-2 did not come back as wanted: it does not become Ready; its log says: level=" in message, tune.out
    assert "subsys=daemon. Taking it back failed too: " in message
    now = pods(lab)
    assert {node for node in now if now[node] != former[node]} == {"node-2"}
    assert config(lab) == before and node_configs(lab) == {} and leases(lab) == []
    assert tune.result["nodes"]["node-1"] == tune.result["nodes"]["node-3"] == "untouched"
    lab.annotate("node-2", "lab/agent", None)
    lab.restart_agent("node-2")
    lab.wait_agent_ready("node-2")
    rest = bastion.run("rollback")
    assert rest.code == 0, rest.out


def test_a_step_that_holds_on_the_first_node_goes_on(lab: Lab, bastion: Bastion) -> None:
    before = config(lab)
    tune = bastion.run("tune", fastpath_tunings={"pmtu_discovery": {}}, fastpath_canary=1)
    assert tune.code == 0 and tune.result["outcome"] == "in_line", tune.out
    assert node_configs(lab) == {} and config(lab)["enable-pmtu-discovery"] == "true"
    assert bastion.run("rollback").code == 0 and config(lab) == before


def test_a_run_killed_while_one_node_goes_first_is_taken_back(lab: Lab, bastion: Bastion) -> None:
    before = config(lab)
    run = bastion.start("tune", fastpath_tunings={"pmtu_discovery": {}}, fastpath_canary=1, fastpath_settle=30)
    wait(lambda: "fastpath-canary" in node_configs(lab), 60)
    kill(run)
    # Nobody takes what was left behind for settled.
    blocked = bastion.run("audit", fastpath_tunings={"pmtu_discovery": {}})
    assert "was left behind by a run that was killed" in " ".join(blocked.out.split()), blocked.out
    back = bastion.run("rollback")
    assert back.code == 0 and node_configs(lab) == {} and config(lab) == before, back.out
