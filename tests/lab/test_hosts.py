# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lab whose nodes have hosts: folders for their roots, in an inventory whose connections are local."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from labkit import Lab
from plays import Bastion, leases
from racks import SYSCTLS, Hosts, folders, host, nodes_with_hosts, trees

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("hosts")]
# What agents from 1.13 on make of it with the bandwidth manager and BBR.
CHANGED = {"core/default_qdisc": "fq", "core/netdev_max_backlog": "1000", "core/somaxconn": "4096",
           "ipv4/tcp_congestion_control": "bbr", "ipv4/tcp_max_syn_backlog": "65535", "ipv4/tcp_slow_start_after_idle": "0"}
BBR = {"bandwidth_manager": {}, "bbr": {}}


@pytest.fixture(name="lab", scope="module")
def fixture_lab() -> Iterator[Lab]:
    with nodes_with_hosts("test-hosts") as lab:
        yield lab


@pytest.fixture(name="roots")
def fixture_roots(lab: Lab, tmp_path: Path) -> Iterator[dict[str, Path]]:
    with folders(lab, tmp_path / "hosts") as found:
        yield found


@pytest.fixture(name="hosts")
def fixture_hosts(lab: Lab, roots: dict[str, Path], tools: dict[str, str], tmp_path: Path) -> Hosts:
    return Hosts(Bastion(tmp_path, lab.kubeconfig, tools["helm4"]), roots)


def sysctls(root: Path) -> dict[str, str]:
    return {name: (root / "proc/sys/net" / name).read_text().strip() for name in SYSCTLS}


def config(lab: Lab) -> dict[str, str]:
    return lab.core().read_namespaced_config_map("cilium-config", "kube-system").data


def test_what_agents_change_on_their_hosts_is_put_back_with_the_run(lab: Lab, hosts: Hosts, roots: dict[str, Path]) -> None:
    before, former = trees(roots), config(lab)
    tune = hosts.run("tune", fastpath_tunings=BBR)
    assert tune.code == 0, tune.out
    assert "3 in the inventory, 3 read, 3 of them nodes of this cluster" in tune.out
    assert [sysctls(root) for root in roots.values()] == [CHANGED] * 3
    assert hosts.run("verify", fastpath_tunings=BBR).code == 0
    rollback = hosts.run("rollback")
    assert rollback.code == 0, rollback.out
    assert trees(roots) == before and config(lab) == former and leases(lab) == []


def test_a_way_back_goes_on_where_a_killed_one_left_hosts(lab: Lab, hosts: Hosts, roots: dict[str, Path]) -> None:
    """One host is locked and not yet put back, another one is put back and still locked."""
    before = trees(roots)
    tune = hosts.run("tune", fastpath_tunings=BBR)
    assert tune.code == 0, tune.out
    run = tune.folder.name
    for node in ("node-1", "node-2"):
        base = roots[node] / "var/lib/fastpath-cilium"
        base.mkdir(mode=0o700)
        (base / "lock").write_text(json.dumps({"run_id": f"{run}-residue", "pid": 1, "boot_id": "x"}) + "\n")
    for name, value in SYSCTLS.items():
        (roots["node-2"] / "proc/sys/net" / name).write_text(value + "\n")
    with (tune.folder / "journal.jsonl").open("a") as journal:
        for step in tune.document("plan")["steps"]:
            journal.write(json.dumps({"step": step["id"], "event": "unrolled", "nodes": {}}) + "\n")
    rollback = hosts.run("rollback")
    assert rollback.code == 0, rollback.out
    assert trees(roots) == before


def test_what_somebody_else_changed_since_and_a_host_that_is_not_there_are_told(
        lab: Lab, hosts: Hosts, roots: dict[str, Path]) -> None:
    hosts.hosts["rack-4"] = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    del hosts.hosts["rack-3"]
    hosts.write()
    tune = hosts.run("tune", fastpath_tunings=BBR)
    assert tune.code == 0 and "rack-4: It could not be reached" in tune.out, tune.out
    assert "Without a host: node-3" in tune.out
    (roots["node-2"] / "proc/sys/net/core/somaxconn").write_text("9000\n")
    rollback = hosts.run("rollback")
    assert rollback.code == 0, rollback.out
    assert sysctls(roots["node-1"]) == SYSCTLS
    assert sysctls(roots["node-2"]) == {**SYSCTLS, "core/somaxconn": "9000"}
    # Of BBR the agents themselves went back to cubic, while the bandwidth manager was still on.
    assert sysctls(roots["node-3"]) == {**CHANGED, "ipv4/tcp_congestion_control": "cubic"}
    said = " ".join(rollback.out.split())
    assert "net.core.somaxconn is 9000, which is not what agents leave there: kept as it is" in said
    assert "on node-3: What agents changed stays until a reboot" in said


def test_native_xdp_is_judged_by_the_devices_of_every_node(lab: Lab, hosts: Hosts, tmp_path: Path) -> None:
    audit = hosts.run("audit", fastpath_tunings={"xdp": {"mode": "native"}})
    verdict = next(found for found in audit.document("verdicts") if found["tuning"] == "xdp")
    assert (audit.code, verdict["state"]) == (0, "DRIFT"), audit.out
    hosts.hosts["rack-2"]["fastpath_root"] = str(host(lab, "node-2", tmp_path / "jumbo", mtu=9000))
    hosts.write()
    audit = hosts.run("audit", fastpath_tunings={"xdp": {"mode": "native"}})
    verdict = next(found for found in audit.document("verdicts") if found["tuning"] == "xdp")
    assert list(verdict["left_out_nodes"]) == ["node-2"] and "its MTU is 9000" in verdict["left_out_nodes"]["node-2"]
    assert verdict["state"] == "DRIFT", "the others can have it"
