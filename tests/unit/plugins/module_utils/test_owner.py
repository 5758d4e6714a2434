# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Denied
from ansible_collections.fastpath.cilium.plugins.module_utils.owner import Evidence, detect, read_helm_charts
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi, Reply


def kind(release_found=None, labels=None, annotations=None, charts=()):
    objects = [{"metadata": {}}, {"metadata": {"labels": labels, "annotations": annotations}}]
    owner = detect(Evidence("cilium", "kube-system", release_found, objects, list(charts)))
    return owner and (owner["kind"], owner["name"])


def chart(name, reference=None):
    return {"metadata": {"name": name, "namespace": "kube-system"}, "spec": {"chart": reference}}


@pytest.mark.parametrize("label", ["helm.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/name"])
def test_flux_by_its_labels(label):
    assert kind(True, labels={label: "infra"}) == ("flux", "infra")


def test_argocd_by_tracking_id_or_label():
    assert kind(False, annotations={"argocd.argoproj.io/tracking-id": "net:apps/DaemonSet:kube-system/cilium"}) == (
        "argocd", "net")
    assert kind(False, labels={"argocd.argoproj.io/instance": "net"}) == ("argocd", "net")


@pytest.mark.parametrize("found", [True, False, None])
@pytest.mark.parametrize("item", [chart("cilium"), chart("cni", "https://helm.example/charts/cilium-1.13.4.tgz"),
                                  chart("cni", "rke2-cilium"), chart("rke2-cilium")])
def test_a_helm_chart_object_wins_over_the_release_it_made(found, item):
    assert kind(found, charts=[chart("traefik", "traefik"), item]) == ("k3s_helm_chart", item["metadata"]["name"])


def test_helms_mark_says_which_helm_chart_it_is():
    mark = {"meta.helm.sh/release-name": "net", "meta.helm.sh/release-namespace": "kube-system"}
    assert kind(True, annotations=mark, charts=[chart("cilium-extras", "x"), chart("net", "y")]) == ("k3s_helm_chart", "net")
    assert kind(True, annotations=mark, charts=[chart("cilium-extras", "cilium-extras")]) == ("helm", "cilium")
    elsewhere = {"metadata": {"name": "net", "namespace": "charts"}, "spec": {"targetNamespace": "kube-system"}}
    found = detect(Evidence("cilium", "kube-system", False, [{"metadata": {"annotations": mark}}], [elsewhere]))
    assert (found["namespace"], found["release"]) == ("charts", {"name": "net", "namespace": "kube-system"})


def test_names_and_namespaces_of_flux_and_argocd():
    labels = {"helm.toolkit.fluxcd.io/name": "cilium", "helm.toolkit.fluxcd.io/namespace": "infra"}
    mark = {"meta.helm.sh/release-name": "net-cilium", "meta.helm.sh/release-namespace": "kube-system"}
    found = detect(Evidence("cilium", "kube-system", False, [{"metadata": {"labels": labels, "annotations": mark}}], []))
    assert (found["kind"], found["name"], found["namespace"]) == ("flux", "cilium", "infra")
    assert found["release"] == {"name": "net-cilium", "namespace": "kube-system"}
    tracking = {"argocd.argoproj.io/tracking-id": "team-a_net:apps/DaemonSet:kube-system/cilium"}
    found = detect(Evidence("cilium", "kube-system", False, [{"metadata": {"annotations": tracking}}], []))
    assert (found["kind"], found["name"], found["namespace"]) == ("argocd", "net", "team-a")


def test_a_cloud_that_uses_flux_elsewhere_is_a_cloud():
    labels = {"kubernetes.azure.com/managedby": "aks", "helm.toolkit.fluxcd.io/name": "cilium-adapter-helmrelease"}
    assert kind(False, labels) == ("managed", "AKS")


def test_gke_is_told_by_its_daemonset_or_annotation():
    assert detect(Evidence("cilium", "kube-system", False, [{"metadata": {"name": "anetd"}}], []))["name"] == "GKE"
    assert kind(False, annotations={"components.gke.io/component-name": "advanced-datapath"}) == ("managed", "GKE")


def test_other_helm_charts_own_nothing_of_ours():
    assert kind(True, charts=[chart("traefik", "https://charts/traefik.tgz"), {"metadata": {"name": "x"}}]) == (
        "helm", "cilium")


def test_a_cloud_is_the_owner_only_where_there_is_no_release():
    labels = {"kubernetes.azure.com/managedby": "aks"}
    assert kind(False, labels) == ("managed", "AKS") == kind(None, labels)
    assert kind(True, labels) == ("helm", "cilium")


def test_helms_mark_counts_while_releases_cannot_be_read():
    mark = {"meta.helm.sh/release-name": "my-cilium"}
    assert kind(None, annotations=mark) == ("helm", "my-cilium")
    assert kind(False, annotations=mark) == ("helm", "my-cilium"), "a release by another name than the one asked for"
    assert kind(False, annotations={"meta.helm.sh/release-name": "cilium"}) == ("none", ""), "a left-over"


def test_what_was_not_read_is_not_nobody():
    assert kind(None) is None
    assert detect(Evidence("cilium", "kube-system", False, [], [])) is None


def test_helm_charts_are_listed_only_where_their_api_is(tmp_path):
    with FakeApi() as api:
        cluster = Cluster.connect(api.kubeconfig(tmp_path))
        api.script("GET", "/helmcharts", Reply(403, b"{}"))
        assert read_helm_charts(cluster) == []
        api.apis["/apis/helm.cattle.io/v1"] = {"kind": "APIResourceList"}
        with pytest.raises(Denied):
            read_helm_charts(cluster)


def test_helm_charts_of_kube_system_are_enough_for_an_account_of_that_namespace(tmp_path):
    with FakeApi() as api:
        api.apis["/apis/helm.cattle.io/v1"] = {"kind": "APIResourceList"}
        api.put("/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts/rke2-cilium", {"spec": {}})
        api.script("GET", "/v1/helmcharts", Reply(403, b"{}"))
        charts = read_helm_charts(Cluster.connect(api.kubeconfig(tmp_path)))
    assert [item["metadata"]["name"] for item in charts] == ["rke2-cilium"]
