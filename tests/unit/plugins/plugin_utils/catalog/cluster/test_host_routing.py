# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

ID = "host_routing"
KEY = "enable-host-legacy-routing"
LEGACY = {"host_routing": "legacy"}


def switched_off(version, value):
    fixture = "1.13.4-snat-native" if version < "1.14" else "1.14.19-snat-native"
    facts = one.of_version(one.cluster(fixture, config={KEY: "true"}, values={value: True}, running=LEGACY), version)
    for agent in facts["agents"]:
        agent["status"]["kube_proxy_replacement"] = facts["config"]["data"]["kube-proxy-replacement"]
    return facts


@pytest.mark.parametrize("fixture", ["1.13.4-snat-native", "1.14.19-snat-native", "1.20.0-snat-native"])
def test_it_is_in_line_without_any_value_where_agents_run_it(fixture):
    assert one.verdict(one.cluster(fixture), ID)["state"] == "OK" and one.steps(one.cluster(fixture), ID) == []


@pytest.mark.parametrize("version, value, wanted", [
    ("1.11.20", "bpf.hostRouting", {"bpf.hostRouting": False}),
    ("1.12.19", "bpf.hostLegacyRouting", {"bpf.hostLegacyRouting": False}),
    ("1.12.19", "bpf.hostRouting", {"bpf.hostLegacyRouting": False}),
    ("1.14.19", "bpf.hostLegacyRouting", {"bpf.hostLegacyRouting": False}),
])
def test_the_value_that_turns_it_off_is_taken_back_under_the_name_of_the_version(version, value, wanted):
    facts = switched_off(version, value)
    step, = one.steps(facts, ID)
    assert (step["values"], step["config"], step["risk"]) == (wanted, {KEY: "false"}, "agent_restart")
    assert step["expect"] == {"host_routing": "bpf"} and len(step["nodes"]) == 3
    assert one.verdict(one.after(facts, [step]), ID)["state"] == "OK"


def test_agents_that_started_with_all_of_it_and_go_without_are_not_restarted_in_vain():
    facts = one.cluster("1.14.19-snat-native", running=LEGACY)
    assert one.refused(one.verdict(facts, ID), "does something else all the same", "log")
    facts["agents"][1]["config_current"] = False
    facts["agents"][0]["status"]["host_routing"] = facts["agents"][2]["status"]["host_routing"] = "bpf"
    step, = one.steps(facts, ID)
    assert (step["values"], step["nodes"]) == ({}, ["node-2"])


@pytest.mark.parametrize("fixture, keys, words, way_out", [
    ("1.16.19-snat-native", {"enable-ipsec": "true"}, "IPsec", "1.20"),
    ("1.13.4-snat-native", {"enable-endpoint-routes": "true"}, "route per endpoint", "endpointRoutes.enabled"),
    ("1.13.4-snat-native", {"enable-wireguard": "true"}, "WireGuard", "1.14"),
    ("1.20.0-snat-native", {"cni-chaining-mode": "aws-cni"}, "chained", "Leave"),
])
def test_what_agents_fall_back_to_the_host_s_stack_for_is_refused(fixture, keys, words, way_out):
    assert one.refused(one.verdict(one.cluster(fixture, config=keys, running=LEGACY), ID), words, way_out)


@pytest.mark.parametrize("fixture, keys", [
    ("1.20.0-snat-native", {"enable-ipsec": "true"}),
    ("1.14.19-snat-native", {"enable-endpoint-routes": "true", "enable-wireguard": "true", "cni-chaining-mode": "none"}),
])
def test_what_is_refused_in_other_versions_only_is_no_reason(fixture, keys):
    assert one.verdict(one.cluster(fixture, config=keys), ID)["state"] == "OK"


def test_kernels_before_5_10_and_clusters_without_replacement_are_refused():
    old = one.cluster("1.14.19-snat-native", running=LEGACY, kernel="5.9.0-1")
    assert one.refused(one.verdict(old, ID), "kernel 5.10", "Upgrade the kernel")
    without = one.verdict(one.cluster("1.14.19-kpr-off"), ID)
    assert one.refused(without, "kube_proxy_replacement", "api_host")
    assert without["reason"].startswith("It needs kube_proxy_replacement")


def test_masquerading_by_iptables_is_changed_first_and_masquerading_that_is_off_will_do():
    iptables = one.cluster("1.16.19-snat-native", config={"enable-bpf-masquerade": None}, values={"bpf.masquerade": None},
                           running={"masquerading": "iptables", **LEGACY})
    step, = one.steps(iptables, ID)
    assert step["tunings"] == ["ebpf_masquerade", ID], "one restart brings both"
    assert step["expect"] == {"masquerading": "bpf", "host_routing": "bpf"} and step["risk"] == "connections_lost"
    off = one.cluster("1.16.19-snat-native", config={"enable-ipv4-masquerade": "false"},
                      running={"masquerading": "disabled"})
    assert one.verdict(off, ID)["state"] == "OK"
    off["agents"][0]["status"]["host_routing"] = "legacy"
    assert one.refused(one.verdict(off, ID), "does something else", "log")


def test_what_rests_on_netfilter_is_noted_until_it_is_in_place():
    assert "Netfilter" in one.verdict(one.cluster("1.14.19-snat-native", running=LEGACY), ID)["notes"][0]
    assert one.verdict(one.cluster("1.14.19-snat-native"), ID)["notes"] == []


@pytest.mark.parametrize("config", [{"egress-masquerade-interfaces": "eth0"}, {"enable-remote-node-identity": "false"}])
def test_bpf_masquerading_that_falls_back_takes_host_routing_with_it_although_nothing_is_masqueraded(config):
    off = {"enable-ipv4-masquerade": "false", "enable-ipv6-masquerade": "false"}
    facts = one.cluster("1.13.4-snat-native", config={**off, **config}, running={"masquerading": "disabled", **LEGACY})
    assert one.verdict(facts, ID)["state"] == "BLOCKED"
    without = one.cluster("1.13.4-snat-native", config={**off, **config, "enable-bpf-masquerade": None, KEY: "true"},
                          values={"bpf.hostLegacyRouting": True}, running={"masquerading": "disabled", **LEGACY})
    assert one.verdict(without, ID)["state"] == "DRIFT"
