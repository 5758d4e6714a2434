# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import chart_config

SPEC = {"valuesContent": "# ours\nloadBalancer:\n  mode: snat\netcd: {password: hunter2}\n", "failurePolicy": "reinstall"}


def config(spec=None, **metadata):
    return {"metadata": {"name": "cilium", "namespace": "kube-system", "resourceVersion": "5", **metadata}, "spec": spec or SPEC}


def test_facts_of_a_helm_chart_config_hide_secrets():
    found = chart_config.describe_config(config())
    assert found["values"] == {"loadBalancer": {"mode": "snat"}, "etcd": {"password": "<hidden>"}}
    assert found["resource_version"] == "5" and found["comments"] is True and found["keeper"] is None
    assert (found["run"], found["held"], found["intact"]) == (None, False, True)
    assert chart_config.describe_config(None) is None


def test_no_yaml_is_null():
    assert chart_config.describe_config(config({"valuesContent": "a: ["}))["values"] is None


def test_a_change_of_ours_is_known_and_an_edit_after_it_as_well():
    mark = {"run": "run-1", "content": chart_config.digest(SPEC), "held": True, "was": {}}
    found = chart_config.describe_config(config(annotations={chart_config.MARK: json.dumps(mark)}))
    assert [found[key] for key in ("run", "open", "held", "back", "intact")] == ["run-1", True, True, False, True]
    edited = config({**SPEC, "valuesContent": "x: 1"}, annotations={chart_config.MARK: json.dumps(mark)})
    assert chart_config.describe_config(edited)["intact"] is False
    assert chart_config.mark_of(config(annotations={chart_config.MARK: "no json"})) == {}


@pytest.mark.parametrize("metadata, wanted", [
    ({"annotations": {"objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon",
                      "objectset.rio.cattle.io/owner-name": "rke2-cilium-config"}}, {"kind": "addon", "name": "rke2-cilium-config"}),
    ({"labels": {"kustomize.toolkit.fluxcd.io/name": "infra"}}, {"kind": "flux", "name": "infra"}),
    ({"annotations": {"argocd.argoproj.io/tracking-id": "net:helm.cattle.io/HelmChartConfig:kube-system/cilium"}},
     {"kind": "argocd", "name": "net"}),
    ({"annotations": {"objectset.rio.cattle.io/owner-gvk": "helm.cattle.io/v1, Kind=HelmChart"}}, None),
    ({"annotations": {"meta.helm.sh/release-name": "fleet-net"}}, {"kind": "helm", "name": "fleet-net"}),
    ({"annotations": {"meta.helm.sh/release-name": "net"}, "labels": {"helm.toolkit.fluxcd.io/name": "net"}},
     {"kind": "flux", "name": "net"}),
])
def test_who_would_put_it_back(metadata, wanted):
    assert chart_config.keeper(config(**metadata)) == wanted


def test_a_chart_tells_its_values_and_what_wins_over_them():
    found = chart_config.describe_chart({"spec": {"valuesContent": "a: {b: 1, c: 2}", "values": {"a": {"b": 3}}, "set": {"x.y": 1},
                                                  "valuesSecrets": [{"name": "more", "keys": ["k"]}]}})
    assert found == {"api_version": "helm.cattle.io/v1", "values": {"a": {"b": 3, "c": 2}}, "set": {"x.y": 1}, "secrets": ["more"],
                     "failure_policy": "reinstall"}


def test_a_mark_is_put_on_and_taken_away_without_a_trace():
    made = chart_config.marked(config(), {"run": "r"})
    assert chart_config.describe_config(made)["run"] == "r" and chart_config.describe_config(made)["intact"]
    assert chart_config.marked(made, None) == config()


def test_content_with_changes_keeps_order_and_what_else_is_there():
    text = chart_config.content_with("z: 1\na: {b: '5', c: x}\n", {"a.b": None, "n.m": True})
    assert text == "z: 1\na:\n  c: x\nn:\n  m: true\n"
    assert chart_config.content_changes("a: 1", "a: 2\npassword: hunter2") == [
        {"path": "a", "former": 1, "value": 2}, {"path": "password", "former": None, "value": "<hidden>"}]
