# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What controllers and kubelets of a cluster do with a probe's objects, on the fake API server."""
from __future__ import annotations

from typing import Any, Dict, List, Optional

NAMESPACE = "/api/v1/namespaces/fastpath-probe"


class FakeProbe:
    """Nodes that run pods at once, unless `waiting` says why not; node ports are counted up. Namespaces go with all that
    is in them unless `keeps`."""

    def __init__(self, api: Any, nodes: int = 3) -> None:
        self.api, self.waiting, self.next_port, self.keeps = api, {}, 31000, False
        self.names: List[str] = ["node-{0}".format(number) for number in range(1, nodes + 1)]
        for number, name in enumerate(self.names, 1):
            self.node(name, number)
        put = api.put

        def stored(path: str, document: dict) -> dict:
            return put(path, self.treated(path, document))
        api.put = stored
        api.on_delete = self.deleted

    def node(self, name: str, number: int, ready: str = "True") -> None:
        addresses = [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": "192.0.2.{0}".format(number)},
                     {"type": "InternalIP", "address": "2001:db8::{0}".format(number)},
                     {"type": "ExternalIP", "address": "198.51.100.{0}".format(number)}]
        self.api.put("/api/v1/nodes/{0}".format(name), {"status": {
            "addresses": addresses, "conditions": [{"type": "Ready", "status": ready}]}})

    def treated(self, path: str, document: dict) -> dict:
        if "/pods/" in path:
            return dict(document, status=self.status(document["spec"]["nodeName"]))
        if "/services/" in path:
            spec = document["spec"]
            for port in spec["ports"]:
                self.next_port += 1
                port["nodePort"] = self.next_port
            return dict(document, spec=dict(spec, ipFamilies=["IPv4", "IPv6"]))
        return document

    def status(self, node: str) -> Dict[str, Any]:
        why: Optional[str] = self.waiting.get(node)
        if why is None:
            return {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        return {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": [{"state": {"waiting": {"reason": why, "message": "said so"}}}]}

    def deleted(self, path: str, former: dict) -> None:
        if path != NAMESPACE:
            return
        if self.keeps:
            former["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            remains = {"type": "NamespaceContentRemaining", "status": "True", "message": "pods remain"}
            former["status"] = {"conditions": [remains]}
            self.api.objects[path] = former
            return
        for key in [key for key in self.api.objects if key.startswith(NAMESPACE + "/")]:
            del self.api.objects[key]

    def there(self, kind: str) -> List[dict]:
        return [found for path, found in self.api.objects.items() if path.startswith("{0}/{1}/".format(NAMESPACE, kind))]
