# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

ID, KEY, VALUE = "ipv4_big_tcp", "enable-ipv4-big-tcp", "enableIPv4BIGTCP"
FAMILY = {"enable-ipv4": "true", "enable-ipv6": "true", "enable-ipv6-masquerade": "false"}


def small(fixture, running=None, kernel=one.NEW_KERNEL, **keys):
    return one.cluster(fixture, config={**FAMILY, **keys}, running={ID: "disabled", **(running or {})}, kernel=kernel)


@pytest.mark.parametrize("fixture", ["1.14.19-snat-native", "1.20.0-snat-native"])
def test_the_step_turns_it_on_and_running_pods_are_left_to_the_user(fixture):
    facts = small(fixture)
    step, = one.steps(facts, ID)
    assert (step["values"], step["config"], step["expect"]) == ({VALUE: True}, {KEY: "true"}, {ID: "enabled"})
    assert step["risk"] == "pods_recreated" and "created anew" in step["reason"]
    assert one.verdict(one.after(facts, [step]), ID)["state"] == "OK"
    assert "mlx5" in one.verdict(facts, ID)["notes"][0] and one.verdict(one.after(facts, [step]), ID)["notes"] == []


def test_a_family_that_is_off_is_not_switched_on():
    found = one.verdict(small("1.16.19-snat-native", **{"enable-ipv4": "false"}), ID)
    assert found["state"] == "NOT_APPLICABLE" and "ipv4.enabled" in found["way_out"]


@pytest.mark.parametrize("fixture, keys, words, way_out", [
    ("1.16.19-snat-native", {"enable-wireguard": "true"}, "WireGuard", "encryption.enabled"),
    ("1.20.0-snat-native", {"enable-ipsec": "true"}, "IPsec", "encryption.enabled"),
    ("1.14.19-snat-native", {"datapath-mode": "netkit"}, "datapath-mode 'netkit'", "veth"),
    ("1.17.18-snat-native", {"datapath-mode": "lb-only"}, "datapath-mode 'lb-only'", "veth"),
    ("1.20.0-snat-native", {"bpf-lb-dsr-dispatch": "ipip"}, "'ipip'", "dsrDispatch to opt"),
    ("1.16.19-snat-native", {"routing-mode": "tunnel", "ipam": "eni"}, "native_routing", "guide for this cloud"),
    ("1.16.19-snat-native", {"cni-chaining-mode": "portmap"}, "host_routing", "Leave host_routing"),
])
def test_what_agents_exit_on_is_refused(fixture, keys, words, way_out):
    facts = small(fixture, **keys)
    assert one.refused(one.verdict(facts, ID), words, way_out) and one.steps(facts, ID) == []


@pytest.mark.parametrize("fixture, keys", [
    ("1.16.19-snat-native", {"datapath-mode": "netkit"}),
    ("1.18.12-snat-native", {"bpf-lb-dsr-dispatch": "ipip"}),
    ("1.18.12-snat-native", {"bpf-lb-dsr-dispatch": "geneve"}),
    ("1.20.0-snat-native", {"bpf-lb-dsr-dispatch": "geneve", "enable-tunnel-big-tcp": "true"}),
])
def test_what_is_refused_in_other_versions_only_is_no_reason(fixture, keys):
    assert one.verdict(small(fixture, **keys), ID)["state"] == "DRIFT"


def test_dispatch_geneve_is_refused_by_1_19_and_up_to_the_kernel_with_1_20():
    facts = small("1.20.0-snat-native", **{"bpf-lb-dsr-dispatch": "geneve"})
    assert one.verdict(facts, ID)["state"] == "UNKNOWN"
    assert one.refused(one.verdict(one.of_version(facts, "1.19.6"), ID), "'geneve'", "dsrDispatch to opt")


@pytest.mark.parametrize("version, state", [("1.19.6", "BLOCKED"), ("1.18.12", "DRIFT")])
def test_dsr_by_geneve_in_the_same_policy_is_refused_from_1_19_on(version, state):
    facts = one.of_version(small("1.18.12-snat-native", **{"tunnel-protocol": "geneve"}), version)
    chosen = one.policy.parse({ID: {}, "dsr": {"dispatch": "geneve"}})
    found = {verdict["tuning"]: verdict for verdict in one.judge.judge(facts, chosen)}
    assert found[ID]["state"] == state and ("dsr" in found[ID]["reason"]) == (state == "BLOCKED")


def test_agents_that_left_it_off_or_find_no_device_are_not_restarted_in_vain():
    off = one.cluster("1.16.19-snat-native", config={**FAMILY, KEY: "true"}, values={VALUE: True}, running={ID: "disabled"})
    assert one.refused(one.verdict(off, ID), "does something else all the same", "log")
    without = small("1.16.19-snat-native", running={"devices": []})
    assert one.refused(one.verdict(without, ID), "no network device", "devices")


def test_kernel_and_version_have_a_least():
    assert one.refused(one.verdict(small("1.16.19-snat-native", kernel="6.2.0-26"), ID), "kernel 6.3", "Upgrade the kernel")
    old = one.of_version(small("1.13.4-snat-native"), "1.13.4")
    assert one.refused(one.verdict(old, ID), "from 1.14 on", "Upgrade Cilium")


def test_host_routing_comes_first():
    facts = one.cluster("1.16.19-snat-native", config={**FAMILY, "enable-host-legacy-routing": "true"},
                        values={"bpf.hostLegacyRouting": True}, running={ID: "disabled", "host_routing": "legacy"})
    assert [step["tunings"] for step in one.steps(facts, ID)] == [["host_routing"], [ID]]
