# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import obstacles, owners
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.flow.test_patches import k3s, owned

VALUES = [{"loadBalancer.mode": "dsr"}]


def found(facts, apply=True):
    return obstacles.find(View(facts), VALUES, owner_apply=apply)


@pytest.mark.parametrize("config", [None, {}, {"values": {"x": 1}}, {"run": "r", "intact": True}, {"comments": True}])
def test_a_helm_chart_config_is_written_where_that_is_asked_for(config):
    assert found(k3s(config)) == []
    entry, = found(k3s(config), apply=False)
    assert "fastpath_owner_apply: true" in entry["way_out"] and "HelmChartConfig" in entry["way_out"]


@pytest.mark.parametrize("change, reason, way_out", [
    ({"config": {"keeper": {"kind": "addon", "name": "cni"}}}, "kept by somebody else", "server/manifests/cni.yaml"),
    ({"config": {"values": None}}, "no YAML", "Correct it"),
    ({"config": {"intact": False, "run": "run-1"}}, "edited after run run-1", "fastpath.cilium/change"),
    ({"set": {"loadBalancer.mode": "snat"}}, "spec.set of the HelmChart sets loadBalancer.mode", "Remove"),
    ({"config": {"structured": {"loadBalancer": {"mode": "snat"}}}}, "spec.values of the HelmChartConfig sets", "Remove"),
])
def test_a_helm_chart_config_is_left_alone_where_the_change_would_not_stay(change, reason, way_out):
    entry, = found(k3s(**change))
    assert entry["state"] == "BLOCKED" and reason in entry["reason"] and way_out in entry["way_out"]


def test_what_could_not_be_read_is_not_written():
    facts = owned("k3s_helm_chart", "cilium")
    facts["unread"] = [{"what": "owner/resource", "class": "denied", "reason": "no right"}]
    entry, = found(facts)
    assert "could not be read (denied: no right)" in entry["reason"]


@pytest.mark.parametrize("read", [False, None])
def test_without_a_release_there_is_nothing_to_go_back_to(read):
    facts = {**k3s(), "release": None, "release_found": read}
    facts["unread"] = [{"what": "release", "class": "denied", "reason": "no right"}]
    entry, = found(facts)
    assert entry["state"] == "UNKNOWN" and "(denied: no right)" in entry["reason"] and "secrets" in entry["way_out"]
    assert len(found(facts, apply=False)) == 1
    assert all("owner" in entry["reason"] or "belongs" in entry["reason"] for entry in found({**owned("flux"), "release": None}))


@pytest.mark.parametrize("kind", ["flux", "argocd", "managed", "fleet"])
def test_the_others_are_print_only(kind):
    entry, = found(owned(kind))
    assert "K3s and RKE2 only" in entry["way_out"] and entry["state"] == "BLOCKED"


def test_a_release_of_another_name_is_named():
    facts = {**model.load("1.16.19-no-release"), "owner": {"kind": "helm", "name": "net", "release": {"name": "net", "namespace": "cni"}}}
    entry = found(facts)[0]
    assert "fastpath_release_name=net and fastpath_release_namespace=cni" in entry["way_out"]


def test_lost_comments_are_said_where_they_get_lost():
    for config, told in (({"comments": True}, True), ({"comments": False}, False), (None, False)):
        assert ("comments" in owners.remark(View(k3s(config)))) is told
    assert owners.remark(View(model.load("1.13.4-snat-native"))) == ""


def test_garbled_owners_raise_nothing():
    for garbage in ([], "x", {"kind": []}, {"kind": "k3s_helm_chart", "resource": {"config": {"keeper": {}, "structured": 5, "values": {}}}}):
        found({**model.load("1.13.4-snat-native"), "owner": garbage})
