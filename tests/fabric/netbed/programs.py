# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the fabric runs, built once: the lab's cluster program, and the images of its pods."""
from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from front import golang
from front.builds import build_once, cluster_program
from front.places import cache
from front.progress import Progress

from .images import Archive, Image, layer
from .node_files import PAUSE_IMAGE
from .places import TOOL_SOURCE

HERE = Path(__file__).resolve().parent
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost"
AGNHOST_TAGS = ("2.39", "2.40", "2.43", "2.45", "2.47", "2.52", "2.53", "2.56")
TOOL_IMAGE = "fabric.local/tool:1"
TOOL_NAMES = ("pause", "netexec", "cilium-operator-generic", "true", "false", "exit", "cat", "env", "sleep")


@dataclass(frozen=True)
class Programs:
    """Paths of the cluster program and of the archives of images."""

    cluster: Path
    images: list[Path]


def prepare(progress: Progress) -> Programs:
    return Programs(cluster_program(progress), [tool_images(progress)])


def digest_of(*sources: Path, **facts: str) -> str:
    """Changes with the files, those below the folders, and the facts; with nothing else."""
    digest = hashlib.sha256(repr(sorted(facts.items())).encode())
    for source in sources:
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file() and not path.name.endswith("_test.go"):
                digest.update(f"\0{path.relative_to(source.parent)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def go_build(go: Path, source: Path, package: str, target: Path) -> subprocess.CompletedProcess:
    """A program that needs no library of its image."""
    command = [str(go), "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", str(target), package]
    return subprocess.run(command, cwd=source, env={**golang.environment(), "CGO_ENABLED": "0"}, check=False,
                          capture_output=True, text=True)


def tool_images(progress: Progress) -> Path:
    """The pause image, netexec under the names of agnhost, and a box of tools."""
    go = golang.find_go(progress)
    version = golang.dotted(golang.version_of(str(go)))
    digest = digest_of(TOOL_SOURCE, HERE / "images.py", HERE / "programs.py", go=version)
    target = cache() / f"fabric-tool-{digest}.tar"

    def build(into: Path) -> subprocess.CompletedProcess:
        done = go_build(go, TOOL_SOURCE, ".", into / "tool")
        if not done.returncode:
            _write_tool_images((into / "tool").read_bytes(), into / target.name)
        return done

    return build_once(target, "Building the fabric's images", build, progress)


def _write_tool_images(program: bytes, target: Path) -> None:
    archive = Archive(layer({"usr/bin/tool": program}, {f"bin/{name}": "/usr/bin/tool" for name in TOOL_NAMES}))
    archive.add(Image(PAUSE_IMAGE, ("/bin/pause",)))
    archive.add(Image(TOOL_IMAGE, ("/usr/bin/tool",)))
    for tag in AGNHOST_TAGS:
        archive.add(Image(f"{AGNHOST}:{tag}", ("/usr/bin/tool",)))
    archive.write(target)
