# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
import yaml

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan, report
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

VALUES = {"loadBalancer": {"mode": "dsr", "dsrDispatch": "opt"}}
KEYS = {"bpf-lb-mode": "dsr", "bpf-lb-dsr-dispatch": "opt"}
CHART = {"api_version": "helm.cattle.io/v1", "values": {}, "set": {}, "secrets": [], "failure_policy": "reinstall", "config": None}
CONFIG = {"resource_version": "7", "values": {}, "structured": {}, "secrets": [], "failure_policy": "reinstall", "comments": False,
          "keeper": None, "run": None, "held": False, "intact": True}


def planned(facts):
    chosen = policy.parse(None)
    return plan.plan(facts, judge.judge(facts, chosen), chosen, ["dsr"])


def owned(kind, name="net", fixture="1.13.4-snat-native", namespace=None, resource=None):
    return {**model.load(fixture), "owner": {
        "kind": kind, "name": name, "namespace": namespace, "evidence": "", "release": None, "resource": resource}}


def k3s(config=None, fixture="1.13.4-snat-native", **chart):
    chart = {**CHART, "config": None if config is None else {**CONFIG, **config}, **chart}
    return owned("k3s_helm_chart", "rke2-cilium", fixture, "system", chart)


def only(facts):
    patch, = planned(facts)["patches"]
    assert patch["name"] == "patch-1" and patch["text"].startswith("# Step 1 of 1. ")
    comments, _separator, text = patch["text"].partition("---\n")
    return comments, yaml.safe_load(text)


def content(document):
    assert (document["apiVersion"], document["kind"]) == ("helm.cattle.io/v1", "HelmChartConfig")
    assert document["metadata"] == {"name": "rke2-cilium", "namespace": "system"}
    return yaml.safe_load(document["spec"]["valuesContent"])


# K3s and RKE2

def test_a_helm_chart_config_is_made_beside_its_chart():
    comments, document = only(k3s())
    assert content(document) == VALUES and list(document["spec"]) == ["valuesContent"]
    assert "kubectl apply --server-side" in comments and "system/rke2-cilium" in comments


def test_a_policy_of_the_chart_is_not_overruled_by_the_default_of_a_new_config():
    assert only(k3s(failure_policy="abort"))[1]["spec"]["failurePolicy"] == "abort"


def test_values_are_merged_with_those_that_are_there_in_their_order():
    found = {"zeta": "5", "loadBalancer": {"algorithm": "maglev", "mode": "snat"}, "alpha": 1e3}
    comments, document = only(k3s({"values": found, "comments": True}))
    assert content(document) == {"zeta": "5", "loadBalancer": {"algorithm": "maglev", **VALUES["loadBalancer"]}, "alpha": 1000.0}
    assert list(content(document)) == ["zeta", "loadBalancer", "alpha"] and "comments" in comments


def test_a_later_step_keeps_what_the_former_brought():
    patches = planned(k3s(fixture="1.18.12-snat-native"))["patches"]
    first, second = (content(yaml.safe_load(patch["text"])) for patch in patches)
    assert first["bpf"] == second["bpf"] == {"lbModeAnnotation": True}
    assert first["loadBalancer"] == {"mode": "snat", "dsrDispatch": "opt"}
    assert second["loadBalancer"] == {"mode": "dsr", "dsrDispatch": "opt"}, "what the first step brought is gone"


@pytest.mark.parametrize("config", [{"values": {"etcd": {"password": "<hidden>"}}}, {"values": None}])
def test_secrets_are_not_written_so_the_rest_is_merged_by_hand(config):
    comments, document = only(k3s(config))
    assert document == VALUES and "by hand" in comments and "<hidden>" not in comments


def test_what_was_not_read_is_not_taken_for_absent():
    assert only(owned("k3s_helm_chart", "rke2-cilium"))[1] == VALUES


@pytest.mark.parametrize("change, words", [
    ({"config": {"keeper": {"kind": "addon", "name": "rke2-cilium-config"}}}, "server/manifests/rke2-cilium-config.yaml"),
    ({"config": {"keeper": {"kind": "flux", "name": "infra"}}}, "the repository that Flux reads"),
    ({"config": {"keeper": {"kind": "helm", "name": "fleet-net"}}}, "the Helm release fleet-net"),
    ({"config": {"structured": {"loadBalancer": {"mode": "snat"}}}}, "spec.values sets loadBalancer.mode, which wins"),
    ({"set": {"loadBalancer.mode": "snat"}}, "sets loadBalancer.mode in spec.set, which wins"),
    ({"config": {"secrets": ["more"]}}, "Secrets more"),
])
def test_whoever_else_has_a_say_is_named(change, words):
    assert words in only(k3s(**change))[0]


# Flux

def test_flux_gets_a_part_of_its_helm_release():
    resource = {"api_version": "helm.toolkit.fluxcd.io/v2beta2", "values": {}, "post_renderers": 1, "suspended": True,
                "values_from": [{"kind": "ConfigMap", "name": "site", "key": "values.yaml"}]}
    comments, document = only(owned("flux", "cilium", namespace="infra", resource=resource))
    assert document == {"apiVersion": "helm.toolkit.fluxcd.io/v2beta2", "kind": "HelmRelease",
                        "metadata": {"name": "cilium", "namespace": "infra"}, "spec": {"values": VALUES}}
    assert all(words in comments for words in ("ConfigMap site", "post-renderers", "flux resume", "-n infra --type merge"))


def test_a_kustomization_of_manifests_gets_the_config_map():
    comments, document = only(owned("flux", "infra", "1.16.19-no-release"))
    assert document["kind"] == "ConfigMap" and KEYS.items() <= document["data"].items() and "(Flux, infra)" in comments


# Clouds and manifests

def test_a_cloud_is_asked_for_keys():
    comments, document = only(owned("managed", "GKE"))
    assert document == KEYS and "GKE runs Cilium as a part of its product" in comments


def test_manifests_get_the_keys_of_the_config_map():
    facts = model.load("1.16.19-no-release")
    comments, document = only(facts)
    assert document["kind"] == "ConfigMap" and KEYS.items() <= document["data"].items() and "Talos" not in comments
    facts["nodes"][0]["os_image"] = "Talos (v1.9.1)"
    assert "inlineManifests" in only(facts)[0]


# All of them

def test_there_is_one_for_each_step_in_order_and_none_where_helm_is_the_owner():
    made = planned(owned("flux", fixture="1.18.12-snat-native"))
    first, second = (yaml.safe_load(patch["text"])["spec"]["values"] for patch in made["patches"])
    assert [patch["name"] for patch in made["patches"]] == ["patch-1", "patch-2"]
    assert first["bpf"] == {"lbModeAnnotation": True} and second["loadBalancer"] == {"mode": "dsr"}
    assert made["outcome"] == "blocked" and made["steps"] == [] and "patch-1.yaml" in report.render(plan=made)
    assert planned(model.load("1.13.4-snat-native"))["patches"] == []


def test_names_from_the_cluster_cannot_leave_their_place():
    text = planned(owned("flux", "net\n---\nkind: Secret"))["patches"][0]["text"]
    assert len(list(yaml.safe_load_all(text))) == 1 and all(line.startswith("#") for line in text.split("---\n")[0].splitlines())
