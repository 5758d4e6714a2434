# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A machine of one's own: network and mount namespaces with real devices, a real kernel, and empty /var/lib and /etc/sysctl.d."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any, Dict, Optional

PACKAGE = "ansible_collections.fastpath.cilium.plugins.modules."
TOOLS = ("unshare", "nsenter", "ip", "tc", "mount")
# Two pairs of devices with four queues each, one of them up; a bridge below which nothing hangs. systemd is hidden: it
# would run timers outside.
SETUP = """
mount -t tmpfs none /var/lib && mount -t tmpfs none /etc/sysctl.d && mount -t sysfs none /sys
[ ! -d /run/systemd/system ] || mount -t tmpfs none /run/systemd && rm -rf /run/systemd/system 2>/dev/null
ip link set lo up
ip link add v0 numtxqueues 4 numrxqueues 4 type veth peer name v1 numtxqueues 4 numrxqueues 4
ip link add v2 type veth peer name v3
ip link add b0 type bridge
ip link set v0 up && ip link set v1 up && ip link set v2 up
echo "net.ipv4.ip_forward = 0" > /etc/sysctl.d/10-site.conf && chmod 640 /etc/sysctl.d/10-site.conf
echo ready; exec sleep 600
"""
SNAPSHOT = """
import json, os, subprocess, sys
found = {}
for top in ("/etc/sysctl.d", "/var/lib"):
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            content = open(path, "rb").read().hex() if name in files else None
            attributes = {key: os.getxattr(path, key).hex() for key in os.listxattr(path)}
            found[path] = [content, status.st_mode, status.st_uid, status.st_gid, attributes]
for folder, _folders, files in os.walk("/proc/sys/net"):
    for name in files:
        try:
            found[os.path.join(folder, name)] = open(os.path.join(folder, name)).read()
        except OSError:
            pass
for device in os.listdir("/sys/class/net"):
    for path in ("mtu", "tx_queue_len", "flags"):
        found[device + " " + path] = open("/sys/class/net/%s/%s" % (device, path)).read()
    for queue in os.listdir("/sys/class/net/%s/queues" % device):
        for name in ("rps_cpus", "rps_flow_cnt", "xps_cpus"):
            path = "/sys/class/net/%s/queues/%s/%s" % (device, queue, name)
            try:
                found[path] = open(path).read()
            except OSError:
                pass
found["qdiscs"] = subprocess.run(["tc", "qdisc", "show"], capture_output=True, text=True).stdout.splitlines()
print(json.dumps(found))
"""


def why_not() -> Optional[str]:
    """Why there cannot be one here; None where there can."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if os.geteuid() != 0:
        return "needs root"
    if missing:
        return "needs " + ", ".join(missing)
    tried = subprocess.run(["unshare", "--net", "--mount", "true"], check=False, capture_output=True)
    return None if tried.returncode == 0 else "no namespaces can be made here"


class Namespace:
    """Lives as long as its process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", SETUP], stdout=subprocess.PIPE, text=True,
                                        start_new_session=True)
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def inside(self, *command: str) -> list:
        return ["nsenter", "--target", str(self.process.pid), "--net", "--mount", "--", *command]

    def run(self, *command: str, **more: Any) -> str:
        return subprocess.run(self.inside(*command), check=True, stdout=subprocess.PIPE, text=True, timeout=120, **more).stdout

    def module(self, name: str, check: bool = False, **arguments: Any) -> Dict[str, Any]:
        """A module as Ansible runs it; see module_process."""
        document = json.dumps({"ANSIBLE_MODULE_ARGS": dict(arguments, _ansible_check_mode=check, _ansible_diff=True)})
        env = dict(os.environ, PYTHONPATH=os.pathsep.join(os.path.abspath(path) for path in sys.path if path))
        done = subprocess.run(self.inside(sys.executable, "-m", PACKAGE + name), input=document, check=False, timeout=120,
                              capture_output=True, text=True, env=env)
        assert "Traceback" not in done.stderr, done.stderr
        return dict(json.loads(done.stdout), rc=done.returncode)

    def snapshot(self) -> Dict[str, Any]:
        return json.loads(self.run(sys.executable, "-c", SNAPSHOT))

    def mtu(self, device: str) -> int:
        return int(self.run("cat", f"/sys/class/net/{device}/mtu"))
