#!/usr/bin/env python3
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the lab's charts with real ones: both are rendered with the same values, and every difference is printed.

Exit status: 0 no difference, 1 differences, 2 nothing could be compared.
"""
from __future__ import annotations

import argparse
import fnmatch
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from chart_render import LOADER, CannotCompare, Rendering, find_charts, find_helm, render
from front.own_charts import own_charts

HERE = Path(__file__).resolve().parent
CASES = HERE / "compare_cases.yaml"

# What a picture of a chart is made of: a name (`config/mtu`, `DaemonSet/updateStrategy`) to what was rendered there.
Picture = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Values to render with, the minors (inclusive) of the charts they are meant for, patterns of names not compared."""

    name: str
    values: dict[str, Any]
    since: str = "0.0"
    until: str = "999.0"
    ignore: tuple[str, ...] = ()

    def concerns(self, version: str) -> bool:
        return minor(self.since) <= minor(version) <= minor(self.until)

    def leaves_out(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.ignore)


@dataclass(frozen=True)
class Difference:
    case: str
    what: str
    real: str
    lab: str


def minor(version: str) -> tuple[int, int]:
    major, second = version.split(".")[:2]
    return int(major), int(second)


def plain(value: Any, limit: int = 70) -> str:
    """One short line without control characters: rendered text comes from outside."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    text = re.sub(r"[^\x20-\x7e]+", " ", text).strip()
    return text if len(text) <= limit else text[: limit - 3] + "..."


def load_cases(path: Path = CASES) -> list[Case]:
    return [Case(**case) for case in yaml.load(path.read_text(), LOADER)]


# --- what is compared -------------------------------------------------------------------------------------------------


def picture(rendering: Rendering, defaults: Rendering) -> Picture:
    """What tunings and roll-outs depend on. `defaults` is the same chart without values."""
    if rendering.refusal is not None:
        return {"refused": True}
    daemonset = rendering.find("DaemonSet", "cilium")
    return {
        "refused": False,
        **{f"config/{key}": value for key, value in config(rendering).items()},
        **{f"object/{kind}/{name}": True for kind, name in objects(rendering)},
        **{f"DaemonSet/{name}": value for name, value in agents(daemonset).items()},
        "DaemonSet/template changed": template(daemonset) != template(defaults.find("DaemonSet", "cilium")),
        "Deployment/env": service_env(rendering.find("Deployment", "cilium-operator"), "containers", "cilium-operator"),
    }


def config(rendering: Rendering) -> dict[str, Any]:
    """Data of cilium-config. The API server stores null as an empty string."""
    data = rendering.find("ConfigMap", "cilium-config").get("data") or {}
    return {key: "" if value is None else value for key, value in data.items()}


def objects(rendering: Rendering) -> list[tuple[str, str]]:
    return [(o["kind"], o["metadata"]["name"]) for o in rendering.objects]


def template(workload: dict[str, Any]) -> dict[str, Any]:
    return workload.get("spec", {}).get("template", {})


def agents(daemonset: dict[str, Any]) -> Picture:
    spec = daemonset.get("spec", {})
    pod = template(daemonset).get("spec", {})
    annotations = template(daemonset).get("metadata", {}).get("annotations") or {}
    return {
        "updateStrategy": spec.get("updateStrategy"),
        "selector": spec.get("selector"),
        "containers": [c["name"] for c in pod.get("containers") or []],
        "image": container(daemonset, "containers", "cilium-agent").get("image", "").split("@")[0],
        "env": service_env(daemonset, "containers", "cilium-agent"),
        "config env": service_env(daemonset, "initContainers", "config"),
        "hostNetwork": pod.get("hostNetwork"),
        "tolerations": pod.get("tolerations"),
        "checksum": "cilium.io/cilium-configmap-checksum" in annotations,
    }


def container(workload: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    containers = template(workload).get("spec", {}).get(kind) or []
    return next((c for c in containers if c["name"] == name), {})


def service_env(workload: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Where a container finds the API server, if it is told."""
    env = container(workload, kind, name).get("env") or []
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in env if e["name"].startswith("KUBERNETES_SERVICE_")}


# --- comparing --------------------------------------------------------------------------------------------------------


def known_names(pictures: list[Picture]) -> set[str]:
    """Names that the lab's chart renders in any case; of the real chart's names only these can be missed."""
    return {name for one in pictures for name in one}


def changed_config(case: Picture, defaults: Picture) -> set[str]:
    """Keys of cilium-config that the values of a case change."""
    names = {name for name in case.keys() | defaults.keys() if name.startswith("config/")}
    return {name for name in names if case.get(name) != defaults.get(name)}


def differences(case: str, real: Picture, lab: Picture, names: set[str], why: tuple[str, str]) -> list[Difference]:
    """Where two pictures differ; `why` are the messages of the two charts where they refused."""
    if real["refused"] != lab["refused"]:
        return [Difference(case, "refused", *(plain(reason) for reason in why))]
    absent = "(absent)"
    return [
        Difference(case, name, plain(real.get(name, absent)), plain(lab.get(name, absent)))
        for name in sorted(names)
        if real.get(name, absent) != lab.get(name, absent)
    ]


def compare_version(helm: str, version: str, real: Path, lab: Path, cases: list[Case]) -> list[Difference]:
    """All differences between a real chart and the lab's of the same version."""
    cases = [Case("defaults", {})] + [case for case in cases if case.values and case.concerns(version)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        rendered = list(pool.map(lambda case: (render(helm, real, case.values), render(helm, lab, case.values)), cases))
    for chart, defaults in zip((real, lab), rendered[0]):
        if defaults.refusal is not None:
            raise CannotCompare(f"{chart} does not render with its own values: {plain(defaults.refusal, 300)}")
    pairs = [tuple(picture(one, base) for one, base in zip(both, rendered[0])) for both in rendered]
    known = known_names([lab_picture for _real, lab_picture in pairs])
    found = []
    for case, both, (real_picture, lab_picture) in zip(cases, rendered, pairs):
        names = known
        if not real_picture["refused"]:
            names = known | changed_config(real_picture, pairs[0][0])
        names = {name for name in names if not case.leaves_out(name)}
        why = tuple(one.refusal or "(rendered)" for one in both)
        found += differences(case.name, real_picture, lab_picture, names, why)
    return found


def compare(helm: str, real_charts: dict[str, Path], lab_charts: dict[str, Path], cases: list[Case]) -> dict[str, Any]:
    """Result by version: `differences` as a list, or `missing` where there is no real chart of that version."""
    result: dict[str, Any] = {}
    for version, lab in sorted(lab_charts.items(), key=lambda item: minor(item[0])):
        real = real_charts.get(version)
        if real is None:
            result[version] = {"missing": True, "differences": []}
            continue
        found = compare_version(helm, version, real, lab, cases)
        concerned = sum(case.concerns(version) for case in cases)
        result[version] = {"missing": False, "cases": concerned, "differences": [asdict(one) for one in found]}
    return result


# --- telling ----------------------------------------------------------------------------------------------------------


def table(rows: list[dict[str, str]]) -> list[str]:
    columns = ("case", "what", "real", "lab")
    widths = {c: max(len(c), *(len(row[c]) for row in rows)) for c in columns}
    lines = [{c: c.upper() for c in columns}, *rows]
    return ["  " + "  ".join(line[c].ljust(widths[c]) for c in columns).rstrip() for line in lines]


def report(result: dict[str, Any]) -> str:
    lines = []
    for version, outcome in result.items():
        if outcome["missing"]:
            lines.append(f"cilium {version}: not compared, no real chart of this version there")
            continue
        found = outcome["differences"]
        lines.append(f"cilium {version}: {outcome['cases']} cases, {len(found) or 'no'} differences")
        lines += table(found) if found else []
    return "\n".join(lines)


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("charts", type=Path, help="a real chart (folder or .tgz), or a folder of them")
    parser.add_argument("--helm", help="Helm to render with; default: LAB_HELM, then helm on PATH")
    parser.add_argument("--lab", type=Path, help="the lab's charts (default: its own)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    try:
        result = compare(find_helm(options.helm), find_charts(options.charts), find_charts(options.lab or own_charts()), load_cases())
        if all(outcome["missing"] for outcome in result.values()):
            raise CannotCompare(f"No chart in {options.charts} has the version of a lab chart: {', '.join(result)}.")
    except CannotCompare as error:
        print(f"compare_charts: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2) if options.json else report(result))
    return 1 if any(outcome["differences"] for outcome in result.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
