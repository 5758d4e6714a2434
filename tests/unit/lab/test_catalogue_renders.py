# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the catalogue says a chart makes of Helm values, against Helm: each tuning, each option, each version that has it.

CHARTS may name a folder of real charts to be asked instead of the lab's own.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LAB = Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

import chart_render  # noqa: E402
from front.own_charts import own_charts  # noqa: E402

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_values import with_changes  # noqa: E402
from ansible_collections.fastpath.cilium.plugins.module_utils.versions import in_range  # noqa: E402
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog  # noqa: E402
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (  # noqa: E402
    FreeText, Number, OneOf, Tuning, asked, matches, plain, resolve)

CHARTS = chart_render.find_charts(Path(os.environ["CHARTS"]) if os.environ.get("CHARTS") else own_charts())


def values_of(option: Any) -> tuple[Any, ...]:
    """The values to try: all words; of a number the default or, without one, the least and the most; of free text an
    example."""
    if isinstance(option, FreeText):
        return (option.default or option.example,)
    if not isinstance(option, Number):
        return option.allowed
    numbers = [option.default] if option.default is not None else [option.least, option.most]
    return tuple(int(number) if option.whole else number for number in numbers)


def choices(tuning: Tuning) -> Iterator[dict[str, Any]]:
    """The default options, and each option's values one at a time over them."""
    default = {option.name: option.default for option in tuning.options}
    seen = [default]
    for option in tuning.options:
        seen += [{**default, option.name: value} for value in values_of(option)]
    for number, one in enumerate(seen):
        if one not in seen[:number]:
            yield one


def wants(tuning: Tuning, version: str, options: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(stage, values, config) of every stage that wants something of this chart."""
    for stage in tuning.stages:
        fitting = [want for want in stage.wants if in_range(version, want.since, want.until) and matches(want.when, options)]
        values, config = ({name: resolve(value, options) for want in fitting for name, value in getattr(want, part).items()
                           if asked(value, options)} for part in ("values", "config"))
        if values:
            yield stage.id, values, config


def needed(tuning: Tuning, version: str, options: dict[str, Any]) -> dict[str, Any]:
    """The values of what a tuning needs: a chart may write nothing of the one without the other."""
    found: dict[str, Any] = {}
    for need in tuning.needs:
        if matches(need.when, options):
            other = catalog.load()[need.tuning].tuning
            for _stage, values, _config in wants(other, version, next(choices(other))):
                found.update(values)
    return found


def cases() -> Iterator[Any]:
    for version in sorted(CHARTS, key=lambda text: [int(part) for part in text.split(".")]):
        for name, entry in catalog.load().items():
            if entry.tuning.since and not in_range(version, entry.tuning.since):
                continue
            for options in choices(entry.tuning):
                for stage, values, config in wants(entry.tuning, version, options):
                    shown = "-".join(f"{key}={value}" for key, value in options.items() if value is not None)
                    values = {**needed(entry.tuning, version, options), **values}
                    yield pytest.param(version, values, config, id=f"{version}-{name}-{stage}-{shown}")


def base(version: str) -> dict[str, Any]:
    """A cluster with native routing and kube-proxy replaced, in the chart's own words."""
    old = in_range(version, None, "1.13")
    return {"k8sServiceHost": "192.0.2.1", "k8sServicePort": 6443, "ipv4NativeRoutingCIDR": "10.0.0.0/8",
            **({"tunnel": "disabled", "kubeProxyReplacement": "strict"} if old else
               {"routingMode": "native", "kubeProxyReplacement": "true"})}


def config_of(helm: str, version: str, values: dict[str, Any]) -> dict[str, Any]:
    rendering = chart_render.render(helm, CHARTS[version], values)
    assert rendering.refusal is None, rendering.refusal
    return rendering.find("ConfigMap", "cilium-config")["data"]


@pytest.mark.parametrize("version, values, config", cases())
def test_a_chart_renders_what_the_catalogue_says(
        helm: str, version: str, values: dict[str, Any], config: dict[str, Any]) -> None:
    rendered = config_of(helm, version, with_changes(base(version), {path: plain(value) for path, value in values.items()}))
    for key, wanted in config.items():
        found = rendered.get(key)
        assert found in wanted.values if isinstance(wanted, OneOf) else found == wanted, key
