# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
import yaml

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

VALUES = {"loadBalancer": {"mode": "dsr", "dsrDispatch": "opt"}}
SOURCE = {"index": None, "kind": "helm", "chart": "cilium", "helm": True, "place": "valuesObject", "values": {}, "parameters": [],
          "value_files": []}


def facts_with(*sources, **resource):
    """Argo CD renders the chart itself, so that there is no release."""
    return {**model.load("1.16.19-no-release"), "owner": {
        "kind": "argocd", "name": "net", "namespace": None, "evidence": "", "release": None, "resource": {
            "api_version": "argoproj.io/v1alpha1", "namespace": "argo", "automated": True, "self_heal": False,
            "sources": [{**SOURCE, **source} for source in sources], **resource}}}


def only(facts):
    chosen = policy.parse({"dsr": {}})
    patch, = plan.plan(facts, judge.judge(facts, chosen), chosen, ["dsr"])["patches"]
    comments, _separator, text = patch["text"].partition("---\n")
    return comments, yaml.safe_load(text)


def applied(operations, document):
    """A JSON patch by RFC 6902, for the operations that occur here."""
    for operation in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        here = document
        for key in parents:
            here = here[int(key) if isinstance(here, list) else key]
        if operation["op"] == "remove":
            del here[last]
        else:
            assert operation["op"] == "add" or last in here
            here[last] = operation["value"]
    return document


def test_values_as_an_object_get_a_part_of_it():
    comments, document = only(facts_with({"values": {"loadBalancer": {"mode": "snat"}, "etcd": {"password": "<hidden>"}}}))
    assert document == {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "net", "namespace": "argo"},
                        "spec": {"source": {"helm": {"valuesObject": VALUES}}}}
    assert "-n argo --type merge" in comments


def test_values_as_a_text_stay_one_since_an_object_would_hide_it():
    comments, document = only(facts_with({"place": "values", "values": {"ipam": {"mode": "kubernetes"}}}))
    helm = document["spec"]["source"]["helm"]
    assert list(helm) == ["values"] and yaml.safe_load(helm["values"]) == {"ipam": {"mode": "kubernetes"}, **VALUES}
    assert "comments" in comments


def test_a_text_with_secrets_is_merged_by_hand():
    comments, document = only(facts_with({"place": "values", "values": {"etcd": {"password": "<hidden>"}}}))
    assert document == VALUES and "by hand" in comments


@pytest.mark.parametrize("source, helm", [
    ({}, {"valuesObject": {"loadBalancer": {"algorithm": "maglev"}, "x": {}}, "releaseName": "cilium"}),
    ({}, {"valuesObject": {"x": 1}}), ({"place": None}, {"releaseName": "cilium"}), ({"place": None, "helm": False}, None),
    ({"place": "values"}, {"values": "x: 1\n"}),
])
def test_one_of_several_sources_is_changed_without_the_others(source, helm):
    found = {"valuesObject": (helm or {}).get("valuesObject"), "values": yaml.safe_load((helm or {}).get("values") or "{}")}
    values = found.get(source.get("place", "valuesObject")) or {}
    comments, operations = only(facts_with({"index": 0, "kind": "directory", "chart": None},
                                           {"index": 1, "values": values, **source}))
    before = [{"repoURL": "a"}, {"repoURL": "b", "chart": "cilium"}]
    if helm is not None:
        before[1]["helm"] = helm
    after = applied(operations, {"spec": {"sources": before}})["spec"]["sources"][1]["helm"]
    got = yaml.safe_load(after["values"]) if source.get("place") == "values" else after["valuesObject"]
    assert got == {**values, "loadBalancer": {**values.get("loadBalancer", {}), **VALUES["loadBalancer"]}}
    assert after.get("releaseName") == (helm or {}).get("releaseName") and "--type json" in comments


def test_what_wins_over_them_and_what_happens_by_itself_is_told():
    values = {"parameters": ["loadBalancer.mode"]}
    # Values that are not all readable are not compared, so that the keys of cilium-config are asked for.
    assert only(facts_with(values))[1]["kind"] == "ConfigMap"
    assert "heals by itself" in only(facts_with({}, self_heal=True))[0]
    assert "sync it" in only(facts_with({}, automated=False))[0]


def test_an_application_that_applies_manifests_gets_the_config_map():
    comments, document = only(facts_with({"kind": "kustomize", "chart": None, "values": None}))
    assert document["kind"] == "ConfigMap" and "(Argo CD, net)" in comments


def test_once_the_values_are_there_all_is_in_line_when_the_agents_are():
    facts = facts_with({"values": VALUES})
    facts["config"]["data"].update({"bpf-lb-mode": "dsr", "bpf-lb-dsr-dispatch": "opt"})
    for agent in facts["agents"]:
        agent["status"].update(nodeport_mode="dsr", dsr_dispatch="opt")
    chosen = policy.parse({"dsr": {}})
    assert plan.plan(facts, judge.judge(facts, chosen), chosen)["outcome"] == "in_line"
