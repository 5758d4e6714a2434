# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host in a folder: its files are real, its commands and devices are simulated from what their manuals say.

All state is in files below the folder, so that a process that is killed leaves what a killed process leaves.
"""
from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Answer, Node
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.change import fake_commands

FILES = {
    "/proc/sys/kernel/random/boot_id": "boot-1\n",
    "/proc/sys/net/core/default_qdisc": "pfifo_fast\n",
    "/proc/sys/net/core/somaxconn": "128\n",
    "/proc/sys/net/ipv4/tcp_rmem": "4096\t131072\t6291456\n",
    "/sys/kernel/debug/sched/preempt": "none voluntary (full) lazy\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "/sys/class/net/eth0/queues/rx-0/rps_cpus": "00000000,00000000\n",
    "/sys/class/net/eth0/queues/rx-0/rps_flow_cnt": "0\n",
    "/sys/class/net/eth0/queues/tx-0/xps_cpus": "00000000,00000003\n",
    "/sys/class/net/eth0/queues/tx-1/xps_cpus": "00000000,0000000c\n",
    "/sys/class/net/eth1/queues/tx-0/xps_cpus": "0\n",
    "/proc/irq/24/smp_affinity": "00000000,0000000f\n",
    "/proc/irq/24/smp_affinity_list": "0,1,2,3\n",
    "/proc/irq/24/eth0-rx-0/keep": "",
    "/proc/irq/25/smp_affinity": "00000001,00000000\n",
    "/proc/irq/25/smp_affinity_list": "32\n",
    "/proc/irq/25/eth0-rx-1/keep": "",
    "/etc/sysctl.d/10-site.conf": "net.core.somaxconn = 128\n",
    "/etc/tuned/active_profile": "balanced\n",
    "/etc/tuned/profile_mode": "auto\n",
    "/etc/tuned/bootcmdline": "TUNED_BOOT_CMDLINE=\n",
    "/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="console=ttyS0"\n',
    "/usr/sbin/update-grub": "",
    "/lib/systemd/system/irqbalance.service": "[Install]\nWantedBy=multi-user.target\n",
    "/lib/systemd/system/tuned.service": "[Install]\nWantedBy=multi-user.target\n",
    "/lib/systemd/system/pair.service": "[Install]\nWantedBy=multi-user.target\nAlias=twin.service\nAlso=pair.socket\n",
    "/lib/systemd/system/pair.socket": "[Install]\nWantedBy=sockets.target\n",
    "/etc/systemd/system/multi-user.target.wants/irqbalance.service": "-> /lib/systemd/system/irqbalance.service",
    # What no command makes: the site has the unit wanted by another target besides.
    "/etc/systemd/system/site.target.wants/irqbalance.service": "-> /lib/systemd/system/irqbalance.service",
    "/etc/systemd/system/multi-user.target.wants/tuned.service": "-> /lib/systemd/system/tuned.service",
    "/run/systemd/system/keep": "",
}
CHANNELS = {"max_rx": 0, "max_tx": 0, "max_other": 1, "max_combined": 8, "rx": 0, "tx": 0, "other": 1, "combined": 2}
MACHINE: Dict[str, Any] = {
    "mtu": {"eth0": 1500, "eth1": 1500},
    "channels": {"eth0": CHANNELS},
    "active": ["irqbalance.service", "tuned.service"],
    "disciplines": {},
    "timers": {},
    "tuned": {"profile": "balanced", "saved": {}},
    "kernels": {},
    "log": [],
}


class FakeHost(Node):
    """`fate`: (n, "kill" or "fail"): what happens at the n-th system call that changes something."""

    def __init__(self, root: Path, fate: Optional[Tuple[int, str]] = None) -> None:
        super().__init__(str(root))
        self.fate = fate
        self.steps: List[str] = []

    @classmethod
    def made(cls, root: Path) -> "FakeHost":
        host = cls(root)
        for folder in ("/var/lib", "/etc/default/grub.d", "/boot/grub"):
            Path(host.at(folder)).mkdir(parents=True)
        for name, text in FILES.items():
            host.lay(name, text)
        host.save(json.loads(json.dumps(MACHINE)))
        fake_commands.update_grub(host, host.machine())
        fake_commands.reload(host)
        host.save(dict(host.machine(), disciplines={name: fake_commands.chosen(host, name) for name in MACHINE["mtu"]}))
        return host

    def lay(self, name: str, text: str) -> None:
        path = Path(self.at(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(text[3:])
        else:
            path.write_text(text)

    def step(self, what: str) -> None:
        self.steps.append(what)
        if self.fate is None or len(self.steps) < self.fate[0]:
            return
        if self.fate[1] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if len(self.steps) == self.fate[0]:
            raise OSError(5, "Input/output error")

    def machine(self) -> Dict[str, Any]:
        return json.loads((Path(self.root) / "machine.json").read_text())

    def save(self, machine: Dict[str, Any]) -> None:
        (Path(self.root) / "machine.json").write_text(json.dumps(machine))

    def text(self, name: str) -> str:
        return Path(self.at(name)).read_text()

    # What the simulated kernel does with a write

    def put(self, name: str, text: str) -> None:
        if name.startswith("/sys/kernel/debug/sched/preempt") or name.endswith("hugepage/enabled"):
            old = self.text(name)
            marks = "()" if "(" in old else "[]"
            words = old.translate({ord(mark): None for mark in marks}).split()
            if text not in words:
                raise_invalid(name)
            text = " ".join(marks[0] + word + marks[1] if word == text else word for word in words)
        super().put(name, text + "\n")
        if name.endswith("/smp_affinity"):
            bits = int(text.replace(",", ""), 16)
            cpus = [str(cpu) for cpu in range(128) if bits >> cpu & 1]
            Path(self.at(name)).write_text(f"{bits >> 32:08x},{bits & 0xffffffff:08x}\n")
            Path(self.at(name + "_list")).write_text(",".join(cpus) + "\n")

    def mtu(self, device: str) -> int:
        found = self.machine()["mtu"].get(device)
        return found if found is not None else super().mtu(device + "-none")

    def set_mtu(self, device: str, number: int) -> None:
        self.step("set the MTU of " + device)
        self.mtu(device)
        machine = self.machine()
        machine["mtu"][device] = number
        self.save(machine)

    def channels(self, device: str) -> Dict[str, int]:
        return self.machine()["channels"].get(device) or super().channels(device + "-none")

    def set_channels(self, device: str, counts: Dict[str, int]) -> None:
        self.step("set the queues of " + device)
        machine = self.machine()
        if counts["combined"] > counts["max_combined"]:
            raise_invalid(device)
        machine["channels"][device] = counts
        self.save(machine)

    def run(self, argv: List[str], timeout: float, env: Dict[str, str]) -> Answer:
        if argv[1:2] == ["-I"] and "--probe" in argv:
            return Answer(0, "ready\n", "")  # test_program runs it
        if argv[1:2] == ["-I"]:
            done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())
        machine = self.machine()
        machine["log"].append(shlex.join(argv))
        try:
            return fake_commands.COMMANDS[argv[0]](self, machine, argv[1:])
        finally:
            self.save(machine)

    def reboot(self, boot_id: str) -> None:
        """Runtime state is gone, what is on the disk is at work."""
        machine = self.machine()
        machine.update(mtu=dict(MACHINE["mtu"]), channels={"eth0": dict(CHANNELS)}, timers={})
        for name, text in FILES.items():
            if name.startswith(("/proc", "/sys")):
                self.lay(name, text)
        self.lay("/proc/sys/kernel/random/boot_id", boot_id + "\n")
        fake_commands.reload(self)
        machine["disciplines"] = {name: fake_commands.chosen(self, name) for name in MACHINE["mtu"]}
        machine["active"] = sorted(name for name in ("irqbalance.service", "tuned.service", "pair.service")
                                   if os.path.lexists(self.at("/etc/systemd/system/multi-user.target.wants/" + name)))
        self.save(machine)


def differences(one: Dict[str, Any], other: Dict[str, Any]) -> Dict[str, Any]:
    """What differs between two snapshots: {name: (in one, in other)}."""
    return {name: (one[part].get(name), other[part].get(name)) for part in one for name in {**one[part], **other[part]}
            if one[part].get(name) != other[part].get(name)}


def raise_invalid(name: str) -> None:
    from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError

    raise ChangeError("{0} cannot be set: Invalid argument.".format(name))


def snapshot(host: FakeHost) -> Dict[str, Any]:
    """Everything: each file's bytes, mode, owner and extended attributes, each link, folders, and the machine's state."""
    found: Dict[str, Any] = {}
    for folder, folders, files in os.walk(host.root):
        for name in folders + files:
            path = os.path.join(folder, name)
            place = os.path.relpath(path, host.root)
            status = os.lstat(path)
            if os.path.islink(path):
                found[place] = os.readlink(path)
            elif name in folders:
                found[place] = oct(status.st_mode)
            elif place != "machine.json":
                attributes = {key: os.getxattr(path, key) for key in os.listxattr(path)}
                found[place] = (Path(path).read_bytes(), oct(status.st_mode), status.st_uid, status.st_gid, attributes)
    machine = host.machine()
    del machine["log"]
    machine["active"] = sorted(machine["active"])
    for disciplines in machine["disciplines"].values():
        for one in disciplines:
            one.pop("handle")
    return {"files": found, "machine": machine}
