# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For tests: runs the collection's playbooks on a lab, as a user would, and reads what they leave behind."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Optional

from labkit import Lab

TOP = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
ACKNOWLEDGED = {"fastpath_acknowledge": ["dsr"]}


class Play(NamedTuple):
    """What a run of a playbook came to. `result` is its result.json, None where it wrote none."""

    code: int
    out: str
    folder: Optional[Path]
    result: Optional[dict[str, Any]]

    def document(self, name: str) -> Any:
        assert self.folder is not None, self.out
        return json.loads((self.folder / f"{name}.json").read_text())


class Bastion:
    """Where playbooks are run from: a folder of its own with the records, a kubeconfig, a helm."""

    def __init__(self, folder: Path, kubeconfig: Path, helm: Optional[str]) -> None:
        self.folder, self.kubeconfig, self.helm = folder, kubeconfig, helm

    def command(self, playbook: str, *words: str, **variables: Any) -> list[str]:
        """`playbook` is tune, audit ... (by path), or a full name such as fastpath.cilium.tune."""
        given = {"fastpath_kubeconfig": str(self.kubeconfig), "fastpath_record_dir": str(self.folder / "runs"),
                 "fastpath_settle": 1, **variables}
        if self.helm:
            given.setdefault("fastpath_helm", self.helm)
        where = playbook if playbook.startswith("fastpath.") else str(TOP / "playbooks" / f"{playbook}.yml")
        return [str(PLAYBOOK), where, "-e", json.dumps(given), *words]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0", "COLUMNS": "120",
                "ANSIBLE_COLLECTIONS_PATH": str(TOP / ".ansible" / "collections"), "PWD": str(self.folder)}

    def run(self, playbook: str, *words: str, **variables: Any) -> Play:
        before = self.records()
        done = subprocess.run(self.command(playbook, *words, **variables), cwd=self.folder, env=self.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
        made = [folder for folder in self.records() if folder not in before]
        return self._play(done.returncode, done.stdout, made[-1] if made else None)

    def start(self, playbook: str, *words: str, **variables: Any) -> subprocess.Popen:
        """In a process group of its own, to be killed whole: kill(process)."""
        return subprocess.Popen(self.command(playbook, *words, **variables), cwd=self.folder, env=self.environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def records(self) -> list[Path]:
        return sorted((self.folder / "runs").glob("*Z-*"))

    @staticmethod
    def _play(code: int, out: str, folder: Optional[Path]) -> Play:
        result = folder / "result.json" if folder else None
        return Play(code, out, folder, json.loads(result.read_text()) if result and result.exists() else None)


def kill(process: subprocess.Popen) -> None:
    """As a bastion that loses its power: nothing gets to clean up."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def modes(lab: Lab, version: str) -> dict[str, str]:
    """What every agent itself says its NodePort mode is, asked without the collection."""
    program = "cilium" if version.startswith(("1.11", "1.12", "1.13", "1.14")) else "cilium-dbg"
    found = {}
    for node in sorted(lab.agents()):
        status = json.loads(lab.agent_exec(node, program, "status", "-o", "json").out)
        found[node] = status["kube-proxy-replacement"]["features"]["nodePort"]["mode"]
    return found


def snapshot(lab: Lab) -> dict[str, Any]:
    """What a run that changes nothing must leave as it was: the release, cilium-config, the agents' pods, the DaemonSet."""
    core = lab.core()
    secrets = core.list_namespaced_secret("kube-system", label_selector="owner=helm").items
    config = core.read_namespaced_config_map("cilium-config", "kube-system")
    daemonset = lab.apps().read_namespaced_daemon_set("cilium", "kube-system")
    return {
        "revisions": {secret.metadata.name: secret.metadata.resource_version for secret in secrets},
        "config": config.metadata.resource_version,
        "pods": {node: pod.metadata.uid for node, pod in lab.agents().items()},
        "daemonset": daemonset.metadata.generation,
        "leases": [lease["metadata"]["name"] for lease in leases(lab)],
    }


def leases(lab: Lab) -> list[dict[str, Any]]:
    """Locks of the collection that are held."""
    found = lab.objects().list_namespaced_custom_object("coordination.k8s.io", "v1", "kube-system", "leases")["items"]
    return [lease for lease in found if lease["metadata"]["name"] == "fastpath-cilium" and lease["spec"].get("holderIdentity")]
