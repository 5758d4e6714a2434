# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

ID = "ebpf_masquerade"
IPTABLES = {"config": {"enable-bpf-masquerade": None}, "values": {"bpf.masquerade": None},
            "running": {"masquerading": "iptables"}}
OFF = {"enable-ipv4-masquerade": "false"}


def iptables(fixture, **keys):
    return one.cluster(fixture, **{**IPTABLES, "config": {**IPTABLES["config"], **keys}})


@pytest.mark.parametrize("fixture", ["1.13.4-snat-native", "1.14.19-snat-native", "1.20.0-snat-native"])
def test_it_is_in_line_where_agents_masquerade_by_bpf(fixture):
    assert one.verdict(one.cluster(fixture), ID)["state"] == "OK"


@pytest.mark.parametrize("fixture", ["1.13.4-snat-native", "1.14.19-snat-native", "1.20.0-snat-native"])
def test_the_step_turns_it_on_and_is_accepted_by_name(fixture):
    facts = iptables(fixture)
    step, = one.steps(facts, ID)
    assert (step["values"], step["former_values"]) == ({"bpf.masquerade": True}, {"bpf.masquerade": None})
    assert (step["config"], step["expect"]) == ({"enable-bpf-masquerade": "true"}, {"masquerading": "bpf"})
    assert step["risk"] == "connections_lost" and "pods to the outside" in step["reason"]
    assert [entry["tuning"] for entry in one.made(facts, {ID: {}})["unacknowledged"]] == [ID]
    assert one.verdict(one.after(facts, [step]), ID)["state"] == "OK"
    assert "reconnect" in one.verdict(facts, ID)["notes"][0] and not one.verdict(one.after(facts, [step]), ID)["notes"]


@pytest.mark.parametrize("fixture, keys, words, way_out", [
    ("1.13.4-snat-native", {"enable-ipv6": "true"}, "IPv6 is masqueraded too", "enableIPv6Masquerade"),
    ("1.13.4-snat-native", {"enable-remote-node-identity": "false"}, "Remote node identities", "remoteNodeIdentity"),
    ("1.15.19-snat-native", {"enable-remote-node-identity": "false"}, "Remote node identities", "remoteNodeIdentity"),
    ("1.20.0-snat-native", {"egress-masquerade-interfaces": "eth0"}, "iptables alone obeys", "egressMasqueradeInterfaces"),
    ("1.16.19-snat-native", {"enable-masquerade-to-route-source": "true"}, "from the route", "enableMasqueradeRouteSource"),
])
def test_what_agents_exit_on_or_fall_back_for_is_refused(fixture, keys, words, way_out):
    facts = iptables(fixture, **keys)
    assert one.refused(one.verdict(facts, ID), words, way_out) and one.steps(facts, ID) == []


@pytest.mark.parametrize("fixture, keys", [
    ("1.14.19-snat-native", {"enable-ipv6": "true"}),
    ("1.13.4-snat-native", {"enable-ipv6": "true", "enable-ipv6-masquerade": "false"}),
    ("1.13.4-snat-native", {"enable-ipv6": "false", "enable-ipv6-masquerade": "true"}),
    ("1.16.19-snat-native", {"enable-remote-node-identity": "false"}),
    ("1.16.19-snat-native", {"egress-masquerade-interfaces": ""}),
])
def test_what_is_refused_in_other_versions_only_is_no_reason(fixture, keys):
    assert one.verdict(iptables(fixture, **keys), ID)["state"] == "DRIFT"


@pytest.mark.parametrize("keys, state", [
    (OFF, "NOT_APPLICABLE"),
    ({"enable-ipv4": "false", "enable-ipv6": "false"}, "NOT_APPLICABLE"),
    ({**OFF, "enable-ipv6": "true"}, "DRIFT"),
    ({**OFF, "enable-ipv6": "true", "enable-ipv6-masquerade": "false"}, "NOT_APPLICABLE"),
])
def test_it_has_no_meaning_where_nothing_is_masqueraded(keys, state):
    assert one.verdict(iptables("1.16.19-snat-native", **keys), ID)["state"] == state


def test_agents_that_fell_back_to_iptables_are_not_restarted_in_vain():
    facts = one.cluster("1.14.19-snat-native", running={"masquerading": "iptables"})
    assert one.refused(one.verdict(facts, ID), "does something else all the same", "log")
    for agent in facts["agents"]:
        agent["config_current"] = False
    assert one.verdict(facts, ID)["state"] == "DRIFT"


def test_it_needs_full_kube_proxy_replacement():
    assert one.refused(one.verdict(one.cluster("1.14.19-kpr-off"), ID), "kube_proxy_replacement", "api_host")
