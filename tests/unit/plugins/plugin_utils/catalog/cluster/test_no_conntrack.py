# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

ID = "no_conntrack"
KEY = "install-no-conntrack-iptables-rules"
VALUE = "installNoConntrackIptablesRules"


@pytest.mark.parametrize("fixture", ["1.13.4-snat-native", "1.20.0-snat-native"])
def test_the_step_adds_the_rules_with_a_restart_only(fixture):
    facts = one.cluster(fixture, config={KEY: "false"})
    step, = one.steps(facts, ID)
    assert (step["values"], step["config"], step["risk"]) == ({VALUE: True}, {KEY: "true"}, "agent_restart")
    assert one.verdict(one.after(facts, [step]), ID)["state"] == "OK"
    assert "connection state" in one.verdict(facts, ID)["notes"][0]
    assert one.verdict(one.after(facts, [step]), ID)["notes"] == []


@pytest.mark.parametrize("current, state", [(True, "OK"), (False, "DRIFT"), (None, "UNKNOWN")])
def test_no_status_shows_it_so_the_start_of_the_agent_counts(current, state):
    facts = one.cluster("1.16.19-snat-native", config={KEY: "true"}, values={VALUE: True})
    facts["agents"][1]["config_current"] = current
    assert one.verdict(facts, ID)["state"] == state


@pytest.mark.parametrize("facts, words, way_out", [
    (one.cluster("1.13.4-tunnel-vxlan", config={"cluster-id": "7"}), "native_routing", "maintenance window"),
    (one.cluster("1.14.19-kpr-off"), "kube_proxy_replacement", "api_host"),
    (one.cluster("1.16.19-snat-native", config={"egress-masquerade-interfaces": "eth0"}), "ebpf_masquerade", "devices"),
    (one.cluster("1.16.19-snat-native", config={"cni-chaining-mode": "aws-cni"}), "aws-cni", "Leave"),
    (one.cluster("1.16.19-snat-native", values={"eni.enabled": True}), "eni.enabled", "Leave"),
])
def test_where_agents_exit_or_the_chart_never_sets_it_it_is_refused(facts, words, way_out):
    assert one.refused(one.verdict(facts, ID), words, way_out) and one.steps(facts, ID) == []


def test_masquerading_that_is_off_is_as_good_as_masquerading_by_bpf():
    facts = one.cluster("1.16.19-snat-native", config={"enable-ipv4-masquerade": "false", "enable-bpf-masquerade": None},
                        running={"masquerading": "disabled"})
    assert [step["tunings"] for step in one.steps(facts, ID)] == [[ID]]


def test_masquerading_by_iptables_is_changed_first():
    facts = one.cluster("1.16.19-snat-native", config={"enable-bpf-masquerade": None}, values={"bpf.masquerade": None},
                        running={"masquerading": "iptables"})
    assert [step["tunings"] for step in one.steps(facts, ID)] == [["ebpf_masquerade"], [ID]]


def test_it_needs_the_replacement_itself():
    found = one.verdict(one.cluster("1.14.19-kpr-off"), ID)
    assert found["reason"].startswith("It needs kube_proxy_replacement")


def test_it_has_no_meaning_without_ipv4():
    assert one.verdict(one.cluster("1.16.19-snat-native", config={"enable-ipv4": "false"}), ID)["state"] == "NOT_APPLICABLE"
