# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

ID = "socket_lb"
OFF = {"socket_lb": "disabled"}


def without_replacement(version, replacement, **keys):
    fixture = "1.13.4-snat-native" if version < "1.14" else "1.14.19-snat-native"
    config = {"kube-proxy-replacement": replacement, **keys}
    running = {"kube_proxy_replacement": replacement, **OFF}
    return one.of_version(one.cluster(fixture, config=config, running=running), version)


@pytest.mark.parametrize("fixture", ["1.13.4-snat-native", "1.16.19-snat-native"])
def test_full_replacement_brings_it_along_whatever_its_own_value_says(fixture):
    facts = one.cluster(fixture, config={"bpf-lb-sock": "false"})
    assert one.verdict(facts, ID)["state"] == "OK" and one.steps(facts, ID) == []


@pytest.mark.parametrize("version, replacement, values, config", [
    ("1.11.20", "partial", {"hostServices.enabled": True}, {"enable-host-reachable-services": "true"}),
    ("1.12.19", "partial", {"socketLB.enabled": True}, {"bpf-lb-sock": "true"}),
    ("1.13.4", "partial", {"socketLB.enabled": True}, {"bpf-lb-sock": "true"}),
    ("1.14.19", "false", {"socketLB.enabled": True}, {"bpf-lb-sock": "true"}),
    ("1.20.0", "false", {"socketLB.enabled": True}, {"bpf-lb-sock": "true"}),
])
def test_without_it_the_value_of_the_version_turns_it_on(version, replacement, values, config):
    facts = without_replacement(version, replacement)
    step, = one.steps(facts, ID)
    assert (step["values"], step["config"], step["risk"]) == (values, config, "agent_restart")
    assert step["expect"] == {"socket_lb": "enabled"}
    assert one.verdict(one.after(facts, [step]), ID)["state"] == "OK"
    assert "Istio" in one.verdict(facts, ID)["notes"][0] and one.verdict(one.after(facts, [step]), ID)["notes"] == []


@pytest.mark.parametrize("version, replacement, way_out", [
    ("1.11.20", "disabled", "partial"), ("1.13.4", "disabled", "partial"), ("1.13.4", None, "partial"),
    ("1.15.19", "disabled", "false"),
])
def test_replacement_that_is_disabled_turns_it_off(version, replacement, way_out):
    facts = without_replacement(version, replacement)
    found = one.verdict(facts, ID)
    assert one.refused(found, "'disabled'", f"kubeProxyReplacement to {way_out}") and one.steps(facts, ID) == []


def test_a_restart_that_would_change_the_replacement_as_well_is_refused():
    facts = one.cluster("1.16.19-snat-native", running={"kube_proxy_replacement": "false", **OFF})
    assert one.refused(one.verdict(facts, ID), "does not run the kube-proxy replacement", "kube_proxy_replacement")


def test_agents_that_left_it_off_are_not_restarted_in_vain():
    own = without_replacement("1.14.19", "false", **{"bpf-lb-sock": "true"})
    one.model.put(own["release"]["values"], "socketLB.enabled", True)
    assert one.refused(one.verdict(own, ID), "does something else all the same", "log")
    implied = one.cluster("1.16.19-snat-native", running=OFF)
    assert one.refused(one.verdict(implied, ID), "does something else all the same", "log")


def test_pods_that_are_left_out_of_it_are_noted():
    facts = one.cluster("1.16.19-snat-native", config={"bpf-lb-sock-hostns-only": "true"})
    assert "service mesh" in one.verdict(facts, ID)["notes"][0]


def test_kernels_before_4_17_are_refused():
    facts = one.cluster("1.13.4-snat-native", kernel="4.16.0-1")
    assert one.refused(one.verdict(facts, ID), "kernel 4.17", "Upgrade the kernel")
