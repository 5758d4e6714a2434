# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way back on a real control plane: of two steps, past an agent that stays down, and never without the lock."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from labkit import NAMESPACE, Lab, started, wait
from plays import ACKNOWLEDGED, Bastion, leases, modes, snapshot
from proofs import check_clean

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("way-back")]

OLD, TWO_STEPS = "1.13.4", "1.18"
QUICK = {"fastpath_rollout_timeout": 12, **ACKNOWLEDGED}


@pytest.fixture(name="lab", scope="module")
def fixture_lab() -> Iterator[Lab]:
    with started("way-back", "--nodes", "3", "--cilium", OLD) as lab:
        yield lab


@pytest.fixture(name="bastion")
def fixture_bastion(lab: Lab, tools: dict[str, str], tmp_path: Path) -> Bastion:
    return Bastion(tmp_path, lab.kubeconfig, tools["helm3"])


def heal(lab: Lab, node: str) -> None:
    """The node is sound again; its agent starts anew as the kubelet would start it."""
    lab.annotate(node, "lab/agent", None)
    lab.restart_agent(node)
    lab.wait_agent_ready(node)


def test_two_steps_with_another_dispatch_go_back(tools: dict[str, str], tmp_path: Path) -> None:
    with started("way-back-geneve", "--nodes", "3", "--cilium", TWO_STEPS) as lab:
        bastion = Bastion(tmp_path, lab.kubeconfig, tools["helm3"])
        config = lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data
        there = bastion.run("dsr", fastpath_dsr_dispatch="geneve", **ACKNOWLEDGED)
        assert there.code == 0 and set(modes(lab, TWO_STEPS).values()) == {"DSR"}, there.out
        back = bastion.run("rollback")
        assert back.code == 0 and back.result["outcome"] == "rolled_back", back.out
        assert set(modes(lab, TWO_STEPS).values()) == {"SNAT"}
        assert lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data == config


def test_an_agent_that_stays_down_keeps_no_other_from_going_back(lab: Lab, bastion: Bastion) -> None:
    former = lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data
    lab.annotate("node-3", "lab/agent", "never-ready")
    tune = bastion.run("tune", fastpath_tunings={"dsr": {}}, **QUICK)
    assert tune.code != 0 and tune.result["outcome"] == "failed", tune.out
    check_clean(lab, tune)
    assert "Taking it back failed too: The agent on node-3 did not come back" in tune.result["message"]
    assert tune.result["nodes"] == {"node-1": "untouched", "node-2": "rolled_back", "node-3": "unknown"}
    assert lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data == former
    found = modes(lab, OLD)
    assert found["node-1"] == found["node-2"] == "SNAT" and leases(lab) == []
    heal(lab, "node-3")
    rest = bastion.run("rollback")
    assert rest.code == 0 and rest.result["outcome"] == "rolled_back", rest.out
    assert set(rest.result["nodes"].values()) <= {"rolled_back", "untouched"}


def test_a_preview_of_the_way_back_touches_nothing(lab: Lab, bastion: Bastion) -> None:
    assert bastion.run("tune", **ACKNOWLEDGED).code == 0
    before = snapshot(lab)
    preview = bastion.run("rollback", "--check", "--diff")
    assert preview.code == 0 and preview.result["outcome"] == "drift", preview.out
    assert "would be taken back; this was a preview, nothing was changed." in preview.out and "-  bpf-lb-mode: dsr" in preview.out
    assert snapshot(lab) == before
    refused = bastion.run("rollback", fastpath_batch=0)
    assert refused.code != 0 and "The batch is 0" in refused.out and snapshot(lab) == before
    assert bastion.run("rollback").code == 0


def test_who_lost_the_lock_takes_nothing_back(lab: Lab, bastion: Bastion) -> None:
    lab.annotate("node-2", "lab/agent", "never-ready")
    former = lab.agents()["node-2"].metadata.uid
    run = bastion.start("tune", **QUICK)
    wait(lambda: lab.agents().get("node-2") and lab.agents()["node-2"].metadata.uid != former, 60)
    path = ("coordination.k8s.io", "v1", NAMESPACE, "leases", "fastpath-cilium")
    lab.objects().patch_namespaced_custom_object(*path, {"spec": {"holderIdentity": "other"}})
    out = run.communicate(timeout=120)[0]
    assert run.returncode != 0 and "Taking it back failed too: Run other holds the lock" in out
    assert lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data["bpf-lb-mode"] == "dsr"
    heal(lab, "node-2")
    back = bastion.run("rollback", fastpath_takeover="other")
    assert back.code == 0 and set(modes(lab, OLD).values()) == {"SNAT"}, back.out


def test_an_agent_that_restarts_while_it_starts_is_no_reason_to_go_back(lab: Lab, bastion: Bastion) -> None:
    lab.annotate("node-2", "lab/agent", "flap")
    tune = bastion.run("tune", fastpath_settle=5, **ACKNOWLEDGED)
    assert tune.code == 0 and lab.agent_container("node-2").restart_count == 1, tune.out
    lab.annotate("node-2", "lab/agent", None)
    assert bastion.run("rollback").code == 0
