# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Helm's releases, read from their Secrets through the API: no helm binary is needed to look.

A release is the document that Helm stores (https://pkg.go.dev/helm.sh/helm/v3/pkg/release#Release): name, namespace,
version (the revision), info, chart, config (the user's values), manifest. `read_release` adds `hold`.
"""
from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import re
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Garbled, NotFound
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import masked
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

SECRET_TYPE = "helm.sh/release.v1"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Secrets end at 1 MiB; text packs at most a thousandfold, and no chart comes near this.
MAX_RELEASE = 128 * 1024 * 1024
HOLD_MARKER = re.compile(r"\[fastpath hold from revision (\d{1,9})\]")
HELM3_ROLLBACK = re.compile(r"Rollback to (\d{1,9})\Z")


def release_history(cluster: Any, name: str, namespace: str) -> List[dict]:
    """[{revision: int, status, updated: time, chart_version: None}], oldest first; [] = no such release.

    Read from the Secrets' metadata alone, so a chart's version is not known here. Raises KubeError.
    """
    answer = cluster.get("/api/v1/namespaces/{0}/secrets".format(namespace), accept=METADATA_ONLY,
                         labelSelector="owner=helm,name={0}".format(name), fieldSelector="type=" + SECRET_TYPE)
    entries = [_history_entry(item.get("metadata") or {}) for item in answer.get("items") or []]
    return sorted(entries, key=lambda entry: entry["revision"])


def _history_entry(metadata: dict) -> dict:
    labels = metadata.get("labels") or {}
    try:
        revision = int(labels["version"])
    except (KeyError, ValueError):
        raise Garbled("Helm's release Secret {0} carries no revision in its label 'version': repair or remove that "
                      "Secret.".format(one_line(metadata.get("name"), 100))) from None
    return {"revision": revision, "status": one_line(labels.get("status", "unknown"), 40),
            "updated": metadata.get("creationTimestamp"), "chart_version": None}


def read_release(cluster: Any, name: str, namespace: str, revision: Optional[int] = None) -> Optional[dict]:
    """The stored release of a revision (the newest by default) with `hold` added; None = there is none.

    hold: {former_revision: int} while updateStrategy OnDelete is ours, not the user's, else None.
    """
    if revision is None:
        history = release_history(cluster, name, namespace)
        if not history:
            return None
        revision = history[-1]["revision"]
    release = _stored(cluster, name, namespace, revision)
    if release is not None:
        release["hold"] = _hold(cluster, release)
    return release


def _stored(cluster: Any, name: str, namespace: str, revision: int) -> Optional[dict]:
    secret = "sh.helm.release.v1.{0}.v{1}".format(name, revision)
    try:
        document = cluster.get("/api/v1/namespaces/{0}/secrets/{1}".format(namespace, secret))
    except NotFound:
        return None
    return decode(document, secret)


def decode(secret: dict, name: str) -> dict:
    """The release inside a Secret: base64 of base64 of gzip of JSON. Raises Garbled."""
    try:
        packed = base64.b64decode(base64.b64decode((secret.get("data") or {})["release"], validate=True), validate=True)
        content = packed
        if packed[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
                content = stream.read(MAX_RELEASE + 1)
        release = json.loads(content.decode("utf-8")) if len(content) <= MAX_RELEASE else None
    except (KeyError, TypeError, ValueError, EOFError, OSError, binascii.Error, RecursionError):
        release = None
    if not _is_release(release):
        raise Garbled("Secret {0} holds no readable Helm release: look at it with `helm get all`, restore it from a "
                      "backup, or remove it if Helm does not need it.".format(one_line(name, 100)))
    release["config"] = release.get("config") or {}
    return release


def _is_release(release: Any) -> bool:
    """True when all parts that are used have the type they must have."""
    if not isinstance(release, dict):
        return False
    chart = release.get("chart")
    return (all(isinstance(release.get(key), str) for key in ("name", "namespace", "manifest"))
            and isinstance(release.get("version"), int) and isinstance(release.get("info"), dict)
            and isinstance(release.get("config") or {}, dict)
            and isinstance(chart, dict) and isinstance(chart.get("metadata"), dict)
            and isinstance(chart["metadata"].get("dependencies") or [], list))


def _hold(cluster: Any, release: dict, depth: int = 5) -> Optional[Dict[str, int]]:
    """The marker of a release, or of the revision whose copy it is: `helm rollback` of Helm 3 replaces descriptions."""
    own = hold_of(release)
    source = rollback_source(release)
    if own or source is None or depth == 0 or not on_delete(release["config"]):
        return own
    copied = _stored(cluster, release["name"], release["namespace"], source)
    return None if copied is None else _hold(cluster, copied, depth - 1)


def hold_of(release: dict) -> Optional[Dict[str, int]]:
    """{former_revision} by this release's own description; None where the strategy is not OnDelete any more."""
    found = HOLD_MARKER.search(description_of(release))
    return {"former_revision": int(found.group(1))} if found and on_delete(release["config"]) else None


def on_delete(values: dict) -> bool:
    """True when these user values set the agents' update strategy to OnDelete."""
    strategy = values.get("updateStrategy")
    return isinstance(strategy, dict) and strategy.get("type") == "OnDelete"


def rollback_source(release: dict) -> Optional[int]:
    """The revision that `helm rollback` copied to make this one, or None."""
    copied = release["info"].get("rollback_revision")  # Helm 4
    if isinstance(copied, int) and copied > 0:
        return copied
    found = HELM3_ROLLBACK.match(description_of(release))
    return int(found.group(1)) if found else None


def description_of(release: dict) -> str:
    return str(release["info"].get("description") or "")


def describe(release: dict, history: Optional[List[dict]] = None) -> dict:
    """The `release` entry of the facts (docs/design.md): names, versions, masked values. Nothing secret is in it."""
    info, metadata = release["info"], release["chart"]["metadata"]
    return {
        "name": one_line(release.get("name")), "namespace": one_line(release.get("namespace")),
        "revision": release["version"], "status": one_line(info.get("status", "unknown"), 40),
        "chart": one_line(metadata.get("name")), "chart_version": _known(metadata.get("version")),
        "app_version": _known(metadata.get("appVersion")), "description": one_line(description_of(release)),
        "updated": utc(info.get("last_deployed")), "dependencies": dependencies_of(release),
        "hold": release.get("hold") or hold_of(release), "values": masked(release["config"]), "history": history,
    }


def dependencies_of(release: dict) -> List[str]:
    """Names of the chart's dependencies, which a release Secret does not contain."""
    listed = release["chart"]["metadata"].get("dependencies") or []
    return [one_line(entry.get("name") if isinstance(entry, dict) else entry, 100) for entry in listed]


def _known(value: Any) -> Optional[str]:
    return None if value is None else one_line(value, 100)


def utc(stamp: Any) -> Optional[str]:
    """Helm's time stamp (nanoseconds, any offset) as RFC 3339 UTC with seconds; None = none or not readable."""
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)\Z", str(stamp))
    if match is None:
        return None
    try:
        moment = datetime.strptime(match.group(1) + match.group(2).replace("Z", "+00:00"), "%Y-%m-%dT%H:%M:%S%z")
        return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None
