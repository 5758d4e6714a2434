# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a probe's backends have heard, by their own logs: it tells a request that was lost from a reply that was."""
from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, KubeError

MOST = 1024 * 1024  # bytes of one backend's log
STARTED = "Started UDP server"
# As netexec writes it for each datagram that it answers; IPv6 stands in brackets.
CLIENT = re.compile(
    r" to UDP client (?:\[([0-9A-Fa-f:.]{2,45})(?:%[^\]\s]{1,20})?\]|([0-9.]{7,15})):(\d{1,5})\s*$", re.MULTILINE)


def heard(cluster: Cluster, namespace: str, backends: List[Dict[str, Any]]) -> Dict[str, Optional[List[str]]]:
    """Node -> "address port" of every client whose datagrams arrived; null where the log tells nothing."""
    def one(backend: Dict[str, Any]) -> Tuple[str, Optional[List[str]]]:
        path = "/api/v1/namespaces/{0}/pods/{1}/log".format(namespace, backend["hostname"])
        try:
            return backend["node"], clients(cluster.text(path, limitBytes=MOST))
        except KubeError:
            return backend["node"], None
    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(pool.map(one, backends))


def clients(log: str) -> Optional[List[str]]:
    """The clients of a log; None where it was cut or is not netexec's."""
    if STARTED not in log or len(log) >= MOST:
        return None
    return sorted({"{0} {1}".format((found[0] or found[1]).lower(), found[2]) for found in CLIENT.findall(log)})
