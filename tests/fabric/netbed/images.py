# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Container images without a registry: OCI archives of one layer, with a program of ours, under as many names as are wanted."""
from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
FOLDERS = ("bin", "dev", "etc", "proc", "sys", "tmp", "usr", "usr/bin")
PATH = "/usr/bin:/bin"


@dataclass(frozen=True)
class Image:
    """A name with its tag, and what runs without a command of the pod's."""

    name: str
    entrypoint: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def layer(files: dict[str, bytes], links: dict[str, str]) -> bytes:
    """A tar of programs by path; `links` are further names for them."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in FOLDERS:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            archive.addfile(entry)
        for name, data in {**files, "etc/passwd": b"root:x:0:0:root:/:/\n", "etc/group": b"root:x:0:\n"}.items():
            _add(archive, name, data, 0o755)
        for name, target in links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
            archive.addfile(entry)
    return content.getvalue()


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


class Archive:
    """An OCI layout whose images share one layer."""

    def __init__(self, content: bytes) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: list[dict[str, Any]] = []
        self.layer = self._blob(content, LAYER)

    def _blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def _document(self, document: dict[str, Any], media_type: str) -> dict[str, Any]:
        return self._blob(json.dumps(document, sort_keys=True).encode(), media_type)

    def add(self, image: Image) -> None:
        environment = [f"{key}={value}" for key, value in {"PATH": PATH, **image.environment}.items()]
        config = self._document({
            "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [self.layer["digest"]]},
            "config": {"Entrypoint": list(image.entrypoint), "Env": environment, "WorkingDir": "/"}}, CONFIG)
        manifest = self._document({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [self.layer]}, MANIFEST)
        names = {"io.containerd.image.name": image.name, "org.opencontainers.image.ref.name": image.name.rpartition(":")[2]}
        self.manifests.append({**manifest, "annotations": names})

    def write(self, target: Path) -> None:
        """Whole or not at all."""
        new = target.with_name(f"{target.name}.{os.getpid()}")
        with tarfile.open(new, "w") as archive:
            _add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode(), 0o644)
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.manifests}
            _add(archive, "index.json", json.dumps(index).encode(), 0o644)
            for digest, data in self.blobs.items():
                _add(archive, f"blobs/sha256/{digest}", data, 0o644)
        os.replace(new, target)
