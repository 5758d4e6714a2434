# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Releases that belong to K3s or RKE2: changed through their HelmChartConfig where that is asked for, and told where not."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from labkit import NAMESPACE, Lab, started, wait
from owners import Rancher, call, marked_daemonset, serve, server_side_apply
from plays import ACKNOWLEDGED, Bastion, kill, leases, modes, snapshot
from proofs import check_clean, no_release

pytestmark = pytest.mark.lab

APPLY = {"fastpath_owner_apply": True, **ACKNOWLEDGED}
SECRET = "t0p-s3cret-of-the-site"
CONTENT = f"# kept by the site\nipam:\n  mode: kubernetes\netcd: {{password: {SECRET}}}\nannotateK8sNode: true  # last\n"
SITES = [pytest.param((version, name), marks=pytest.mark.xdist_group(f"owners-{version}"), id=f"{version}-{name}")
         for version, name in (("1.16", "cilium"), ("1.18", "rke2-cilium"))]


class Site:
    """A lab whose Cilium belongs to K3s (release cilium) or RKE2 (rke2-cilium), and a bastion beside it."""

    def __init__(self, lab: Lab, bastion: Bastion, rancher: Rancher, version: str) -> None:
        self.lab, self.bastion, self.rancher, self.version = lab, bastion, rancher, version

    @property
    def modes(self) -> set[str]:
        return set(modes(self.lab, self.version).values())

    @property
    def live_config(self) -> dict[str, str]:
        return self.lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data

    def state(self) -> dict[str, Any]:
        """What a way back must bring back to the byte."""
        daemonset = self.lab.apps().read_namespaced_daemon_set("cilium", NAMESPACE)
        return {"config": self.live_config, "chart_config": self.rancher.config(), "modes": self.modes,
                "strategy": daemonset.spec.update_strategy.to_dict(), "template": daemonset.spec.template.to_dict()}

    def kept(self) -> list[str]:
        """Secrets in which former objects are kept."""
        found = self.lab.core().list_namespaced_secret(NAMESPACE, label_selector="app.kubernetes.io/managed-by=fastpath.cilium")
        return [secret.metadata.name for secret in found.items]


@pytest.fixture(name="site", scope="module", params=SITES)
def fixture_site(request: pytest.FixtureRequest, tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    version, name = request.param
    folder = tmp_path_factory.mktemp("owners")
    with started(f"owners-{version}".replace(".", "-"), "--nodes", "3", "--cilium", version, "--helm", "3") as lab:
        rancher = Rancher(lab, tools["helm3"], folder / "controller", name)
        with rancher.controller:
            rancher.take_over()
            yield Site(lab, Bastion(folder, lab.kubeconfig, tools["helm3"]), rancher, version)
        assert rancher.controller.errors == []


def test_there_and_back_with_a_config_made_for_it(site: Site) -> None:
    before = site.state()
    assert before["chart_config"] is None and before["modes"] == {"SNAT"}

    unasked = site.bastion.run("tune", **ACKNOWLEDGED)
    assert unasked.code != 0 and unasked.result["outcome"] == "blocked" and "fastpath_owner_apply" in unasked.out, unasked.out
    preview = site.bastion.run("tune", "--check", "--diff", **APPLY)
    assert preview.code == 0 and "+loadBalancer:" in preview.out, preview.out
    assert site.state() == before

    there = site.bastion.run("tune", **APPLY)
    assert there.code == 0 and there.result["outcome"] == "in_line", there.out
    check_clean(site.lab, there)
    assert site.modes == {"DSR"} and set(there.result["nodes"].values()) == {"changed"}
    spec = site.rancher.config()["spec"]
    assert yaml.safe_load(spec["valuesContent"])["loadBalancer"]["mode"] == "dsr" and spec["failurePolicy"] == "reinstall"
    assert site.lab.apps().read_namespaced_daemon_set("cilium", NAMESPACE).spec.update_strategy.to_dict() == before["strategy"]
    assert site.bastion.run("verify").code == 0

    done = snapshot(site.lab)
    again = site.bastion.run("tune", **APPLY)
    assert again.code == 0 and snapshot(site.lab) == done, again.out

    back = site.bastion.run("rollback")
    assert back.code == 0 and back.result["outcome"] == "rolled_back", back.out
    assert site.state() == before
    assert site.kept() == [] and leases(site.lab) == []


def test_an_agent_that_stays_down_takes_all_back_to_the_byte(site: Site) -> None:
    site.rancher.configure(CONTENT)
    before = site.state()
    site.lab.annotate("node-2", "lab/agent", "never-ready")
    play = site.bastion.run("tune", fastpath_rollout_timeout=12, **APPLY)
    assert play.code != 0, play.out
    check_clean(site.lab, play)
    assert all(SECRET not in file.read_text() for file in play.folder.iterdir()) and SECRET not in play.out
    site.lab.annotate("node-2", "lab/agent", None)
    site.lab.restart_agent("node-2")
    site.lab.wait_agent_ready("node-2")
    rest = site.bastion.run("rollback", fastpath_run_id=play.folder.name)
    assert rest.code == 0, rest.out
    assert site.state() == before and site.kept() == []


def test_a_run_that_was_killed_is_taken_back_or_ended(site: Site) -> None:
    before = site.state()
    run = site.bastion.start("tune", **APPLY)
    wait(lambda: (site.rancher.config() or {}).get("annotations"), 120)
    kill(run)
    back = site.bastion.run("rollback")
    assert back.code == 0, back.out
    assert site.state() == before and site.kept() == [] and leases(site.lab) == []


def test_the_patch_for_the_owner_does_it_as_well(site: Site) -> None:
    """Without fastpath_owner_apply: the file that is printed, put in by the API as it stands, and agents restarted by hand."""
    site.rancher.configure(CONTENT)
    by_hand = site.bastion.run("audit").folder / "patch-1.yaml"
    assert "by hand" in by_hand.read_text() and SECRET not in by_hand.read_text(), "values with a secret are written to no file"
    site.rancher.configure(CONTENT.replace("password", "endpoint"))
    untouched = site.rancher.config()
    refused = site.bastion.run("tune", **ACKNOWLEDGED)
    assert refused.code != 0 and refused.result["outcome"] == "blocked" and site.rancher.config() == untouched, refused.out
    for _step in range(2 if site.version == "1.18" else 1):
        document = yaml.safe_load((site.bastion.run("audit").folder / "patch-1.yaml").read_text())
        assert document["kind"] == "HelmChartConfig"
        server_side_apply(site.lab, document)
        site.rancher.settled()
        assert site.bastion.run("verify").code != 0, "the agents have not restarted yet"
        for node in ("node-1", "node-2", "node-3"):
            site.lab.restart_agent(node)
            site.lab.wait_agent_ready(node)
    verify = site.bastion.run("verify")
    assert verify.code == 0 and verify.result["outcome"] == "in_line", verify.out
    values = yaml.safe_load(site.rancher.config()["spec"]["valuesContent"])
    assert site.modes == {"DSR"} and values["ipam"] == {"mode": "kubernetes"} and list(values)[:2] == ["ipam", "etcd"]


# Owners that are only told: Flux and Argo CD

PRINTED = pytest.mark.xdist_group("owners-printed")


@pytest.fixture(name="lab", scope="module")
def fixture_lab() -> Iterator[Lab]:
    with started("owners-printed", "--nodes", "2", "--cilium", "1.16", "--helm", "3") as lab:
        serve(lab, "crd-flux-argocd.yaml")
        yield lab


def dry_run(lab: Lab, path: str, kind: str, patch: Any) -> dict[str, Any]:
    """The object as the API server says it would be."""
    return call(lab, "PATCH", path + "?dryRun=All", f"application/{kind}-patch+json", patch)


def audited(lab: Lab, tools: dict[str, str], folder: Path) -> tuple[str, Any]:
    audit = Bastion(folder, lab.kubeconfig, tools["helm3"]).run("audit")
    assert audit.code == 0 and audit.result["outcome"] == "blocked", audit.out
    text = (audit.folder / "patch-1.yaml").read_text()
    return text, yaml.safe_load(text)


WANTED = {"mode": "dsr", "dsrDispatch": "opt"}


@PRINTED
def test_flux_gets_a_patch_that_its_helm_release_takes(lab: Lab, tools: dict[str, str], tmp_path: Path) -> None:
    path = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/default/helmreleases"
    call(lab, "POST", path, "application/json", {
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "net", "namespace": "default"},
        "spec": {"interval": "1h", "values": {"loadBalancer": {"algorithm": "random"}, "apiKey": SECRET},
                 "valuesFrom": [{"kind": "ConfigMap", "name": "site-values"}]}})
    labels = {"helm.toolkit.fluxcd.io/name": "net", "helm.toolkit.fluxcd.io/namespace": "default"}
    with marked_daemonset(lab, "labels", labels):
        text, document = audited(lab, tools, tmp_path)
    assert "ConfigMap site-values" in text and SECRET not in text
    values = dry_run(lab, path + "/net", "merge", document)["spec"]["values"]
    assert values == {"loadBalancer": {"algorithm": "random", **WANTED}, "apiKey": SECRET}


@PRINTED
@pytest.mark.parametrize("source", [{"valuesObject": {"ipam": {"mode": "kubernetes"}}}, {"values": "ipam: {mode: kubernetes}\n"}, {}])
@pytest.mark.parametrize("several", [False, True])
def test_argocd_gets_a_patch_that_its_application_takes(
        lab: Lab, tools: dict[str, str], tmp_path: Path, source: dict[str, Any], several: bool) -> None:
    path = "/apis/argoproj.io/v1alpha1/namespaces/default/applications"
    chart = {"repoURL": "https://charts.example", "chart": "cilium", "targetRevision": "1.16.19", "helm": source}
    spec = {"project": "x", "sources": [{"repoURL": "https://git.example"}, chart]} if several else {"project": "x", "source": chart}
    call(lab, "POST", path, "application/json", {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {
        "name": "net", "namespace": "default"}, "spec": spec})
    try:
        with no_release(lab), marked_daemonset(lab, "annotations", {
                "argocd.argoproj.io/tracking-id": "net:apps/DaemonSet:kube-system/cilium"}):
            _text, document = audited(lab, tools, tmp_path)
        found = dry_run(lab, path + "/net", "json" if several else "merge", document)["spec"]
    finally:
        call(lab, "DELETE", path + "/net", "application/json", None)
    helm = (found["sources"][1] if several else found["source"])["helm"]
    assert len(helm) == 1 and (not several or found["sources"][0] == {"repoURL": "https://git.example"})
    values = yaml.safe_load(helm["values"]) if "values" in source else helm["valuesObject"]
    assert values == {**({"ipam": {"mode": "kubernetes"}} if source else {}), "loadBalancer": WANTED}
