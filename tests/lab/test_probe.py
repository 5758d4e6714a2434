# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The probe on a real control plane: what it deploys, and what it means for a run that nothing is proven.

The lab's pods are simulated and answer nobody, so here a probe can never pass: these are the stories of a probe that does not.
"""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import client
from labkit import Lab, started, wait
from plays import ACKNOWLEDGED, Bastion, modes, snapshot

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("probe")]

VERSION, NAMESPACE = "1.16", "fastpath-probe"
OURS = {"app.kubernetes.io/managed-by": "fastpath.cilium", "fastpath.cilium/run": "20250101T000000Z-aaaaaa"}


@pytest.fixture(name="lab", scope="module")
def fixture_lab(tools: dict[str, str]) -> Iterator[Lab]:
    with started("probe", "--nodes", "3", "--cilium", VERSION, "--helm", "4") as lab:
        yield lab


@pytest.fixture(name="bastion", scope="module")
def fixture_bastion(lab: Lab, tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Bastion:
    return Bastion(tmp_path_factory.mktemp("bastion"), lab.kubeconfig, tools["helm4"])


def namespaces(lab: Lab) -> set[str]:
    return {found.metadata.name for found in lab.core().list_namespace().items}


def make(lab: Lab, labels: dict[str, str]) -> None:
    lab.core().create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE, labels=labels)))


def test_without_proof_nothing_is_changed_and_nothing_left(lab: Lab, bastion: Bastion) -> None:
    make(lab, OURS)  # of a run that was killed
    before = snapshot(lab)
    run = bastion.run("dsr", fastpath_probe=True, **ACKNOWLEDGED)
    assert run.code != 0 and run.result["outcome"] == "failed", run.out
    assert "Nothing had been changed." in run.result["message"]
    probe, = run.result["probes"]
    assert probe["name"].startswith("probe-before-") and probe["passed"] is not True and probe["asked"] >= 12
    backends = run.document(probe["name"])["probe"]["backends"]
    assert len(backends) == 3 and all(backend["ready"] for backend in backends)
    assert probe["causes"] and probe["causes"][0]["sentence"] in run.out.replace("\n", " ") or "Probe" in run.out
    assert NAMESPACE not in namespaces(lab) and snapshot(lab) == before


def test_where_a_probe_is_made_only_if_it_can_be_it_is_told_what_is_not_proven(lab: Lab, bastion: Bastion) -> None:
    run = bastion.run("dsr", fastpath_probe="auto", **ACKNOWLEDGED)
    assert run.code == 0, run.out
    assert "It was not proven with packets" in run.result["message"] and set(modes(lab, VERSION).values()) == {"DSR"}
    assert [probe["passed"] for probe in run.result["probes"]] != [True] and NAMESPACE not in namespaces(lab)
    back = bastion.run("rollback")
    assert back.code == 0 and set(modes(lab, VERSION).values()) == {"SNAT"}, back.out


def test_a_namespace_of_somebody_else_stays_and_a_misspelt_wish_is_told(lab: Lab, bastion: Bastion) -> None:
    make(lab, {"team": "other"})
    before = snapshot(lab)
    run = bastion.run("dsr", fastpath_probe=True, **ACKNOWLEDGED)
    assert run.code != 0 and "somebody else's" in run.result["message"], run.out
    assert NAMESPACE in namespaces(lab) and snapshot(lab) == before
    wrong = bastion.run("dsr", fastpath_probe="ture", **ACKNOWLEDGED)
    assert wrong.code != 0 and "it must be auto, true or false" in wrong.out and snapshot(lab) == before
    lab.core().delete_namespace(NAMESPACE)
    wait(lambda: NAMESPACE not in namespaces(lab))


def test_what_a_killed_run_left_goes_with_its_way_back(lab: Lab, bastion: Bastion) -> None:
    assert bastion.run("dsr", **ACKNOWLEDGED).code == 0
    make(lab, OURS)
    back = bastion.run("rollback")
    assert back.code == 0 and NAMESPACE not in namespaces(lab), back.out
