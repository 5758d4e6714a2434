# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A profile on a lab: what can be done is done in few rollouts, the rest is told, and all of it is taken back."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from labkit import Lab, started
from plays import Bastion, leases, snapshot

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("profiles")]


@pytest.fixture(name="lab", scope="module")
def fixture_lab() -> Iterator[Lab]:
    kernels = [word for node in (1, 2, 3) for word in ("--annotate", f"node-{node}:lab/kernel=6.12.9-amd64")]
    with started("test-profiles", "--nodes", "3", "--cilium", "1.18", *kernels) as lab:
        yield lab


@pytest.fixture(name="bastion")
def fixture_bastion(lab: Lab, tools: dict[str, str], tmp_path) -> Bastion:
    return Bastion(tmp_path, lab.kubeconfig, tools["helm4"])


def config(lab: Lab) -> dict[str, str]:
    return lab.core().read_namespaced_config_map("cilium-config", "kube-system").data


def test_an_audit_of_a_profile_says_what_is_left_out_and_changes_nothing(lab: Lab, bastion: Bastion) -> None:
    before = snapshot(lab)
    audit = bastion.run("audit", fastpath_profile="max")
    assert audit.code == 0, audit.out
    assert "Left out of the profile" in audit.out and "Add dsr to fastpath_acknowledge" in audit.out
    assert snapshot(lab) == before


def test_throughput_is_reached_in_few_rollouts_verified_and_taken_back(lab: Lab, bastion: Bastion) -> None:
    before = config(lab)
    without = {"xdp": False, "dsr": False}
    tune = bastion.run("tune", fastpath_profile="throughput", fastpath_tunings=without)
    assert tune.code == 0, tune.out
    steps = tune.document("plan")["steps"]
    assert [(step["risk"], step["pods"]) for step in steps] == [("agent_restart", False), ("pods_recreated", True)]
    assert config(lab)["enable-bbr"] == "true" and config(lab)["enable-ipv4-big-tcp"] == "true"
    verify = bastion.run("verify", fastpath_profile="throughput", fastpath_tunings=without)
    assert verify.code == 0, verify.out
    waiting = bastion.run("verify", fastpath_profile="throughput", fastpath_tunings={"xdp": False})
    assert waiting.code != 0 and waiting.result["outcome"] == "drift", "what waits for a word is not in line"
    rollback = bastion.run("rollback")
    assert rollback.code == 0, rollback.out
    assert config(lab) == before and leases(lab) == []


def test_a_profile_that_is_none_is_one_clear_sentence(bastion: Bastion) -> None:
    wrong = bastion.run("audit", fastpath_profile="fastest")
    assert wrong.code != 0 and "fastpath_profile is 'fastest'" in wrong.out and "Traceback" not in wrong.out
