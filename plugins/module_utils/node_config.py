# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""CiliumNodeConfigs of our own: what they are named and labelled, and how one is written. Pure."""
from __future__ import annotations

import re
from typing import Any, Dict, Optional

KIND, PLURAL = "CiliumNodeConfig", "ciliumnodeconfigs"
# Served by 1.16+ and by 1.13 to 1.15.
APIS = ("cilium.io/v2", "cilium.io/v2alpha1")
OWN_LABEL = ("app.kubernetes.io/managed-by", "fastpath.cilium")
OWN_PREFIX = "fastpath-"
OWN_NAME = re.compile(OWN_PREFIX + r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?\Z")
# What the API server writes; an object that is put back must come without.
SERVER_METADATA = ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink")


def is_ours(document: Dict[str, Any]) -> bool:
    """Whether a CiliumNodeConfig bears our label and our kind of name."""
    metadata = document.get("metadata") or {}
    labels = metadata.get("labels") or {}
    return bool(OWN_NAME.match(str(metadata.get("name")))) and labels.get(OWN_LABEL[0]) == OWN_LABEL[1]


def document(api_version: str, namespace: str, name: str, node_selector: Dict[str, Any], defaults: Dict[str, str]
             ) -> Dict[str, Any]:
    """The whole object, as it is sent to the API server."""
    return {"apiVersion": api_version, "kind": KIND,
            "metadata": {"name": name, "namespace": namespace, "labels": dict([OWN_LABEL])},
            "spec": {"nodeSelector": node_selector, "defaults": defaults}}


def content(found: Optional[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """What of an object is its user's: without what the API server adds, and without its version; None stays None."""
    if found is None:
        return None
    metadata = {key: value for key, value in (found.get("metadata") or {}).items() if key not in SERVER_METADATA}
    return {"metadata": metadata, "spec": found.get("spec")}
