# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every tuning on every version that has it: turned on through Helm, seen in the ConfigMap and on every agent, judged OK,
and taken back, byte for byte. Never is more than one agent down.

By default all tunings of a version are turned on by one plan; with LAB_ONE_BY_ONE set each has a plan of its own, which takes
half an hour. With LAB_CHART set (a chart's folder or package) it is done with that chart, for LAB_CILIUM (its version).
"""
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from front.own_charts import own_charts  # noqa: E402
from labkit import NAMESPACE, Lab, started  # noqa: E402
from watching import counted  # noqa: E402

from ansible_collections.fastpath.cilium.plugins.module_utils.versions import in_range  # noqa: E402
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog, policy  # noqa: E402
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import gate, judge, plan  # noqa: E402
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module  # noqa: E402

pytestmark = pytest.mark.lab

CHART = os.environ.get("LAB_CHART")
VERSIONS = [os.environ["LAB_CILIUM"]] if CHART else sorted(
    (path.name.removeprefix("cilium-") for path in own_charts().glob("cilium-*")), key=lambda text: int(text.split(".")[1]))
# New enough for everything there is.
KERNEL = "6.12.9-amd64"
CATALOGUE = catalog.load()
ONE_BY_ONE = bool(os.environ.get("LAB_ONE_BY_ONE"))
# Those that are judged only have nothing that a plan turns on.
TURNED_ON = sorted(name for name, entry in CATALOGUE.items() if entry.tuning.applies)
# What the lab's cluster, with eth0 on virtio and no fixed MTU, has no or no certain use for: old versions have no XDP
# with best effort, and 1.16 no rates of events.
EXPECTED: dict[str, tuple[str, ...]] = {"xdp": ("BLOCKED",), "event_limits": ("BLOCKED",)}


def helm_for(version: str) -> str:
    """Both Helms and both ways of rolling out get their share: the minor decides."""
    return "3" if int(version.split(".")[1]) % 2 else "4"


class Site:
    """A lab of one version with two nodes."""

    def __init__(self, lab: Lab, version: str, helm: str) -> None:
        self.lab, self.version, self.helm = lab, version, helm

    def module(self, name: str, **given: Any) -> dict[str, Any]:
        result = run_module(name, kubeconfig=str(self.lab.kubeconfig), **given)
        assert not result.get("failed"), result.get("msg")
        return result

    def facts(self) -> dict[str, Any]:
        return self.module("cilium_info")["facts"]

    def config(self) -> dict[str, str]:
        return self.lab.core().read_namespaced_config_map("cilium-config", NAMESPACE).data

    def values(self, **given: Any) -> dict[str, Any]:
        return self.module("cilium_values", helm=self.helm, **given)

    def roll(self, nodes: list[str], **expected: Any) -> None:
        if nodes:
            self.module("cilium_rollout", nodes=nodes, settle=0.2, timeout=60, **expected)

    def take(self, step: dict[str, Any]) -> None:
        """One step of a plan, as the role cilium_settings takes it."""
        before = self.facts()
        if step["values"]:
            self.values(values=step["values"], expected_revision=before["release"]["revision"])
        self.roll(step["nodes"], expect=step["expect"], expect_config=step["config"])
        self.values(release_hold=True)
        assert gate.gate(before, self.facts(), step) == []

    def go_back(self, revision: int) -> None:
        self.values(revision=revision, expected_revision=self.facts()["release"]["revision"])
        self.roll([node["name"] for node in self.facts()["nodes"]])
        self.values(release_hold=True)


@pytest.fixture(name="site", scope="module", params=[
    pytest.param(version, id=version, marks=pytest.mark.xdist_group(f"catalogue-{version}")) for version in VERSIONS])
def fixture_site(request: pytest.FixtureRequest, tools: dict[str, str]) -> Iterator[Site]:
    version, helm = request.param, helm_for(request.param)
    options = ["--chart", CHART] if CHART else []
    rolls_by_itself = "true" if int(version.split(".")[1]) % 4 < 2 else "false"
    with started(f"catalogue-{version}".replace(".", "-"), "--nodes", "2", "--cilium", version, "--helm", helm,
                 "--annotate", f"node-1:lab/kernel={KERNEL}", "--annotate", f"node-2:lab/kernel={KERNEL}",
                 "--set", f"rollOutCiliumPods={rolls_by_itself}", *options) as lab:
        yield Site(lab, version, tools[f"helm{helm}"])


def planned(facts: dict[str, Any], names: list[str]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Verdicts by tuning, and the plan, for these tunings with their default options."""
    chosen = policy.parse({name: True for name in names})
    verdicts = judge.judge(facts, chosen)
    return {found["tuning"]: found for found in verdicts}, plan.plan(facts, verdicts, chosen, list(CATALOGUE))


def to_turn_on(site: Site, facts: dict[str, Any], name: str) -> bool:
    """Whether there is something to turn on; what this version does not know must be refused for that."""
    verdict = planned(facts, [name])[0][name]
    since = CATALOGUE[name].tuning.since
    if since and not in_range(site.version, since):
        assert verdict["state"] == "BLOCKED" and since in verdict["reason"], verdict
    else:
        assert verdict["state"] in ("OK", "DRIFT", "NOT_APPLICABLE", *EXPECTED.get(name, ())), verdict
    return verdict["state"] == "DRIFT"


def turn_on_and_take_back(site: Site, names: list[str]) -> None:
    before, config = site.facts(), site.config()
    _verdicts, made = planned(before, names)
    assert made["outcome"] == "drift", made["blocked"]
    with counted(site.lab) as count:
        for step in made["steps"]:
            site.take(step)
        after, left = planned(site.facts(), names)
        assert {after[name]["state"] for name in names} == {"OK"} and left["steps"] == [], after
        changed = {key: value for step in made["steps"] for key, value in step["config"].items()}
        assert {key: site.config().get(key) for key in changed} == changed
        site.go_back(before["release"]["revision"])
    assert site.config() == config, "the way back left something behind"
    assert count.most == 1, "agents were down that were not restarted one by one"


# A choice of two ways, neither of which is a test that was skipped.
@pytest.mark.parametrize("names", [[name] for name in TURNED_ON] if ONE_BY_ONE else [TURNED_ON],
                         ids=TURNED_ON if ONE_BY_ONE else ["all"])
def test_tunings_are_turned_on_and_taken_back(site: Site, names: list[str]) -> None:
    facts = site.facts()
    open_ones = [name for name in names if to_turn_on(site, facts, name)]
    assert ONE_BY_ONE or "dsr" in open_ones and len(open_ones) >= 6, open_ones
    if open_ones:
        turn_on_and_take_back(site, open_ones)
