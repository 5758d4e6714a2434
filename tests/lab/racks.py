# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: hosts for a lab's nodes, folders that stand for their roots, and an inventory whose connections are local."""
from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit import Lab, started
from plays import Bastion, Play

from ansible_collections.fastpath.cilium.tests.fixtures.hosts import models

NODES = ("node-1", "node-2", "node-3")
DEVICE = "ens1f0np0"
SYSCTLS = {"core/default_qdisc": "fq_codel", "core/netdev_max_backlog": "300", "core/somaxconn": "128",
           "ipv4/tcp_congestion_control": "cubic", "ipv4/tcp_max_syn_backlog": "65535", "ipv4/tcp_slow_start_after_idle": "1"}


def host(lab: Lab, node: str, folder: Path, mtu: int = 1500) -> Path:
    """A node's host with one device."""
    tree = models.base(folder)
    tree.nic(models.mlx5(DEVICE, 2, "0000:3b:00.0", 4, 60, mtu=mtu))
    tree.put_all("proc/sys/net", SYSCTLS)
    tree.put("proc/sys/kernel/random/boot_id", lab.core().read_node(node).status.node_info.boot_id + "\n")
    tree.finish()
    (folder / "var/lib").mkdir(parents=True)
    lab.annotate(node, "lab/root", str(folder))
    return folder


@contextmanager
def nodes_with_hosts(name: str) -> Iterator[Lab]:
    """A lab whose nodes have a device and a kernel for all that hosts are tuned with."""
    notes = [word for node in NODES for word in (
        "--annotate", f"{node}:lab/kernel=6.12.9-amd64", "--annotate", f"{node}:lab/devices={DEVICE}=mlx5_core")]
    with started(name, "--nodes", str(len(NODES)), "--cilium", "1.18", *notes) as lab:
        yield lab


@contextmanager
def folders(lab: Lab, folder: Path) -> Iterator[dict[str, Path]]:
    """The hosts' folders by node; agents that start meanwhile write there."""
    try:
        yield {node: host(lab, node, folder / node) for node in NODES}
    finally:
        for node in NODES:
            lab.annotate(node, "lab/root", None)


class Hosts:
    """A bastion with an inventory; hosts are not named as their nodes are."""

    def __init__(self, bastion: Bastion, roots: dict[str, Path]) -> None:
        self.bastion, self.path = bastion, bastion.folder / "inventory.json"
        self.hosts: dict[str, dict] = {f"rack-{node[-1]}": {"ansible_connection": "local", "fastpath_root": str(root)}
                                       for node, root in roots.items()}
        self.write()

    def write(self) -> None:
        variables = {"ansible_become": False, "ansible_python_interpreter": sys.executable}
        self.path.write_text(json.dumps({"all": {"hosts": self.hosts, "vars": variables}}))

    def run(self, playbook: str, *words: str, **variables) -> Play:
        return self.bastion.run(playbook, "-i", str(self.path), *words, **variables)

    def start(self, playbook: str, **variables) -> subprocess.Popen:
        return self.bastion.start(playbook, "-i", str(self.path), **variables)


def trees(roots: dict[str, Path]) -> dict[str, object]:
    """Every file of every host; what is a link is told by where it leads. Values of a kernel end with a line of its own."""
    return {str(path): (path.readlink() if path.is_symlink() else path.read_text(errors="surrogateescape").strip())
            for root in roots.values() for path in sorted(root.rglob("*")) if path.is_symlink() or path.is_file()}
