# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which chart the lab installs, and with which values."""
from __future__ import annotations

import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from .errors import LabError
from .own_charts import own_charts
from .places import MANIFESTS

DEFAULT_VERSION = "1.13.4"
POD_RANGE = "10.0.0.0/8"


@dataclass(frozen=True)
class Chart:
    """A chart folder or archive; `version` is what its Chart.yaml says."""

    path: Path
    version: str

    @property
    def minor(self) -> tuple[int, int]:
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)


def find_chart(wanted: Optional[str], chart: Optional[str]) -> Chart:
    """`chart` (or LAB_CHART) where given, else the lab's own of version `wanted` (a prefix will do)."""
    given = chart or os.environ.get("LAB_CHART")
    if not given:
        return _own_chart(wanted or DEFAULT_VERSION)
    found = read_chart(Path(given).expanduser().resolve())
    if wanted and not _is_version(found.version, wanted):
        raise LabError(f"The chart {found.path} has version {found.version}, not {wanted}: "
                       "give the chart or the version, not both.")
    return found


def _own_chart(wanted: str) -> Chart:
    charts = own_charts()
    versions = sorted(path.name[len("cilium-"):] for path in charts.glob("cilium-*"))
    for version in versions:
        if _is_version(version, wanted):
            return read_chart(charts / f"cilium-{version}")
    raise LabError(f"The lab has no chart for Cilium {wanted}: choose one of {', '.join(versions) or 'none'}, "
                   "or give a chart with --chart.")


def _is_version(version: str, wanted: str) -> bool:
    return version == wanted or version.startswith(wanted + ".")


def read_chart(path: Path) -> Chart:
    found = re.search(r"^version:\s*[\"']?v?(\d+\.\d+[^\s\"']*)", _chart_yaml(path), re.MULTILINE)
    if not found:
        raise LabError(f"{path} is no chart: its Chart.yaml has no version.")
    return Chart(path, found.group(1))


def _chart_yaml(path: Path) -> str:
    try:
        if path.is_dir():
            return (path / "Chart.yaml").read_text(encoding="utf-8")
        with tarfile.open(path) as archive:
            member = next(name for name in archive.getnames() if re.fullmatch(r"[^/]+/Chart\.yaml", name))
            content = archive.extractfile(member)
            return content.read().decode() if content else ""
    except (OSError, tarfile.TarError, StopIteration, UnicodeDecodeError) as error:
        raise LabError(f"{path} is no chart: give a chart's folder or its .tgz archive.") from error


def default_values(chart: Chart, api_port: int, kube_proxy: bool = False) -> dict[str, Any]:
    """The mission's example cluster: native routing, kube-proxy replaced, NodePort in SNAT, masquerading in BPF.

    With kube-proxy agents use the Service of the API, and masquerading is by iptables, as BPF's asks for the replacement.
    """
    values: dict[str, Any] = {"ipv4NativeRoutingCIDR": POD_RANGE, "autoDirectNodeRoutes": True, "bpf": {"masquerade": not kube_proxy}}
    if not kube_proxy:
        values.update(k8sServiceHost="127.0.0.1", k8sServicePort=api_port)
    if chart.minor <= (1, 13):
        # The agents up to 1.13 refuse BPF masquerading together with IPv6 masquerading.
        values.update(tunnel="disabled", kubeProxyReplacement="disabled" if kube_proxy else "strict",
                      enableIPv6Masquerade=False)
    else:
        values.update(routingMode="native", kubeProxyReplacement=not kube_proxy)
    return values


def resource_definitions(chart: Chart) -> list[Path]:
    """What a real operator would create by itself: the CiliumNodeConfig resource of this version."""
    if chart.minor < (1, 13):
        return []
    return [MANIFESTS / f"crd-ciliumnodeconfig-{'v2alpha1' if chart.minor < (1, 16) else 'v2'}.yaml"]
