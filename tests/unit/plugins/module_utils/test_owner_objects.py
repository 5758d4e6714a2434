# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import owner
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.owner_objects import read_resource
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi

ARGO, FLUX = "/apis/argoproj.io/v1alpha1", "/apis/helm.toolkit.fluxcd.io"


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        api.apis.update({ARGO: {"kind": "APIResourceList"}, FLUX: {"preferredVersion": {"groupVersion": "helm.toolkit.fluxcd.io/v2"}}})
        yield api


@pytest.fixture(name="cluster")
def fixture_cluster(api, tmp_path):
    return Cluster.connect(api.kubeconfig(tmp_path))


def test_a_helm_chart_with_its_config(api, cluster):
    chart = {"metadata": {"name": "rke2-cilium", "namespace": "kube-system"}, "spec": {"set": {"global.x": "y"}}}
    api.put("/apis/helm.cattle.io/v1/namespaces/kube-system/helmchartconfigs/rke2-cilium", {"spec": {"valuesContent": "a: 1"}})
    found = read_resource(cluster, owner.found("k3s_helm_chart", "rke2-cilium", "", "kube-system"), [chart])
    assert found["set"] == {"global.x": "y"} and found["config"]["values"] == {"a": 1} and found["config"]["resource_version"]


def test_a_helm_release_of_flux(api, cluster):
    api.put(FLUX + "/v2/namespaces/infra/helmreleases/cilium", {"spec": {
        "values": {"a": 1, "token": "t0ps3cret"}, "valuesFrom": [{"kind": "Secret", "name": "more"}], "postRenderers": [{}], "suspend": True}})
    found = read_resource(cluster, owner.found("flux", "cilium", "label (HelmRelease)", "infra"), [])
    assert found == {"api_version": "helm.toolkit.fluxcd.io/v2", "values": {"a": 1, "token": "<hidden>"}, "post_renderers": 1,
                     "suspended": True, "values_from": [{"kind": "Secret", "name": "more", "key": "values.yaml"}]}
    assert read_resource(cluster, owner.found("flux", "infra", "label (Kustomization)", "infra"), []) is None


def test_an_application_is_found_by_name_alone(api, cluster):
    source = {"chart": "cilium", "helm": {"values": "a: 1\n", "parameters": [{"name": "b.c", "value": "2"}], "valueFiles": ["v.yaml"]}}
    api.put(ARGO + "/namespaces/argo/applications/net", {"spec": {
        "syncPolicy": {"automated": {"selfHeal": True}}, "sources": [{"repoURL": "x", "directory": {}}, source, {"repoURL": "y"}]}})
    api.put(ARGO + "/namespaces/argo/applications/other", {"spec": {}})
    found = read_resource(cluster, owner.found("argocd", "net", ""), [])
    assert (found["namespace"], found["automated"], found["self_heal"]) == ("argo", True, True)
    assert [entry["kind"] for entry in found["sources"]] == ["directory", "helm", "unknown"]
    assert found["sources"][1] == {"index": 1, "kind": "helm", "chart": "cilium", "helm": True, "place": "values", "values": {"a": 1},
                                   "parameters": ["b.c"], "value_files": ["v.yaml"]}


def test_an_object_of_values_wins_over_their_text(api, cluster):
    api.put(ARGO + "/namespaces/team/applications/net", {"spec": {"source": {
        "chart": "cilium", "helm": {"values": "a: [", "valuesObject": {"b": {"apiKey": "k3y"}}}}}})
    found = read_resource(cluster, owner.found("argocd", "net", "", "team"), [])
    source, = found["sources"]
    assert (source["index"], source["place"], source["values"]) == (None, "valuesObject", {"b": {"apiKey": "<hidden>"}})
    assert found["automated"] is False


def test_no_application_or_more_than_one_is_told(api, cluster):
    with pytest.raises(NotFound, match="No Application"):
        read_resource(cluster, owner.found("argocd", "net", ""), [])
    for namespace in ("a", "b"):
        api.put(ARGO + "/namespaces/{0}/applications/net".format(namespace), {"spec": {}})
    with pytest.raises(NotFound, match="More than one"):
        read_resource(cluster, owner.found("argocd", "net", ""), [])


def test_owners_without_an_object_have_none(cluster):
    assert read_resource(cluster, owner.found("managed", "GKE", ""), []) is None
