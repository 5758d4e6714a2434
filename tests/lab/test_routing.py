# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a tunnel to native routing on a real control plane, proved by the agents' own probes, and back; where nodes do not
reach each other without the tunnel, all goes back by itself."""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from labkit import NAMESPACE, Lab, started
from plays import Bastion, leases, modes, snapshot
from proofs import check_clean, helm_value

pytestmark = pytest.mark.lab

TUNNELS = {"1.13.4": {"tunnel": "vxlan"}, "1.18": {"routingMode": "tunnel"}}
ACCEPTED = {"fastpath_acknowledge": ["native_routing", "dsr"]}
NATIVE = {"fastpath_tunings": {"native_routing": {}}}
SITES = [pytest.param(version, id=version, marks=pytest.mark.xdist_group(f"routing-{version}")) for version in TUNNELS]


class Site:
    """A lab of three nodes whose agents run a VXLAN tunnel, and a bastion beside it."""

    def __init__(self, lab: Lab, bastion: Bastion, version: str) -> None:
        self.lab, self.bastion, self.version = lab, bastion, version

    @property
    def config(self) -> dict[str, str]:
        return self.lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data

    def reached(self) -> set[str]:
        """What agents say of the ways to all pods, asked without the collection: "" where all is well."""
        found = set()
        for node in self.lab.agents():
            answer = self.lab.agent_exec(node, "cilium-health", "status", "--probe", "-o", "json")
            entries = json.loads(answer.out)["nodes"]
            assert len(entries) == 3, entries
            found |= {entry["endpoint"]["icmp"].get("status", "") for entry in entries}
        return found

    def tune(self, **given: Any) -> Any:
        return self.bastion.run("tune", **{**NATIVE, **ACCEPTED, "fastpath_reach_timeout": 8, **given})


@pytest.fixture(name="site", scope="module", params=SITES)
def fixture_site(request: pytest.FixtureRequest, tools: dict[str, str],
                 tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    version = request.param
    given = {**TUNNELS[version], "autoDirectNodeRoutes": "false", "ipv4NativeRoutingCIDR": "null"}
    options = [word for path, value in given.items() for word in ("--set", f"{path}={value}")]
    with started(f"routing-{version}".replace(".", "-"), "--nodes", "3", "--cilium", version, *options) as lab:
        yield Site(lab, Bastion(tmp_path_factory.mktemp("bastion"), lab.kubeconfig, tools["helm3"]), version)


def test_a_tunnel_is_left_with_an_acknowledgement_by_name_and_put_back_byte_for_byte(site: Site) -> None:
    before, config = snapshot(site.lab), site.config
    unasked = site.tune(fastpath_acknowledge=[])
    assert unasked.code != 0 and '"fastpath_acknowledge": ["native_routing"]' in unasked.out and snapshot(site.lab) == before
    there = site.tune()
    assert there.code == 0 and there.result["outcome"] == "in_line", there.out
    assert site.config["auto-direct-node-routes"] == "true" and site.config["ipv4-native-routing-cidr"] == "10.0.0.0/8"
    assert site.config.get("routing-mode", site.config.get("tunnel")) in ("native", "disabled") and site.reached() == {""}
    again = site.tune()
    assert again.code == 0 and again.result["outcome"] == "in_line" and again.result["steps"] == [], again.out
    back = site.bastion.run("rollback")
    assert back.code == 0 and back.result["outcome"] == "rolled_back", back.out
    assert site.config == config and site.reached() == {""} and leases(site.lab) == []


def test_dsr_comes_after_it_in_one_run(site: Site) -> None:
    config = site.config
    there = site.tune(fastpath_tunings={"dsr": {}})
    assert there.code == 0 and set(modes(site.lab, site.version).values()) == {"DSR"}, there.out
    assert [step["tunings"] for step in there.document("plan")["steps"]][0] == ["native_routing"]
    back = site.bastion.run("rollback")
    assert back.code == 0 and site.config == config and site.reached() == {""}, back.out


@pytest.fixture(name="segments")
def fixture_segments(site: Site) -> Iterator[Site]:
    for node, segment in (("node-1", "rack-1"), ("node-2", "rack-1"), ("node-3", "rack-2")):
        site.lab.annotate(node, "lab/segment", segment)
    yield site
    for node in ("node-1", "node-2", "node-3"):
        site.lab.annotate(node, "lab/segment", None)


def test_nodes_of_two_segments_go_back_by_themselves_with_the_reason(segments: Site) -> None:
    config = segments.config
    assert segments.reached() == {""}, "the tunnel does not care"
    failed = segments.tune()
    assert failed.code != 0 and failed.result["outcome"] == "rolled_back", failed.out
    check_clean(segments.lab, failed)
    assert "the agent of node-1 does not reach the pods of node-3 by ICMP (Connection timed out)" in failed.result["message"]
    assert set(failed.result["nodes"].values()) == {"rolled_back"}
    assert segments.config == config and segments.reached() == {""} and leases(segments.lab) == []
    assert helm_value(segments.lab, "autoDirectNodeRoutes") is False


def test_a_fabric_that_knows_the_way_carries_what_segments_do_not(segments: Site) -> None:
    for node in ("node-1", "node-2", "node-3"):
        segments.lab.annotate(node, "lab/fabric-routes", "true")
    try:
        there = segments.tune(fastpath_tunings={"native_routing": {"routes": "fabric"}}, fastpath_batch=3)
        assert there.code == 0 and segments.reached() == {""}, there.out
        assert segments.config["auto-direct-node-routes"] == "false"
        assert segments.bastion.run("rollback").code == 0
    finally:
        for node in ("node-1", "node-2", "node-3"):
            segments.lab.annotate(node, "lab/fabric-routes", None)


def test_what_does_not_work_before_is_no_ground_to_change_anything_on(site: Site) -> None:
    key = "tunnel" if site.version == "1.13.4" else "tunnel-protocol"
    site.lab.set_config({key: "geneve"})
    site.lab.restart_agent("node-3")
    site.lab.wait_agent_ready("node-3")
    site.lab.set_config({key: "vxlan"})
    before = snapshot(site.lab)
    try:
        refused = site.tune(fastpath_reach_timeout=2)
        assert refused.code != 0 and refused.result["message"].endswith("Nothing had been changed."), refused.out
        assert "does not reach the pods of node-3" in refused.result["message"]
        assert snapshot(site.lab) == before
    finally:
        site.lab.restart_agent("node-3")
        site.lab.wait_agent_ready("node-3")
