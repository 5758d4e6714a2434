# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model


def verdict(facts):
    return judge.judge(facts, policy.parse({"kube_proxy_replacement": True}))[0]


def facts_with(fixture, configured, running):
    facts = model.load(fixture)
    for place in (facts["config"]["data"], facts["manifest_config"]):
        place["kube-proxy-replacement"] = configured
    for agent in facts["agents"]:
        agent["status"]["kube_proxy_replacement"] = running
    return facts


@pytest.mark.parametrize("fixture, configured, running, state", [
    ("1.13.4-snat-native", "strict", "strict", "OK"),
    ("1.13.4-snat-native", "partial", "partial", "DRIFT"),
    ("1.13.4-snat-native", "disabled", "strict", "DRIFT"),
    ("1.14.19-snat-native", "strict", "strict", "OK"),
    ("1.14.19-snat-native", "true", "true", "OK"),
    ("1.14.19-snat-native", "false", "false", "DRIFT"),
    ("1.16.19-snat-native", "true", "true", "OK"),
    ("1.16.19-snat-native", "strict", "true", "BLOCKED"),
    ("1.16.19-snat-native", "true", None, "UNKNOWN"),
])
def test_full_is_spelled_differently_by_version(fixture, configured, running, state):
    assert verdict(facts_with(fixture, configured, running))["state"] == state


def test_the_way_out_is_the_procedure():
    way_out = verdict(model.load("1.14.19-kpr-off"))["way_out"]
    assert all(word in way_out for word in ("kube-proxy", "k8sServiceHost", "KUBE-*"))
