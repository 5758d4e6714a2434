# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bad input, bad clusters and bad luck, through the playbooks: one clear sentence, nothing changed, nothing leaked."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import proofs
import pytest
from kubernetes import client
from labkit import NAMESPACE, Lab, started, wait
from plays import ACKNOWLEDGED, Bastion
from proofs import Outside, auditor, check_clean, check_refused, nothing_changes, unread, verdicts

pytestmark = pytest.mark.lab

# Each node has a fault of its own; the first and the last have none.
FAULTS = {"node-2": "hang", "node-3": "garbage", "node-4": "flood", "node-5": "exit:1:{{ 7 * 7 }} \x1b[31mno\x1b[0m",
          "node-6": "throttle", "node-7": "hostile", "node-8": "unreachable"}
CLASSES = {"node-2": "timeout", "node-3": "garbled", "node-5": "failed", "node-6": "throttled", "node-8": "unreachable"}
AS_IS = {"native_routing": "OK", "kube_proxy_replacement": "OK", "dsr": "DRIFT"}


class Site:
    """A lab, a bastion beside it, and what a test needs to leave both as they were."""

    def __init__(self, lab: Lab, folder: Path, helm: str) -> None:
        self.lab, self.folder, self.helm = lab, folder, helm
        self.bastion = self.bastion_with(lab.kubeconfig)

    def bastion_with(self, kubeconfig: Path) -> Bastion:
        return Bastion(self.folder, kubeconfig, self.helm)

    def refused(self, playbook: str, *words: str, outcome: str = "failed", **variables: Any) -> str:
        """Runs a playbook that must change nothing and say why."""
        with nothing_changes(self.lab):
            play = self.bastion.run(playbook, **variables)
        return check_refused(self.lab, play, *words, outcome=outcome)

    def no_tune(self, *words: str, outcome: str = "blocked", **variables: Any) -> str:
        return self.refused("tune", *words, outcome=outcome, **{**ACKNOWLEDGED, **variables})


@pytest.fixture(name="site", scope="module")
def fixture_site(tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with started("refusals", "--nodes", "9", "--cilium", "1.13.4", "--set", proofs.SECRET_SETTING) as lab:
        yield Site(lab, tmp_path_factory.mktemp("bastion"), tools["helm4"])


@pytest.fixture(name="other", scope="module")
def fixture_other(tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One node, whose Cilium is changed from test to test."""
    with started("refusals-other", "--nodes", "1", "--cilium", "1.13.4", "--set", "tunnel=vxlan",
                 "--set", "autoDirectNodeRoutes=false") as lab:
        yield Site(lab, tmp_path_factory.mktemp("bastion"), tools["helm3"])


first = pytest.mark.xdist_group("refusals")
second = pytest.mark.xdist_group("refusals-other")


# The way to the cluster


def missing(site: Site, tmp_path: Path) -> Path:
    return tmp_path / "nowhere"


def no_yaml(site: Site, tmp_path: Path) -> Path:
    (tmp_path / "garbled").write_bytes(b"\x7fELF\x00\x01 clusters: [")
    return tmp_path / "garbled"


def something_else(site: Site, tmp_path: Path) -> Path:
    (tmp_path / "list").write_text("- token: " + proofs.SECRET_VALUE + "\n")
    return tmp_path / "list"


def half(site: Site, tmp_path: Path) -> Path:
    (tmp_path / "half").write_text(site.lab.kubeconfig.read_text().replace("user: admin", "user: nobody"))
    return tmp_path / "half"


def closed_port(site: Site, tmp_path: Path) -> Path:
    port = site.lab.status()["ports"]["closed"]
    return proofs.kubeconfig_with_server(site.lab, tmp_path / "closed", f"https://127.0.0.1:{port}")


def unknown_name(site: Site, tmp_path: Path) -> Path:
    return proofs.kubeconfig_with_server(site.lab, tmp_path / "name", "https://api.nowhere.invalid:6443")


def foreign_server(site: Site, tmp_path: Path) -> Path:
    """Something that listens and is no API server: etcd of the lab."""
    port = site.lab.status()["ports"]["etcd"]
    return proofs.kubeconfig_with_server(site.lab, tmp_path / "foreign", f"https://127.0.0.1:{port}")


def expired(site: Site, tmp_path: Path) -> Path:
    return site.lab.kubeconfig.with_name("kubeconfig-expired")


@first
@pytest.mark.parametrize("kubeconfig, words", [
    (missing, ["There is no kubeconfig at", "nowhere", "KUBECONFIG"]),
    (no_yaml, ["garbled is not YAML", "repair it or name another"]),
    (something_else, ["is not a valid kubeconfig", "repair it or name another"]),
    (half, ["gives no credential", "its user has none"]),
    (closed_port, ["No connection to https://127.0.0.1:", "Connection refused"]),
    (unknown_name, ["api.nowhere.invalid", "cannot be resolved"]),
    (foreign_server, ["https://127.0.0.1:"]),
    (expired, ["401", "expired"]),
])
def test_no_way_to_the_cluster(site: Site, tmp_path: Path, kubeconfig: Callable, words: list[str]) -> None:
    bastion = site.bastion_with(kubeconfig(site, tmp_path))
    play = bastion.run("audit")
    check_refused(site.lab, play, *words)


@first
@pytest.mark.parametrize("playbook", ["tune", "rollback"])
def test_an_expired_token_changes_nothing(site: Site, tmp_path: Path, playbook: str) -> None:
    bastion = site.bastion_with(expired(site, tmp_path))
    if playbook == "rollback":
        bastion = Bastion(_begun(site, tmp_path).parents[1], bastion.kubeconfig, site.helm)
    with nothing_changes(site.lab):
        play = bastion.run(playbook, **ACKNOWLEDGED)
    check_refused(site.lab, play, "401")


@first
def test_no_kubeconfig_is_set(site: Site, tmp_path: Path) -> None:
    bastion = Outside(tmp_path, site.lab.kubeconfig, site.helm)
    check_refused(site.lab, bastion.run("audit", fastpath_kubeconfig=""), "There is no kubeconfig at ~/.kube/config")


@first
def test_an_unknown_context(site: Site) -> None:
    site.refused("audit", "has no context other; it has ", fastpath_context="other")


def _begun(site: Site, tmp_path: Path) -> Path:
    """The record of a run that was killed after its journal's first entry, from a real audit."""
    from ansible_collections.fastpath.cilium.plugins.plugin_utils.record import Run
    audit = Bastion(tmp_path, site.lab.kubeconfig, site.helm).run("audit")
    assert audit.code == 0, audit.out
    step = audit.document("plan")["steps"][0]
    Run(audit.folder).append({"step": step["id"], "event": "started", "former_revision": 1, "nodes": step["nodes"]})
    return audit.folder


@first
def test_the_record_of_another_cluster_is_not_rolled_back_here(site: Site, tmp_path: Path) -> None:
    folder = _begun(site, tmp_path)
    facts = folder / "facts.json"
    uid = site.lab.core().read_namespace("kube-system").metadata.uid
    facts.write_text(facts.read_text().replace(uid, "00000000-0000-0000-0000-000000000000"))
    with nothing_changes(site.lab):
        play = Bastion(tmp_path, site.lab.kubeconfig, site.helm).run("rollback")
    check_refused(site.lab, play, "changed another cluster than this one", "kubeconfig")


@first
def test_no_record_to_roll_back(site: Site, tmp_path: Path) -> None:
    for run_id, words in ((None, "has no run that changed something"), ("20200101T000000Z-abcdef", "has no run 2020")):
        with nothing_changes(site.lab):
            play = Bastion(tmp_path, site.lab.kubeconfig, site.helm).run("rollback", **({"fastpath_run_id": run_id} if run_id else {}))
        check_refused(site.lab, play, words, "fastpath_record_dir")


# Helm and the release


@first
@pytest.mark.parametrize("helm", ["none in PATH", "a path to nothing", "no helm at all", "an old one"])
def test_no_helm(site: Site, tmp_path: Path, helm: str) -> None:
    environment, path = {}, None
    if helm == "none in PATH":
        environment["PATH"] = proofs.path_without("helm") or pytest.skip("helm and sh are in the same folder of PATH")
    elif helm == "a path to nothing":
        path = "/nowhere/helm"
    else:
        path = str(tmp_path / "helm")
        Path(path).write_text("#!/bin/sh\n" + ("echo hello\n" if helm == "no helm at all" else "echo v3.9.4\n"))
        Path(path).chmod(0o755)
    words = {"none in PATH": "There is no helm in PATH", "a path to nothing": "/nowhere/helm cannot be run",
             "no helm at all": "does not tell a Helm version", "an old one": "is Helm 3.9"}
    bastion = Outside(tmp_path, site.lab.kubeconfig, path, **environment)
    with nothing_changes(site.lab):
        play = bastion.run("tune", **ACKNOWLEDGED)
    check_refused(site.lab, play, words[helm])
    assert set(play.result["nodes"].values()) == {"untouched"} and play.result["steps"] == []
    if helm == "none in PATH":
        audit = bastion.run("audit")
        assert audit.code == 0 and verdicts(audit) == AS_IS, audit.out


@first
def test_no_release(site: Site) -> None:
    with proofs.no_release(site.lab):
        with nothing_changes(site.lab):
            audit = site.bastion.run("audit")
        assert audit.code == 0, audit.out
        assert verdicts(audit) == AS_IS
        assert {agent["version"] for agent in audit.document("facts")["agents"]} == {"1.13.4"}
        assert audit.document("facts")["release_found"] is False and audit.result["outcome"] == "blocked"
        site.no_tune("No Helm release installed Cilium here")


@first
def test_a_release_of_another_name(site: Site) -> None:
    audit = site.bastion.run("audit", fastpath_release_name="rke2-cilium")
    assert audit.code == 0 and audit.result["outcome"] == "blocked", audit.out
    assert "fastpath_release_name" in audit.out


@first
def test_no_cilium_in_the_namespace(site: Site) -> None:
    audit = site.bastion.run("audit", fastpath_release_namespace="default")
    check_clean(site.lab, audit)
    assert audit.code == 0 and audit.result["outcome"] == "unknown", audit.out
    assert set(verdicts(audit).values()) == {"UNKNOWN"}
    with nothing_changes(site.lab):
        play = site.bastion.run("tune", fastpath_release_namespace="default", **ACKNOWLEDGED)
    check_refused(site.lab, play, "Nothing may be applied (unknown)", outcome="unknown")


@first
def test_a_pending_release(site: Site) -> None:
    with proofs.pending_upgrade(site.lab) as revision:
        site.no_tune(f"Revision {revision} of the Helm release is pending-upgrade", "helm rollback cilium 1")


@first
def test_a_live_edit_is_named_and_kept(site: Site) -> None:
    with proofs.edited_config(site.lab, bpf_lb_algorithm="maglev", enable_bbr="true"):
        site.no_tune("changed by hand", "bpf-lb-algorithm", "enable-bbr")


@first
@pytest.mark.parametrize("owner, words", [
    (proofs.owned_by_helm_chart, ["HelmChart cilium", "HelmChartConfig", '{"loadBalancer": {"dsrDispatch": "opt", "mode": "dsr"}}']),
    (lambda lab: proofs.marked_daemonset(lab, "labels", "helm.toolkit.fluxcd.io/name", "cilium"), ["Flux", "HelmRelease"]),
    (lambda lab: proofs.marked_daemonset(lab, "annotations", "argocd.argoproj.io/tracking-id", "net:apps/DaemonSet:x/y"),
     ["Argo CD", "net"]),
], ids=["helm-chart", "flux", "argocd"])
def test_a_foreign_owner(site: Site, owner: Callable, words: list[str]) -> None:
    with owner(site.lab):
        site.no_tune("which would revert", *words)


# Accounts


@first
def test_an_audit_needs_get_list_and_exec_only(site: Site) -> None:
    rights = client.RbacAuthorizationV1Api(site.lab.api())
    rules = rights.read_namespaced_role("auditor", NAMESPACE).rules + rights.read_cluster_role("auditor").rules
    allowed = {(resource, verb) for rule in rules for resource in rule.resources for verb in rule.verbs}
    assert {verb for resource, verb in allowed if resource != "pods/exec"} == {"get", "list"}
    with nothing_changes(site.lab):
        admin, audit = site.bastion.run("audit"), site.bastion_with(auditor(site.lab)).run("audit")
    assert audit.code == 0 and unread(audit) == {}, audit.out
    assert audit.document("verdicts") == admin.document("verdicts")
    assert audit.document("plan") == admin.document("plan")


@first
def test_an_auditor_cannot_tune(site: Site) -> None:
    with nothing_changes(site.lab):
        play = site.bastion_with(auditor(site.lab)).run("tune", **ACKNOWLEDGED)
    check_refused(site.lab, play, "may not")
    assert set(play.result["nodes"].values()) == {"untouched"}


@first
def test_exec_is_denied(site: Site) -> None:
    with proofs.auditor_without(site.lab, "pods/exec"), nothing_changes(site.lab):
        audit = site.bastion_with(auditor(site.lab)).run("audit")
        verify = site.bastion_with(auditor(site.lab)).run("verify")
    check_clean(site.lab, audit)
    assert audit.code == 0 and audit.result["outcome"] == "unknown", audit.out
    assert verdicts(audit) == dict.fromkeys(AS_IS, "UNKNOWN")
    assert unread(audit) == {f"agents/node-{number}/status": "denied" for number in range(1, 10)}
    check_refused(site.lab, verify, "not in line (unknown)", outcome="unknown")


@first
@pytest.mark.parametrize("resource, what", [("secrets", "release"), ("configmaps", "config"), ("daemonsets", "daemonset")])
def test_something_may_not_be_read(site: Site, resource: str, what: str) -> None:
    with proofs.auditor_without(site.lab, resource):
        audit = site.bastion_with(auditor(site.lab)).run("audit")
    check_clean(site.lab, audit)
    assert audit.code == 0 and audit.result["outcome"] == "unknown", audit.out
    assert unread(audit)[what] == "denied"
    assert verdicts(audit)["dsr"] == "UNKNOWN"


# Agents that lie, hang and shout


@first
def test_agents_with_faults(site: Site, tmp_path: Path) -> None:
    try:
        for node, fault in FAULTS.items():
            site.lab.annotate(node, "lab/exec", fault)
        with nothing_changes(site.lab):
            audit = site.bastion.run("audit", fastpath_agent_timeout=5)
            tune = site.bastion.run("tune", fastpath_agent_timeout=5, **ACKNOWLEDGED)
    finally:
        for node in FAULTS:
            site.lab.annotate(node, "lab/exec", None)
    check_clean(site.lab, audit)
    assert audit.code == 0 and audit.result["outcome"] == "unknown", audit.out
    assert verdicts(audit) == dict.fromkeys(AS_IS, "UNKNOWN"), "an agent that could not be read counts as in order"
    agents = {agent["node"]: agent for agent in audit.document("facts")["agents"]}
    assert {node: agent["error"]["class"] for node, agent in agents.items() if agent["error"]} == CLASSES
    for node in agents.keys() - CLASSES.keys():
        assert agents[node]["status"]["nodeport_mode"] == "snat", f"{node} was not read"
    assert "{{ 7 * 7 }} no" in agents["node-5"]["error"]["message"]
    live = {entry["tuning"]: entry["found"]["live"] for entry in audit.document("verdicts")}["dsr"]["nodeport_mode"]
    assert sorted(live["unread"]) == sorted(CLASSES)
    assert max(map(len, audit.out.splitlines())) < 2000
    check_refused(site.lab, tune, "Nothing may be applied (unknown)", "5 of 9 agents could not be read", outcome="unknown")


@first
def test_hostile_text_stays_text(site: Site, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    hostile = "\x1b[31m{{ lookup('pipe', 'touch " + str(mark) + "') }}\x1b]0;owned\x07<script>alert(1)</script>\u202e"
    with proofs.edited_config(site.lab, bpf_lb_mode=hostile, tunnel=hostile):
        with proofs.pending_upgrade(site.lab, description=hostile), nothing_changes(site.lab):
            site.lab.annotate("node-9", "lab/kernel", "5.15.0-{{7*7}}")
            audit = site.bastion.run("audit")
            tune = site.bastion.run("tune", **ACKNOWLEDGED)
    site.lab.annotate("node-9", "lab/kernel", None)
    for play in (audit, tune):
        check_clean(site.lab, play)
        assert not mark.exists(), "text of the cluster was executed"
        assert "5.15.0-49" not in play.out
        for file in play.folder.iterdir():
            assert "5.15.0-49" not in file.read_text() and "\u202e" not in file.read_text()
    assert audit.code == 0, audit.out
    assert tune.code != 0 and tune.result["outcome"] in ("blocked", "unknown")


# What is asked for


@first
@pytest.mark.parametrize("variables, words", [
    ({"fastpath_tunings": {"drs": {}}}, ["'drs'", "no tuning", "did you mean dsr?"]),
    ({"fastpath_tunings": {"dsr": {"mod": "dsr"}}}, ["'mod'", "did you mean mode?"]),
    ({"fastpath_tunings": {"dsr": {"mode": "hybird"}}}, ["'hybird'", "did you mean hybrid?"]),
    ({"fastpath_tunings": {"dsr": {"dispatch": "ipip"}}}, ["IPIP", "geneve, opt"]),
    ({"fastpath_tunings": ["dsr"]}, ["must be a mapping"]),
    ({"fastpath_tunings": {"dsr": {"mode": "{{ lookup('env', 'HOME') }}\x1b[31m"}}}, ["fastpath_tunings.dsr.mode"]),
    ({"fastpath_acknowledge": ["rds"]}, ["fastpath_acknowledge", "'rds'", "did you mean dsr?"]),
    ({"fastpath_batch": 0}, ["batch is 0"]),
])
def test_something_unknown_is_asked_for(site: Site, variables: dict[str, Any], words: list[str]) -> None:
    site.refused("tune", *words, **variables)


@first
def test_geneve_dispatch_before_1_14(site: Site) -> None:
    site.no_tune("Dispatch geneve is known to agents from 1.14 on", fastpath_tunings={"dsr": {"dispatch": "geneve"}})


@first
def test_a_risk_that_was_not_accepted(site: Site) -> None:
    site.refused("tune", "fastpath_acknowledge", '["dsr"]', outcome="drift")


@second
def test_a_tunnel_and_no_kube_proxy_replacement(other: Site) -> None:
    """One after the other on one lab: the second needs what the first left."""
    audit = other.bastion.run("audit")
    assert audit.result["outcome"] == "drift" and verdicts(audit)["native_routing"] == "DRIFT", audit.out
    assert "Note" in audit.out and "layer 2 segment" in audit.out
    other.refused("tune", "fastpath_acknowledge", '["dsr", "native_routing"]', outcome="drift", **ACKNOWLEDGED)
    other.lab.helm("upgrade", "cilium", other.lab.status()["chart"], "--reuse-values", "--set", "tunnel=disabled",
                   "--set", "autoDirectNodeRoutes=true", "--set", "kubeProxyReplacement=disabled")
    other.lab.restart_agent("node-1")
    other.lab.wait_agent_ready("node-1")
    sentence = other.no_tune("It needs kube_proxy_replacement")
    assert "in line" not in sentence


@second
def test_an_agent_with_an_unknown_future_version(other: Site) -> None:
    """Nothing is guessed about versions that this collection does not know."""
    apps = other.lab.apps()
    former = apps.read_namespaced_daemon_set("cilium", NAMESPACE).spec.template.spec.containers[0].image
    assert ":v1.13.4" in former
    image = former.replace("v1.13.4", "v1.99.0").split("@")[0]
    apps.patch_namespaced_daemon_set("cilium", NAMESPACE, {"spec": {"template": {"spec": {"containers": [
        {"name": "cilium-agent", "image": image}]}}}})
    wait(lambda: other.lab.agents().get("node-1") and other.lab.agents()["node-1"].spec.containers[0].image == image)
    audit = other.bastion.run("audit")
    assert audit.code == 0 and audit.result["outcome"] in ("unknown", "blocked"), audit.out
    assert "OK" not in verdicts(audit).values()
