# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole story on a real control plane: audited, planned, taken from SNAT to DSR, verified, taken back.

With LAB_CHART set (a chart's folder or package) it is told with that chart instead, for LAB_CILIUM (its version).
"""
from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from labkit import Lab, started
from plays import ACKNOWLEDGED, Bastion, leases, modes, snapshot

pytestmark = pytest.mark.lab

CHART = os.environ.get("LAB_CHART")
VERSIONS = [os.environ["LAB_CILIUM"]] if CHART else ["1.13.4", "1.16", "1.18", "1.20"]
SITES = [pytest.param((version, helm), marks=pytest.mark.xdist_group(f"story-{version}-{helm}"), id=f"{version}-helm{helm}")
         for version in VERSIONS for helm in ("3", "4")]


class Site:
    """A lab with three nodes in SNAT, and a bastion beside it."""

    def __init__(self, lab: Lab, bastion: Bastion, version: str) -> None:
        self.lab, self.bastion, self.version = lab, bastion, version

    @property
    def modes(self) -> set[str]:
        found = modes(self.lab, self.version)
        assert len(found) == 3
        return set(found.values())

    @property
    def live_config(self) -> dict[str, str]:
        return self.lab.core().read_namespaced_config_map("cilium-config", "kube-system").data


@pytest.fixture(name="site", scope="module", params=SITES)
def fixture_site(request: pytest.FixtureRequest, tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    version, helm = request.param
    chart = ["--chart", CHART] if CHART else []
    with started(f"story-{version}-{helm}".replace(".", "-"), "--nodes", "3", "--cilium", version, "--helm", helm, *chart) as lab:
        bastion = Bastion(tmp_path_factory.mktemp("bastion"), lab.kubeconfig, tools[f"helm{helm}"])
        yield Site(lab, bastion, version)


def states(play) -> dict[str, str]:
    return {tuning["id"]: tuning["state"] for tuning in play.result["tunings"]}


def test_the_story(site: Site) -> None:
    before, config = snapshot(site.lab), site.live_config
    assert site.modes == {"SNAT"}

    audit = site.bastion.run("audit")
    assert audit.code == 0, audit.out
    assert states(audit) == {"native_routing": "OK", "kube_proxy_replacement": "OK", "dsr": "DRIFT"}
    assert audit.result["outcome"] == "drift"

    preview = site.bastion.run("tune", "--check", "--diff")
    assert preview.code == 0, preview.out
    assert "bpf-lb-mode: dsr" in preview.out or "bpf-lb-mode-annotation: 'true'" in preview.out
    assert snapshot(site.lab) == before, "a preview changed something"

    unasked = site.bastion.run("tune")
    assert unasked.code != 0 and "fastpath_acknowledge" in unasked.out
    assert unasked.result["outcome"] == "drift"
    assert snapshot(site.lab) == before, "a run that was not acknowledged changed something"

    tune = site.bastion.run("tune", **ACKNOWLEDGED)
    assert tune.code == 0, tune.out
    assert tune.result["outcome"] == "in_line"
    assert set(tune.result["nodes"].values()) == {"changed"} and len(tune.result["nodes"]) == 3
    assert all(f"  {node}: restarted and verified\n" in tune.out for node in tune.result["nodes"]), "no progress was shown"
    assert site.modes == {"DSR"}
    assert site.live_config["bpf-lb-mode"] == "dsr" and site.live_config["bpf-lb-dsr-dispatch"] == "opt"
    assert leases(site.lab) == [], "the lock is still there"

    done = snapshot(site.lab)
    again = site.bastion.run("tune", **ACKNOWLEDGED)
    assert again.code == 0 and again.result["outcome"] == "in_line", again.out
    assert snapshot(site.lab) == done, "a second run changed something"

    verify = site.bastion.run("verify")
    assert verify.code == 0, verify.out

    rollback = site.bastion.run("rollback")
    assert rollback.code == 0, rollback.out
    assert rollback.result["outcome"] == "rolled_back"
    assert site.modes == {"SNAT"}
    assert site.live_config == config
    assert leases(site.lab) == []

    failed = site.bastion.run("verify")
    assert failed.code != 0 and failed.result["outcome"] == "drift", failed.out

    rest = site.bastion.run("rollback")
    assert rest.code == 0 and "nothing left to take back" in rest.out


def test_dsr_playbook_by_name_from_any_folder(site: Site) -> None:
    hybrid = site.bastion.run("fastpath.cilium.dsr", fastpath_dsr_mode="hybrid", **ACKNOWLEDGED)
    assert hybrid.code == 0, hybrid.out
    assert site.modes == {"Hybrid"} or site.modes == {"HYBRID"}
    back = site.bastion.run("fastpath.cilium.dsr", fastpath_dsr_mode="snat", **ACKNOWLEDGED)
    assert back.code == 0, back.out
    assert site.modes == {"SNAT"}


def test_records_hold_what_happened_and_no_secret(site: Site) -> None:
    audit = site.bastion.run("audit")
    token = json.loads(json.dumps(Path(site.lab.kubeconfig).read_text())).split("token:")[1].split("}")[0].strip()
    for file in audit.folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0, f"{file.name} is readable by others"
        assert token not in file.read_text()
    assert token not in audit.out
    assert audit.document("facts")["cluster"]["uid"]
    assert [verdict["tuning"] for verdict in audit.document("verdicts")]
