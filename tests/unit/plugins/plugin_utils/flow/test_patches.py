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


def planned(facts):
    chosen = policy.parse(None)
    return plan.plan(facts, judge.judge(facts, chosen), chosen, ["dsr"])


def owned(kind, name="net", evidence="", fixture="1.13.4-snat-native"):
    return {**model.load(fixture), "owner": {"kind": kind, "name": name, "evidence": evidence}}


@pytest.mark.parametrize("kind, wanted", [
    ("flux", {"spec": {"values": VALUES}}),
    ("argocd", {"spec": {"source": {"helm": {"valuesObject": VALUES}}}}),
    ("managed", KEYS),
])
def test_each_owner_gets_what_stands_in_its_own_place(kind, wanted):
    made = planned(owned(kind))
    patch, = made["patches"]
    assert patch["name"] == "patch-1" and yaml.safe_load(patch["text"]) == wanted
    assert patch["text"].startswith("# Step 1 of 1. ") and "net" in patch["text"].splitlines()[0]
    assert made["outcome"] == "blocked" and made["steps"] == [] and "patch-1.yaml" in report.render(plan=made)


def test_k3s_and_rke2_get_a_helm_chart_config_beside_their_chart():
    document = yaml.safe_load(planned(owned("k3s_helm_chart", "rke2-cilium", "HelmChart system/rke2-cilium"))["patches"][0]["text"])
    assert document["metadata"] == {"name": "rke2-cilium", "namespace": "system"} and document["kind"] == "HelmChartConfig"
    assert yaml.safe_load(document["spec"]["valuesContent"]) == VALUES


def test_manifests_get_the_keys_of_the_config_map():
    patch, = planned(model.load("1.16.19-no-release"))["patches"]
    document = yaml.safe_load(patch["text"])
    assert document["kind"] == "ConfigMap" and KEYS.items() <= document["data"].items()


def test_there_is_one_for_each_step_in_order_and_none_where_helm_is_the_owner():
    made = planned(owned("flux", fixture="1.18.12-snat-native"))
    first, second = (yaml.safe_load(patch["text"])["spec"]["values"] for patch in made["patches"])
    assert [patch["name"] for patch in made["patches"]] == ["patch-1", "patch-2"]
    assert first["bpf"] == {"lbModeAnnotation": True} and second["loadBalancer"] == {"mode": "dsr"}
    assert planned(model.load("1.13.4-snat-native"))["patches"] == []


def test_names_from_the_cluster_cannot_leave_their_place():
    text = planned(owned("flux", "net\n---\nkind: Secret"))["patches"][0]["text"]
    assert len(list(yaml.safe_load_all(text))) == 1 and all(line.startswith("#") for line in text.split("---\n")[0].splitlines())
