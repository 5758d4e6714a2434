# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first process of a node, in namespaces of its own: what init and systemd are elsewhere.

`node.py FILE`: FILE is JSON as NodeFiles (node_files.py) writes it. It runs until one of the node's daemons ends. Nothing
of this machine is changed: what the daemons write to lies in the node's own mounts.
"""
from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

CONTAINERD_SECONDS = 60
PROXY_HEALTH = "http://127.0.0.1:10256/healthz"
POLL_SECONDS = 0.05
# The kubelet sets these of the whole machine. Here it finds files of its own that say what it wants.
MACHINE_SYSCTLS = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
                   "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def own_mounts(disk: Path, controllers: list[str]) -> None:
    """A sysfs of this network namespace, the control groups as seen from this node, and places to write to."""
    subprocess.run(["umount", "--lazy", "/sys"], check=True)
    mount("-t", "sysfs", "sysfs", "/sys")
    mount("-t", "bpf", "bpf", "/sys/fs/bpf")
    mount("-t", "tmpfs", "cgroup", "/sys/fs/cgroup")
    for name in controllers:
        Path("/sys/fs/cgroup", name).mkdir()
        mount("-t", "cgroup", "-o", name, "cgroup", f"/sys/fs/cgroup/{name}")
    for folder in ("/run", "/var/lib", "/var/log"):
        mount("-t", "tmpfs", "tmpfs", folder)
    for name in ("/var/lib/kubelet", "/var/lib/containerd", "/var/log/pods"):
        kept = disk / Path(name).name
        kept.mkdir(parents=True, exist_ok=True)
        Path(name).mkdir(parents=True)
        mount("--bind", str(kept), name)
    Path("/run/lock").mkdir()


def own_sysctls() -> None:
    for name, value in MACHINE_SYSCTLS.items():
        shown = Path("/run/sysctls", name.replace("/", "."))
        shown.parent.mkdir(exist_ok=True)
        shown.write_text(f"{value}\n", encoding="ascii")
        mount("--bind", str(shown), f"/proc/sys/{name}")


class Init:
    """Starts the daemons, and reaps what is left to the node's first process."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.daemons: dict[int, str] = {}

    def start(self, name: str, command: list[str]) -> None:
        with open(self.logs / f"{name}.log", "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.daemons[process.pid] = name

    def run(self) -> int:
        """Returns when a daemon has ended; the kernel ends the others with this process."""
        while True:
            pid, status = os.wait()
            if pid in self.daemons:
                print(f"{self.daemons[pid]} ended with {os.waitstatus_to_exitcode(status)}", flush=True)
                return 1


def wait_containerd(ctr: str) -> None:
    deadline = time.monotonic() + CONTAINERD_SECONDS
    while subprocess.run([ctr, "version"], check=False, capture_output=True).returncode:
        if time.monotonic() > deadline:
            raise SystemExit(f"containerd does not answer after {CONTAINERD_SECONDS} s")
        time.sleep(POLL_SECONDS)


def import_images(ctr: str, archives: list[str], logs: Path) -> None:
    with open(logs / "images.log", "ab") as log:
        for archive in archives:
            subprocess.run([ctr, "-n", "k8s.io", "images", "import", archive], check=True, stdout=log, stderr=log)


def tell_ready(marker: Path) -> None:
    """In a process of its own: the first one only reaps. Marks the node once kube-proxy has written its rules."""
    if os.fork():
        return
    while True:
        try:
            with urllib.request.urlopen(PROXY_HEALTH, timeout=2) as answer:
                if answer.status == 200:
                    marker.touch()
                    os._exit(0)
        except OSError:
            time.sleep(POLL_SECONDS)


def main(path: str) -> int:
    facts: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    disk, logs = Path(facts["disk"]), Path(facts["logs"])
    logs.mkdir(parents=True, exist_ok=True)
    name = facts["name"].encode()
    if ctypes.CDLL(None).sethostname(name, len(name)):
        raise SystemExit("the host name cannot be set")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    own_mounts(disk, facts["controllers"])
    own_sysctls()
    mount("--make-rshared", "/")
    init = Init(logs)
    init.start("containerd", facts["containerd"])
    wait_containerd(facts["ctr"])
    import_images(facts["ctr"], facts["images"], logs)
    init.start("kubelet", facts["kubelet"])
    init.start("kube-proxy", facts["kube_proxy"])
    tell_ready(Path(facts["ready"]))
    return init.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
