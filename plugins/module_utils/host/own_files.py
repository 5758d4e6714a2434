# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files that this collection writes on a host, whole: only so can it be told whether they are still as written."""
from __future__ import annotations

from typing import Dict, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread

PROFILES = ("network-latency", "network-throughput")
PATHS = (
    "/etc/fastpath-cilium/irq-affinity",
    "/etc/sysctl.d/99-zzz-fastpath-cilium.conf",
    "/etc/systemd/system/fastpath-cpu-performance.service",
    "/etc/systemd/system/fastpath-irq-affinity.service",
    "/etc/udev/rules.d/99-fastpath-irq-affinity.rules",
) + tuple("{0}/fastpath-{1}/tuned.conf".format(folder, profile)
          for folder in ("/etc/tuned", "/etc/tuned/profiles") for profile in PROFILES)


def read(root: Root, unread: Unread) -> Dict[str, Optional[str]]:
    """{path: text}, None where there is no such file."""
    return {path: unread.attempt("files/" + path, root.text, path) for path in PATHS}
