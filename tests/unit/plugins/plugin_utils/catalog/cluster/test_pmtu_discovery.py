# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import recorded as one


def test_in_line():
    facts = one.cluster("1.13.4-dsr-native", {"pmtuDiscovery.enabled": True}, {"enable-pmtu-discovery": "true"})
    assert one.verdict("pmtu_discovery", facts)["state"] == "OK"


@pytest.mark.parametrize("fixture", ["1.13.4-snat-native", "1.20.0-snat-native"])
def test_the_step(fixture):
    step = one.step("pmtu_discovery", model.load(fixture))
    assert (step["values"], step["config"], step["risk"]) == (
        {"pmtuDiscovery.enabled": True}, {"enable-pmtu-discovery": "true"}, "agent_restart")


def test_older_versions_do_not_know_it():
    found = one.verdict("pmtu_discovery", model.load("1.12.19-tunnel-dsr-degraded"))
    assert one.is_refused(found, "BLOCKED", "from 1.13 on", "1.13")


@pytest.mark.parametrize("fixture, words", [
    ("1.13.4-dsr-native", "DSR runs here"), ("1.13.4-snat-native", "matters with DSR")])
def test_where_it_matters_is_noted(fixture, words):
    assert words in one.verdict("pmtu_discovery", model.load(fixture))["notes"][0]


def test_it_is_for_everybody():
    assert all("pmtu_discovery" in policy.parse(profile=name) for name in policy.PROFILES)
