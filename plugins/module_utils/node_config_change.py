# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes, removes and puts back CiliumNodeConfigs of our own; those of somebody else are never touched."""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils import node_config
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Conflict, Failed, NotFound


class Wish(NamedTuple):
    """One CiliumNodeConfig: `state` present, absent, or former (as `object` has it; None: it was not there)."""

    name: str
    state: str = "present"
    node_selector: Optional[Dict[str, Any]] = None
    defaults: Optional[Dict[str, str]] = None
    object: Optional[Dict[str, Any]] = None


class Change(NamedTuple):
    """What one wish comes to. `former` is the object that was there, `wanted` the one that shall be; None: none."""

    name: str
    former: Optional[Dict[str, Any]]
    wanted: Optional[Dict[str, Any]]

    @property
    def needed(self) -> bool:
        """Whether anything has to be written."""
        return node_config.content(self.former) != node_config.content(self.wanted)


class NodeConfigs:
    """The CiliumNodeConfigs of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.api_version, self.found = self._read()

    def _read(self) -> Any:
        for api_version in node_config.APIS:
            try:
                items = self.cluster.list(self._collection(api_version))
            except NotFound:
                continue
            return api_version, {item["metadata"]["name"]: item for item in items}
        return None, {}

    def _collection(self, api_version: str) -> str:
        return "/apis/{0}/namespaces/{1}/{2}".format(api_version, self.namespace, node_config.PLURAL)

    def plan(self, wishes: List[Wish]) -> List[Change]:
        """Every change before the first is made. Raises Failed for what cannot be done, Conflict for a foreign object."""
        return [self._change(wish) for wish in wishes]

    def _change(self, wish: Wish) -> Change:
        if not node_config.OWN_NAME.match(wish.name):
            raise Failed("A CiliumNodeConfig of this collection has a name like {0}xdp, not {1}.".format(
                node_config.OWN_PREFIX, wish.name))
        former = self.found.get(wish.name)
        if former is not None and not node_config.is_ours(former):
            raise Conflict("CiliumNodeConfig {0} bears no label {1}={2}, so it is somebody else's and stays as it is: rename "
                           "it, or remove it, and run again.".format(wish.name, *node_config.OWN_LABEL))
        return Change(wish.name, former, self._wanted(wish, former))

    def _wanted(self, wish: Wish, former: Optional[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
        if wish.state == "absent" or wish.state == "former" and wish.object is None:
            return None
        if self.api_version is None:
            raise Failed("This cluster has no CiliumNodeConfig: they come with Cilium 1.13 and its CRDs.")
        if wish.state == "former":
            return self._put_back(wish)
        made = node_config.document(
            self.api_version, self.namespace, wish.name, wish.node_selector or {}, wish.defaults or {})
        # What others wrote on it (annotations) stays.
        made["metadata"] = dict((node_config.content(former) or made)["metadata"])
        return made

    def _put_back(self, wish: Wish) -> Dict[str, Any]:
        content = node_config.content(wish.object) or {}
        found = dict(content, apiVersion=self.api_version, kind=node_config.KIND)
        metadata = dict(content.get("metadata") or {}, name=wish.name, namespace=self.namespace)
        if not node_config.is_ours({"metadata": metadata}) or not isinstance(found.get("spec"), dict):
            raise Failed("What is to be put back as CiliumNodeConfig {0} was not written by this collection.".format(
                wish.name))
        return dict(found, metadata=metadata)

    def apply(self, change: Change) -> None:
        """Make one change; guarded by the version that was read. Raises KubeError."""
        if not change.needed:
            return
        collection = self._collection(str(self.api_version))
        path = "{0}/{1}".format(collection, change.name)
        if change.wanted is None:
            self._delete(path, change.former or {})
        elif change.former is None:
            self.cluster.post(collection, change.wanted)
        else:
            version = change.former["metadata"].get("resourceVersion")
            self.cluster.put(path, dict(change.wanted, metadata=dict(change.wanted["metadata"], resourceVersion=version)))

    def _delete(self, path: str, former: Dict[str, Any]) -> None:
        metadata = former["metadata"]
        conditions = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        try:
            self.cluster.delete(path, {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions})
        except NotFound:
            pass


def change(cluster: Cluster, namespace: str, wishes: List[Wish], check_mode: bool = False) -> Dict[str, Any]:
    """{changed, former: [{name, object}], diff}. Nothing is written unless all of it can be. Raises KubeError."""
    configs = NodeConfigs(cluster, namespace)
    changes = configs.plan(wishes)
    if not check_mode:
        for one in changes:
            configs.apply(one)
    return {
        "changed": any(one.needed for one in changes),
        "former": [{"name": one.name, "object": one.former} for one in changes],
        "diff": [{"before_header": one.name, "after_header": one.name, "before": node_config.content(one.former) or "",
                  "after": node_config.content(one.wanted) or ""} for one in changes if one.needed],
    }
