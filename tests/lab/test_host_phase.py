# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts' own tunings in tune.yml: before the cluster's steps, host by host, and all of it back.

What is changed are governors, which are files of the hosts' folders. The unit that sets them at boot would be enabled on the
machine that runs the tests, so it stands there beforehand, as the plan has it.
"""
from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from labkit import Lab, wait
from plays import Bastion, kill, leases, snapshot
from racks import NODES, Hosts, folders, nodes_with_hosts, trees

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("host-phase")]
CPU = {"cpu_performance": {}}
PREEMPTION = {"kernel_preemption": {}}
# What stands for `systemctl reboot` on a host that is a folder: another boot ID there and in its node, the command line of the next
# boot in force, and the agent made anew.
REBOOT = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from labkit import Lab
lab, root = Lab({lab!r}), Path({root!r})
assert lab.core().read_node({node!r}).spec.unschedulable, "drained before"
lab.annotate({node!r}, "lab/kernel", "6.12.10-amd64")
(root / "sys/kernel/debug/sched/preempt").write_text("(none) voluntary full\\n")
(root / "proc/sys/kernel/random/boot_id").write_text(lab.core().read_node({node!r}).status.node_info.boot_id + "\\n")
lab.restart_agent({node!r})
"""
BOTH = {**CPU, "bandwidth_manager": {}, "bbr": {}}


@pytest.fixture(name="lab", scope="module")
def fixture_lab() -> Iterator[Lab]:
    with nodes_with_hosts("host-phase") as lab:
        yield lab


@pytest.fixture(name="roots")
def fixture_roots(lab: Lab, tmp_path: Path) -> Iterator[dict[str, Path]]:
    with folders(lab, tmp_path / "hosts") as found:
        yield found


@pytest.fixture(name="hosts")
def fixture_hosts(lab: Lab, roots: dict[str, Path], tools: dict[str, str], tmp_path: Path) -> Hosts:
    """An inventory of hosts on which nothing but the governors is left to be done."""
    hosts = Hosts(Bastion(tmp_path, lab.kubeconfig, tools["helm4"]), roots)
    audit = hosts.run("audit", fastpath_tunings=CPU)
    assert audit.code == 0, audit.out
    for step in audit.document("plan")["hosts"].values():
        for op in step["ops"]:
            if op["kind"] == "file":
                path = roots[step["node"]] / op["path"].lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(op["content"])
    return hosts


def governors(root: Path) -> set[str]:
    return {path.read_text().strip() for path in root.glob("sys/devices/system/cpu/cpufreq/policy*/scaling_governor")}


def changed_hosts(folder: Path) -> list[str]:
    """Hosts in the order in which the run's journal begins them."""
    entries = map(json.loads, (folder / "journal.jsonl").read_text().splitlines())
    return [entry["host"] for entry in entries if entry["event"] == "host_started"]


def said(play) -> str:
    return " ".join(play.out.split())


def test_hosts_are_tuned_with_the_cluster_and_go_back_with_it(lab: Lab, hosts: Hosts, roots: dict[str, Path]) -> None:
    before, cluster = trees(roots), snapshot(lab)
    preview = hosts.run("tune", "--check", "--diff", fastpath_tunings=BOTH)
    assert preview.code == 0 and preview.result["outcome"] == "drift", preview.out
    assert "policy0: powersave -> performance" in preview.out and "+performance" in preview.out
    assert trees(roots) == before and snapshot(lab) == cluster

    tune = hosts.run("tune", fastpath_tunings=BOTH)
    assert tune.code == 0 and tune.result["outcome"] == "in_line", tune.out
    assert [governors(root) for root in roots.values()] == [{"performance"}] * 3
    assert changed_hosts(tune.folder) == ["rack-2", "rack-3", "rack-1"]
    assert set(tune.result["nodes"].values()) == {"changed"} and "rack-1, rack-2, rack-3: 8 changes changed and verified" in said(tune)
    change = next(one for one in tune.result["hosts"][0]["changes"] if one["key"].endswith("policy0/scaling_governor"))
    assert (change["former"], change["new"]) == ("powersave", "performance")
    assert not list(roots["node-1"].glob("var/lib/fastpath-cilium/lock")) and leases(lab) == []

    assert hosts.run("verify", fastpath_tunings=BOTH).code == 0
    again = hosts.run("tune", fastpath_tunings=BOTH)
    assert again.code == 0 and "nothing was changed" in said(again), again.out
    look = hosts.run("rollback", "--check", fastpath_run_id=tune.folder.name)
    assert look.code == 0 and [governors(root) for root in roots.values()] == [{"performance"}] * 3, look.out
    rollback = hosts.run("rollback", fastpath_run_id=tune.folder.name)
    assert rollback.code == 0 and rollback.result["outcome"] == "rolled_back", rollback.out
    assert trees(roots) == before and leases(lab) == []
    assert set(rollback.result["nodes"].values()) == {"rolled_back"}


def test_the_first_host_that_refuses_stops_the_run_and_those_before_it_go_back(
        lab: Lab, hosts: Hosts, roots: dict[str, Path]) -> None:
    """Another run holds rack-3, the second worker; the cluster's own step is never reached."""
    base = roots["node-3"] / "var/lib/fastpath-cilium"
    base.mkdir(mode=0o700)
    (base / "lock").write_text(json.dumps({"run_id": "somebody-else", "pid": 1, "boot_id": "x"}) + "\n")
    before, cluster = trees(roots), snapshot(lab)
    tune = hosts.run("tune", fastpath_tunings=BOTH)
    assert tune.code != 0 and tune.result["outcome"] == "rolled_back", tune.out
    assert tune.result["message"].startswith("rack-3: Run somebody-else is in progress on this node")
    assert changed_hosts(tune.folder) == ["rack-2", "rack-3"]
    assert tune.result["nodes"] == {"node-1": "untouched", "node-2": "rolled_back", "node-3": "rolled_back"}
    assert trees(roots) == before and snapshot(lab) == cluster


def test_what_hosts_lose_while_the_cluster_is_changed_is_applied_once_more(lab: Lab, hosts: Hosts, roots: dict[str, Path]) -> None:
    before = trees(roots)
    known = hosts.bastion.records()
    process = hosts.start("tune", fastpath_tunings=BOTH)
    folder = wait(lambda: [folder for folder in hosts.bastion.records() if folder not in known], 60)[0]
    journal = folder / "journal.jsonl"
    wait(lambda: journal.exists() and journal.read_text().count("host_done") == 3, 240)
    lost = roots["node-2"] / "sys/devices/system/cpu/cpufreq/policy0/scaling_governor"
    lost.write_text("powersave\n")
    out = process.communicate(timeout=400)[0]
    result = json.loads((folder / "result.json").read_text())
    assert process.returncode == 0 and result["outcome"] == "in_line", out
    assert governors(roots["node-2"]) == {"performance"}
    assert [(record["host"], record["run_id"]) for record in result["hosts"]][3:] == [("rack-2", f"{folder.name}-again")]
    rollback = hosts.run("rollback")
    assert rollback.code == 0, rollback.out
    assert trees(roots) == before


def test_an_agent_that_falls_ill_after_its_host_was_changed_stops_the_run(lab: Lab, hosts: Hosts, roots: dict[str, Path]) -> None:
    """It stays ill, so that the way back cannot be verified either, until somebody mends it."""
    before = trees(roots)
    process = hosts.start("tune", fastpath_tunings=BOTH, fastpath_settle=20)
    wait(lambda: governors(roots["node-2"]) == {"performance"}, 120)
    lab.annotate("node-2", "lab/health", "failure")
    out = process.communicate(timeout=300)[0]
    folder = hosts.bastion.records()[-1]
    result = json.loads((folder / "result.json").read_text())
    assert process.returncode != 0 and result["outcome"] == "failed", out
    assert result["message"].startswith("The agent of node-2 says failure of its health.")
    assert changed_hosts(folder) == ["rack-2"] and trees(roots) == before
    assert result["nodes"] == {"node-1": "untouched", "node-2": "unknown", "node-3": "untouched"}
    lab.annotate("node-2", "lab/health", None)
    rollback = hosts.run("rollback")
    assert rollback.code == 0 and rollback.result["nodes"]["node-2"] == "rolled_back", rollback.out


def test_a_run_that_was_killed_among_the_hosts_is_taken_back(lab: Lab, hosts: Hosts, roots: dict[str, Path]) -> None:
    before = trees(roots)
    known = hosts.bastion.records()
    process = hosts.start("tune", fastpath_tunings=BOTH, fastpath_settle=60)
    wait(lambda: governors(roots["node-2"]) == {"performance"}, 120)
    folder = next(folder for folder in hosts.bastion.records() if folder not in known)
    wait(lambda: "host_applied" in (folder / "journal.jsonl").read_text(), 60)
    kill(process)
    assert governors(roots["node-3"]) == {"powersave"} and leases(lab)
    rollback = hosts.run("rollback")
    assert rollback.code == 0 and rollback.result["outcome"] == "rolled_back", rollback.out
    assert trees(roots) == before and leases(lab) == []
    assert rollback.result["nodes"] == {"node-1": "untouched", "node-2": "rolled_back", "node-3": "untouched"}


def test_a_host_that_is_not_there_at_the_way_back_is_named_and_keeps_no_other(
        lab: Lab, hosts: Hosts, roots: dict[str, Path]) -> None:
    before = trees(roots)
    tune = hosts.run("tune", fastpath_tunings=CPU)
    assert tune.code == 0, tune.out
    there = hosts.hosts.pop("rack-3")
    hosts.write()
    rollback = hosts.run("rollback")
    assert rollback.code != 0 and rollback.result["outcome"] == "failed", rollback.out
    assert "rack-3: it is not in the inventory" in rollback.result["message"]
    assert [governors(root) for root in roots.values()] == [{"powersave"}, {"powersave"}, {"performance"}]
    assert rollback.result["nodes"]["node-3"] == "changed" and rollback.result["nodes"]["node-1"] == "rolled_back"
    hosts.hosts["rack-3"] = there
    hosts.write()
    assert hosts.run("rollback").code == 0 and trees(roots) == before


def locked_down(lab: Lab, hosts: Hosts, node: str, root: Path, folder: Path) -> None:
    """The live model cannot be switched, and the next boot has the wanted one."""
    (root / "sys/kernel/security/lockdown").write_text("none [integrity] confidentiality\n")
    menu = root / "boot/grub/grub.cfg"
    menu.write_text(menu.read_text().replace("quiet", "quiet preempt=none"))
    script = folder / f"reboot-{node}.py"
    script.write_text(REBOOT.format(here=str(Path(__file__).parent), lab=lab.name, root=str(root), node=node))
    hosts.hosts[f"rack-{node[-1]}"]["fastpath_reboot_command"] = [sys.executable, str(script)]


def web(lab: Lab) -> None:
    """A workload on node-2."""
    labels = {"app": "web"}
    lab.apps().create_namespaced_deployment("default", {"metadata": {"name": "web"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
            "nodeSelector": {"kubernetes.io/hostname": "node-2"}, "containers": [{"name": "web", "image": "web"}]}}}})


def web_pods(lab: Lab) -> list[str]:
    pods = lab.core().list_namespaced_pod("default", label_selector="app=web").items
    return [pod.metadata.uid for pod in pods if pod.spec.node_name == "node-2" and not pod.metadata.deletion_timestamp]


def test_what_only_a_boot_brings_is_pending_until_a_reboot_is_asked_for(
        lab: Lab, hosts: Hosts, roots: dict[str, Path], tmp_path: Path) -> None:
    """node-2 is drained, node-3 as well and stays cordoned as somebody else left it, node-1 is in line."""
    for node, root in roots.items():
        locked_down(lab, hosts, node, root, tmp_path)
    (roots["node-1"] / "sys/kernel/debug/sched/preempt").write_text("(none) voluntary full\n")
    hosts.write()
    boots = {node: lab.core().read_node(node).status.node_info.boot_id for node in NODES}
    web(lab)
    former = wait(lambda: web_pods(lab), 60)

    told = hosts.run("tune", fastpath_tunings=PREEMPTION)
    assert told.code == 0 and told.result["outcome"] == "drift", told.out
    assert "rack-2, rack-3: a reboot brings the live preemption model" in said(told) and "rack-2, rack-3." in told.result["message"]
    assert {node: lab.core().read_node(node).status.node_info.boot_id for node in NODES} == boots and web_pods(lab) == former

    lab.core().patch_node("node-3", {"spec": {"unschedulable": True}})
    tune = hosts.run("tune", fastpath_tunings=PREEMPTION, fastpath_reboot=True, fastpath_reboot_timeout=120)
    assert tune.code == 0 and tune.result["outcome"] == "in_line", tune.out
    now = {node: lab.core().read_node(node) for node in NODES}
    assert [now[node].status.node_info.boot_id == boots[node] for node in NODES] == [True, False, False]
    assert [bool(now[node].spec.unschedulable) for node in NODES] == [False, False, True]
    assert [record["rebooted"] for record in tune.result["hosts"]] == [True, True]
    assert wait(lambda: web_pods(lab), 60) != former, "evicted, and made anew when the node was back"
    lab.core().patch_node("node-3", {"spec": {"unschedulable": None}})


def test_a_node_that_does_not_come_back_stops_the_run_and_is_named(lab: Lab, hosts: Hosts, roots: dict[str, Path], tmp_path: Path) -> None:
    for node, root in roots.items():
        locked_down(lab, hosts, node, root, tmp_path)
        hosts.hosts[f"rack-{node[-1]}"]["fastpath_reboot_command"] = ["true"]
    hosts.write()
    tune = hosts.run("tune", fastpath_tunings=PREEMPTION, fastpath_reboot=True, fastpath_reboot_timeout=10)
    assert tune.code != 0 and tune.result["outcome"] == "rolled_back", tune.out
    assert tune.result["message"].startswith("rack-2: its node did not come back from the reboot within 10 s")
    assert changed_hosts(tune.folder) == ["rack-2"]
    assert not lab.core().read_node("node-2").spec.unschedulable, "back in service, since it runs as before"
