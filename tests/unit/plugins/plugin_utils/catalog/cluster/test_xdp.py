# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one

KEY, PATH = "bpf-lb-acceleration", "loadBalancer.acceleration"
NODES = ["node-1", "node-2", "node-3"]


def in_line(fixture, mode):
    return one.cluster(fixture, {PATH: mode}, {KEY: mode}, {"xdp_acceleration": mode})


@pytest.mark.parametrize("fixture, mode", [
    ("1.13.4-snat-native", "native"), ("1.15.19-snat-native", "best-effort"), ("1.20.0-snat-native", "disabled")])
def test_in_line(fixture, mode):
    assert one.verdict("xdp", in_line(fixture, mode), {"mode": mode})["state"] == "OK"


def test_native_that_every_agent_shows_needs_no_best_effort_in_its_place():
    facts = in_line("1.16.19-snat-native", "native")
    assert one.verdict("xdp", facts)["state"] == "OK"
    facts["agents"][1]["status"]["xdp_acceleration"] = "disabled"
    assert one.step("xdp", facts)["values"] == {PATH: "best-effort"}, "native is not proved everywhere"


def test_best_effort_is_a_step_of_its_own_that_may_stop_links():
    step = one.step("xdp", model.load("1.15.19-snat-native"))
    assert (step["values"], step["config"], step["expect"], step["risk"]) == (
        {PATH: "best-effort"}, {KEY: "best-effort"}, {"xdp_acceleration": "best-effort"}, "network_blip")
    assert sorted(step["nodes"]) == NODES and "queues" in step["reason"]


def test_switching_it_off():
    step = one.step("xdp", in_line("1.16.19-snat-native", "native"), {"mode": "disabled"})
    assert (step["values"], step["risk"]) == ({PATH: "disabled"}, "network_blip")
    assert one.verdict("xdp", model.load("1.14.19-kpr-off"), {"mode": "disabled"})["state"] == "NOT_APPLICABLE"


@pytest.mark.parametrize("fixture, config, options, state, words, way_out", [
    ("1.14.19-snat-native", {}, {}, "BLOCKED", "from 1.15 on", "Upgrade Cilium to 1.15"),
    ("1.14.19-snat-native", {}, {"mode": "native"}, "UNKNOWN", "driver of every device of node-1, node-2, node-3",
     "best-effort"),
    ("1.12.19-tunnel-dsr-degraded", {}, {"mode": "native"}, "BLOCKED", "together with a tunnel", "native routing"),
    ("1.12.19-tunnel-dsr-degraded", {"tunnel": "disabled", "enable-ipv4-egress-gateway": "true"}, {"mode": "native"},
     "BLOCKED", "egress gateway", "egressGateway.enabled"),
    ("1.12.19-tunnel-dsr-degraded", {"tunnel": "disabled"}, {"mode": "native"}, "UNKNOWN", "driver", "CiliumNodeConfig"),
    ("1.13.4-tunnel-vxlan", {}, {"mode": "native"}, "UNKNOWN", "driver", "best-effort"),
    ("1.18.12-snat-native", {"routing-mode": "tunnel", "underlay-protocol": "ipv6"}, {}, "BLOCKED", "tunnel over IPv6",
     "ipv4"),
    ("1.18.12-snat-native", {"routing-mode": "tunnel", "underlay-protocol": "auto", "enable-ipv6": "true"}, {}, "UNKNOWN",
     "underlay-protocol auto", "underlayProtocol"),
    ("1.18.12-snat-native", {"underlay-protocol": "ipv6"}, {}, "DRIFT", "disabled", ""),
    ("1.17.18-snat-native", {"routing-mode": "tunnel", "underlay-protocol": "ipv6"}, {}, "DRIFT", "disabled", ""),
    ("1.14.19-kpr-off", {}, {"mode": "native"}, "BLOCKED", "kube_proxy_replacement", ""),
])
def test_what_agents_exit_on_or_nobody_knows(fixture, config, options, state, words, way_out):
    assert one.is_refused(one.verdict("xdp", one.cluster(fixture, config=config), options), state, words, way_out)


def test_one_agent_that_is_too_old_or_not_native_is_named():
    facts = model.load("1.16.19-snat-native")
    facts["agents"][2]["version"] = "1.14.19"
    assert one.verdict("xdp", facts)["nodes"] == ["node-3"]
    facts = in_line("1.16.19-snat-native", "native")
    facts["agents"][0]["status"]["xdp_acceleration"] = "best-effort"
    assert one.verdict("xdp", facts, {"mode": "native"})["nodes"] == ["node-1"]


def test_generic_mode_is_refused_with_the_reason():
    with pytest.raises(policy.PolicyError, match="slower than none"):
        policy.parse({"xdp": {"mode": "testing-only"}})


def test_limits_of_nics_and_clouds_are_noted():
    facts = one.cluster("1.16.19-snat-native", config={"enable-wireguard": "true", "encrypt-node": "true"})
    facts["nodes"][0]["provider_id"] = "aws:///eu-central-1a/i-0123"
    notes = " ".join(one.verdict("xdp", facts)["notes"])
    assert "3498" in notes and "bnxt" in notes and "On AWS" in notes and "unencrypted" in notes and "bpftool" in notes
    assert "On Azure" not in notes and one.verdict("xdp", facts, {"mode": "disabled"})["notes"] == []


def test_it_is_not_for_everybody():
    assert "xdp" not in policy.parse(profile="recommended") and "xdp" not in policy.parse(profile="throughput")
    assert policy.parse(profile="latency")["xdp"].options == {"mode": "best-effort"}
