# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

ID = "netkit"
KEY, VALUE = "datapath-mode", "bpf.datapathMode"


def with_devices(fixture, configured, running):
    return one.cluster(fixture, config={KEY: configured}, values={VALUE: configured}, running={"device_mode": running})


@pytest.mark.parametrize("fixture, mode, configured, running, state", [
    ("1.16.19-snat-native", "netkit", "netkit", "netkit", "OK"),
    ("1.16.19-snat-native", "netkit", "veth", "veth", "DRIFT"),
    ("1.16.19-snat-native", "netkit-l2", "netkit-l2", "netkit-l2", "OK"),
    ("1.16.19-snat-native", "netkit-l2", "netkit", "netkit", "DRIFT"),
    ("1.20.0-snat-native", "netkit", "auto", "netkit", "OK"),
    ("1.20.0-snat-native", "netkit", "auto", "veth", "DRIFT"),
    ("1.20.0-snat-native", "netkit-l2", "auto", "netkit", "DRIFT"),
])
def test_it_is_judged_from_what_runs(fixture, mode, configured, running, state):
    assert one.verdict(with_devices(fixture, configured, running), ID, {"mode": mode})["state"] == state


@pytest.mark.parametrize("fixture", ["1.16.19-snat-native", "1.20.0-snat-native"])
def test_it_is_never_planned_since_agents_exit_on_pods_with_the_other_device(fixture):
    facts = with_devices(fixture, "veth", "veth")
    plan = one.made(facts, {ID: {}})
    assert (plan["outcome"], plan["steps"]) == ("blocked", [])
    assert all(word in one.verdict(facts, ID)["way_out"] for word in ("drain", "CiliumNodeConfig", "bpf.datapathMode"))
    assert "CONFIG_NETKIT" in one.verdict(facts, ID)["notes"][0]


@pytest.mark.parametrize("fixture, state", [("1.18.12-snat-native", "DRIFT"), ("1.20.0-snat-native", "BLOCKED")])
def test_tproxy_is_refused_from_1_19_on(fixture, state):
    facts = one.cluster(fixture, config={"enable-bpf-tproxy": "true"}, running={"device_mode": "veth"})
    found = one.verdict(facts, ID)
    assert found["state"] == state and (state == "DRIFT" or one.refused(found, "TProxy", "bpf.tproxy"))


def test_kernel_version_and_host_routing_are_needed():
    old = one.cluster("1.16.19-snat-native", kernel="6.7.12-1")
    assert one.refused(one.verdict(old, ID), "kernel 6.8", "Upgrade the kernel")
    assert one.refused(one.verdict(one.cluster("1.15.19-snat-native"), ID), "from 1.16 on", "Upgrade Cilium")
    chained = one.cluster("1.16.19-snat-native", config={"cni-chaining-mode": "portmap"})
    assert one.refused(one.verdict(chained, ID), "host_routing", "Leave host_routing")
