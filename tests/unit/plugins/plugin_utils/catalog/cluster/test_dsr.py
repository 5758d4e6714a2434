# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model


def verdict(facts, options=None):
    return judge.judge(facts, policy.parse({"dsr": options or {}}))[-1]


def steps(facts, options=None):
    chosen = policy.parse({"dsr": options or {}})
    return plan.plan(facts, judge.judge(facts, chosen), chosen)["steps"]


def with_config(fixture, **keys):
    """The fixture with keys of cilium-config, in the release's manifest as well."""
    facts = model.load(fixture)
    for place in (facts["config"]["data"], facts["manifest_config"]):
        place.update({key.replace("_", "-"): value for key, value in keys.items()})
    return facts


@pytest.mark.parametrize("fixture, options, words, way_out", [
    ("1.13.4-tunnel-vxlan", {"dispatch": "geneve"}, "from 1.14 on", "dispatch opt"),
    ("1.14.19-kpr-off", {}, "kube_proxy_replacement", "api_host"),
    ("1.13.4-snat-native", {"dispatch": "geneve"}, "from 1.14 on", "upgrade"),
    ("1.13.4-edited-by-hand", {}, "changed by hand", "release's values"),
])
def test_what_cannot_work_is_blocked_with_its_reason_and_a_way_out(fixture, options, words, way_out):
    found = verdict(model.load(fixture), options)
    assert found["state"] == "BLOCKED"
    assert words in found["reason"] and way_out in found["way_out"]
    assert steps(model.load(fixture), options) == []


@pytest.mark.parametrize("fixture, keys, options, words", [
    ("1.15.19-snat-native", {"enable_ipsec": "true"}, {}, "IPsec"),
    ("1.18.12-snat-native", {"enable_nat46x64_gateway": "true"}, {}, "NAT46/NAT64"),
    ("1.17.18-snat-native", {"bpf_lb_mode_annotation": "true"}, {}, "1.17 agents"),
    ("1.17.18-snat-native", {"bpf_lb_mode_annotation": "true"}, {"mode": "snat"}, "1.17 agents"),
    ("1.18.12-receiving", {"bpf_lb_dsr_dispatch": "geneve"}, {"mode": "snat"}, "tunnel protocol is geneve"),
    ("1.13.4-snat-native", {"bpf_lb_mode": "dsr", "bpf_lb_dsr_dispatch": "ipip"}, {}, "ipip"),
    ("1.16.19-snat-native", {"routing_mode": "tunnel", "ipam": "eni"}, {}, "vxlan tunnel"),
    ("1.16.19-tunnel-geneve", {"tunnel_protocol": "vxlan"}, {"dispatch": "geneve"}, "vxlan tunnel"),
    ("1.14.19-snat-native", {"routing_mode": "tunnel"}, {"dispatch": "geneve"}, "vxlan tunnel"),
    ("1.16.19-snat-native", {"kube_proxy_replacement": "strict"}, {}, "exit at their next restart"),
])
def test_configurations_that_agents_exit_on_are_blocked(fixture, keys, options, words):
    found = verdict(with_config(fixture, **keys), options)
    assert found["state"] == "BLOCKED" and words in found["reason"] and found["way_out"]


@pytest.mark.parametrize("fixture, keys", [
    ("1.16.19-snat-native", {"enable_ipsec": "true"}),
    ("1.17.18-snat-native", {"enable_nat46x64_gateway": "true"}),
    ("1.13.4-snat-native", {"enable_ipsec": "false"}),
])
def test_what_excludes_dsr_in_other_versions_only_does_not_block(fixture, keys):
    assert verdict(with_config(fixture, **keys))["state"] == "DRIFT"


def test_ipip_dispatch_is_refused_with_the_reason():
    with pytest.raises(policy.PolicyError, match="which pods do not"):
        policy.parse({"dsr": {"dispatch": "ipip"}})


@pytest.mark.parametrize("fixture, options, values", [
    ("1.13.4-snat-native", {}, {"loadBalancer.mode": "dsr", "loadBalancer.dsrDispatch": "opt"}),
    ("1.14.19-snat-native", {"dispatch": "geneve"}, {"loadBalancer.mode": "dsr", "loadBalancer.dsrDispatch": "geneve"}),
    ("1.15.19-snat-native", {"dispatch": "geneve"},
     {"loadBalancer.mode": "dsr", "loadBalancer.dsrDispatch": "geneve", "tunnelProtocol": "geneve"}),
    ("1.16.19-tunnel-geneve", {"dispatch": "geneve"},
     {"loadBalancer.mode": "dsr", "loadBalancer.dsrDispatch": "geneve"}),
    ("1.17.18-snat-native", {"mode": "hybrid"},
     {"loadBalancer.mode": "hybrid", "loadBalancer.dsrDispatch": "opt", "bpf.lbModeAnnotation": False}),
])
def test_one_step_sets_what_the_version_needs(fixture, options, values):
    step, = steps(model.load(fixture), options)
    assert step["values"] == values
    assert step["id"] == "1-dsr-switch" and step["risk"] == "connections_lost"


def test_from_1_18_on_every_agent_learns_to_receive_before_one_sends():
    receive, send = steps(model.load("1.18.12-snat-native"))
    assert receive["values"] == {
        "loadBalancer.mode": "snat", "loadBalancer.dsrDispatch": "opt", "bpf.lbModeAnnotation": True}
    assert receive["expect"] == {"nodeport_mode": "snat", "annotations": [model.FORWARDING_MODE]}
    assert (receive["risk"], send["risk"]) == ("agent_restart", "connections_lost")
    assert send["values"] == {"loadBalancer.mode": "dsr"} and send["former_values"] == {"loadBalancer.mode": "snat"}
    assert send["expect"] == {"nodeport_mode": "dsr", "dsr_dispatch": "opt"}


@pytest.mark.parametrize("versions", [("1.18.12", "1.17.18"), ("1.17.18", "1.18.12")])
def test_two_steps_need_the_chart_and_every_agent_to_be_1_18(versions):
    facts = model.load("1.18.12-snat-native")
    facts["release"]["chart_version"], facts["agents"][1]["version"] = versions
    assert [step["stage"] for step in steps(facts)] == ["switch"]


def test_a_run_killed_between_its_steps_goes_on_where_it_was():
    facts = model.load("1.18.12-snat-native")
    receive, send = steps(facts)
    model.upgrade(facts, receive["values"])
    model.restart(facts, ["node-2"])
    rest, later = steps(facts)
    assert (rest["stage"], rest["values"], rest["nodes"]) == ("receive", {}, ["node-3", "node-1"])
    model.restart(facts, ["node-1", "node-3"])
    assert [step["stage"] for step in steps(facts)] == ["send"]
    model.upgrade(facts, send["values"])
    model.restart(facts, ["node-2"])
    last, = steps(facts)
    assert (last["stage"], last["values"], last["nodes"]) == ("send", {}, ["node-3", "node-1"])


def test_back_to_snat_from_plain_dsr_keeps_receiving_until_none_sends():
    keep, stop = steps(model.load("1.18.12-dsr-native"), {"mode": "snat"})
    assert keep["values"] == {"bpf.lbModeAnnotation": True} and keep["risk"] == "agent_restart"
    assert stop["values"] == {"loadBalancer.mode": "snat"} and stop["risk"] == "connections_lost"


def test_back_to_snat_that_the_config_says_already_is_one_step():
    facts = model.load("1.18.12-dsr-native")
    model.upgrade(facts, {"loadBalancer.mode": "snat"})
    step, = steps(facts, {"mode": "snat"})
    assert (step["stage"], step["values"], step["nodes"]) == ("stop", {}, ["node-2", "node-3", "node-1"])


def test_hybrid_turns_the_annotation_off_that_agents_exit_on():
    step, = steps(model.load("1.18.12-receiving"), {"mode": "hybrid"})
    assert step["values"]["bpf.lbModeAnnotation"] is False
    assert step["config"]["bpf-lb-mode-annotation"] == "false"


def test_snat_does_not_apply_without_kube_proxy_replacement():
    assert verdict(model.load("1.14.19-kpr-off"), {"mode": "snat"})["state"] == "NOT_APPLICABLE"


def test_running_agents_count_for_more_than_the_config_map():
    found = verdict(model.load("1.13.4-stale-agents"))
    assert found["state"] == "DRIFT"
    assert found["restart_pending"] == ["node-1", "node-2", "node-3"]
    assert found["found"]["live"] == {"nodeport_mode": {"snat": ["node-1", "node-2", "node-3"]}}
    assert found["found"]["config"]["bpf-lb-mode"] == "dsr"


def test_each_agent_is_judged_by_its_own_version():
    facts = model.load("1.16.19-snat-native")
    facts["agents"][2]["version"] = "1.13.4"
    found = verdict(facts, {"dispatch": "geneve"})
    assert found["state"] == "BLOCKED" and found["nodes"] == ["node-3"]


@pytest.mark.parametrize("version", ["2.0.0", "1.10.20", None])
def test_versions_that_are_not_known_here_are_unknown(version):
    facts = model.load("1.16.19-snat-native")
    facts["agents"][0]["version"] = facts["agents"][0]["status"]["version"] = version
    found = verdict(facts)
    assert found["state"] == "UNKNOWN" and "node-1" in found["reason"]


def test_an_image_without_a_version_is_judged_by_what_the_agent_says():
    facts = model.load("1.13.4-dsr-native")
    facts["agents"][0]["version"] = None
    assert verdict(facts)["state"] == "OK"


def test_clouds_and_several_devices_are_noted():
    facts = model.load("1.16.19-snat-native")
    facts["nodes"][1]["provider_id"] = "aws:///eu-central-1a/i-0123"
    facts["agents"][0]["status"]["devices"] = ["eth0", "eth1"]
    notes = " ".join(verdict(facts)["notes"])
    assert "source and destination check" in notes and "IP options" in notes and "rp_filter" in notes
    assert "IP options" not in " ".join(verdict(facts, {"dispatch": "geneve"})["notes"])
    assert verdict(facts, {"mode": "snat"})["notes"] == []


def test_a_node_config_that_wins_over_the_config_map_blocks_and_is_named():
    facts = model.load("1.16.19-snat-native")
    override = {"name": "edge", "namespace": "kube-system", "api_version": "cilium.io/v2",
                "node_selector": {"matchLabels": {"kubernetes.io/hostname": "node-2"}}, "defaults": {"bpf-lb-mode": "dsr"}}
    facts["node_configs"] = [override]
    found = verdict(facts)
    assert found["state"] == "BLOCKED" and "CiliumNodeConfig edge" in found["reason"] and found["nodes"] == ["node-2"]
    in_line = model.load("1.13.4-dsr-native")
    in_line["node_configs"] = [copy.deepcopy(override)]
    assert verdict(in_line)["state"] == "OK", "what it sets is what is wanted and what runs"


def test_a_value_that_cannot_be_set_is_named():
    for value, words in (("<hidden>", "loadBalancer"), ("text", "loadBalancer")):
        facts = model.load("1.13.4-snat-native")
        facts["release"]["values"]["loadBalancer"] = value
        found = verdict(facts)
        assert found["state"] == "BLOCKED" and words in found["reason"]


def test_extra_config_that_says_otherwise_is_named():
    facts = model.load("1.13.4-snat-native")
    facts["release"]["values"]["extraConfig"] = {"bpf-lb-mode": "snat"}
    assert "extraConfig" in verdict(facts)["reason"]


@pytest.mark.parametrize("dispatch, more, state", [
    ("geneve", {"enable-ipv4-big-tcp": "true"}, "BLOCKED"), ("geneve", {"enable-ipv6-big-tcp": "true"}, "BLOCKED"),
    ("geneve", {"enable-ipv4-big-tcp": "true", "enable-tunnel-big-tcp": "true"}, "DRIFT"), ("geneve", {}, "DRIFT"),
    ("opt", {"enable-ipv4-big-tcp": "true"}, "DRIFT"),
])
def test_geneve_dispatch_and_big_tcp_exclude_each_other_from_1_19_on(dispatch, more, state):
    facts = model.load("1.20.0-snat-native")
    for place in (facts["config"]["data"], facts["manifest_config"]):
        place.update(more)
    chosen = policy.parse({"dsr": {"dispatch": dispatch}})
    verdict = judge.judge(facts, chosen)[-1]
    assert verdict["state"] == state
    assert state != "BLOCKED" or "BIG TCP" in verdict["reason"] and "dispatch opt" in verdict["way_out"]
