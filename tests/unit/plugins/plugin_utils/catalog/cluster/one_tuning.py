# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One tuning on one recorded cluster, for the tests beside this file: facts that were changed, its verdict and its steps."""
from __future__ import annotations

import copy
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

NEW_KERNEL = "6.8.0-45-generic"


def cluster(fixture: str, config: dict | None = None, values: dict | None = None, running: dict | None = None,
            kernel: str = NEW_KERNEL) -> dict[str, Any]:
    """The fixture with other keys of cilium-config (None removes one), Helm values, words of every agent, and kernel."""
    facts = model.load(fixture)
    for place in (facts["config"]["data"], facts["manifest_config"]):
        place.update(config or {})
        for key in [key for key, value in place.items() if value is None]:
            del place[key]
    for path, value in (values or {}).items():
        model.put(facts["release"]["values"], path, value)
    for agent in facts["agents"]:
        agent["status"].update(running or {})
    for node in facts["nodes"]:
        node["kernel"] = kernel
    return facts


def of_version(facts: dict, version: str) -> dict:
    """The same cluster with this version of chart and agents."""
    facts["release"]["chart_version"] = version
    for agent in facts["agents"]:
        agent["version"] = version
    return facts


def verdict(facts: dict, name: str, options: Any = None) -> dict[str, Any]:
    """The verdict of one tuning, judged with what it needs."""
    return next(found for found in judge.judge(facts, policy.parse({name: options or {}})) if found["tuning"] == name)


def made(facts: dict, wanted: dict) -> dict[str, Any]:
    """The plan for a policy."""
    chosen = policy.parse(wanted)
    return plan.plan(facts, judge.judge(facts, chosen), chosen)


def steps(facts: dict, name: str, options: Any = None) -> list[dict[str, Any]]:
    """The steps of one tuning and of what it needs."""
    return made(facts, {name: options or {}})["steps"]


def after(facts: dict, taken: list[dict]) -> dict[str, Any]:
    """The facts after these steps, each of which did what it promised."""
    facts = copy.deepcopy(facts)
    for step in taken:
        for path, value in step["values"].items():
            model.put(facts["release"]["values"], path, value)
        for place in (facts["config"]["data"], facts["manifest_config"]):
            place.update(step["config"])
        for agent in facts["agents"]:
            agent["status"].update(step["expect"])
            agent["config_current"] = True
    return facts


def refused(found: dict, words: str, way_out: str) -> bool:
    """Whether a verdict blocks for this reason and with this way out."""
    assert found["state"] == "BLOCKED", found
    assert words in found["reason"] and way_out in found["way_out"], found
    return True
