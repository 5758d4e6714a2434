# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find Cilium charts and render them with Helm, without a cluster."""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

# Cilium's charts refuse the Kubernetes version that a Helm built without one assumes.
KUBE_VERSION = "1.31.0"
RENDER_SECONDS = 60
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CannotCompare(Exception):
    """There is nothing to compare, or nothing to compare it with. The message says what to do."""


@dataclass
class Rendering:
    """The objects of a chart, or the message with which it refused the values."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    refusal: str | None = None

    def find(self, kind: str, name: str) -> dict[str, Any]:
        found = (o for o in self.objects if o.get("kind") == kind and o["metadata"]["name"] == name)
        return next(found, {})


def chart_metadata(path: Path) -> dict[str, Any] | None:
    """Chart.yaml of a chart's folder or archive; None where there is no chart."""
    try:
        text = chart_yaml(path)
        return yaml.load(text, LOADER) if text else None
    except (OSError, tarfile.TarError, yaml.YAMLError) as error:
        raise CannotCompare(f"{path} cannot be read as a chart: {error}. Remove or replace it.") from error


def chart_yaml(path: Path) -> bytes | None:
    if path.is_dir():
        file = path / "Chart.yaml"
        return file.read_bytes() if file.is_file() else None
    return archived_chart_yaml(path) if path.name.endswith((".tgz", ".tar.gz")) else None


def archived_chart_yaml(path: Path) -> bytes | None:
    with tarfile.open(path) as archive:
        for member in archive:
            if re.fullmatch(r"(\./)?[^/]+/Chart\.yaml", member.name) and member.isfile():
                file = archive.extractfile(member)
                return file.read() if file else None
    return None


def find_charts(path: Path) -> dict[str, Path]:
    """Version to path of every chart named cilium that `path` is or holds."""
    if not path.exists():
        raise CannotCompare(f"{path} does not exist: give a chart (folder or .tgz) or a folder of charts.")
    candidates = [path] if chart_metadata(path) else sorted(path.iterdir()) if path.is_dir() else []
    found = {}
    for candidate in candidates:
        metadata = chart_metadata(candidate)
        if metadata and metadata.get("name") == "cilium":
            found[str(metadata["version"])] = candidate
    return found


def find_helm(given: str | None = None) -> str:
    helm = given or os.environ.get("LAB_HELM") or shutil.which("helm")
    if not helm or not shutil.which(helm):
        raise CannotCompare("No Helm found: give --helm PATH, set LAB_HELM, or put helm on PATH.")
    return helm


def render(helm: str, chart: Path, values: dict[str, Any]) -> Rendering:
    """The chart rendered with the values, without a cluster."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        command = [helm, "template", "cilium", str(chart), "--namespace", "kube-system",
                   "--kube-version", KUBE_VERSION, "--values", file.name]
        done = run(command)
    if done.returncode:
        return Rendering(refusal=refusal(done.stderr))
    try:
        return Rendering(objects=[o for o in yaml.load_all(done.stdout, LOADER) if o])
    except yaml.YAMLError as error:
        return Rendering(refusal=f"Rendered what is no YAML: {error}")


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=RENDER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotCompare(f"Helm could not render: {error}. Try another Helm with --helm.") from error


def refusal(stderr: str) -> str:
    """The message of a refusing chart or of Helm, without Helm's notices and the place in the template."""
    notices = ("symbolic link", "Use --debug flag")
    lines = [line for line in stderr.splitlines() if line.strip() and not any(notice in line for notice in notices)]
    message = re.sub(r"^Error: (execution error at \([^)]*\):\s*)?", "", " ".join(lines))
    return message or "Helm failed without a message"
