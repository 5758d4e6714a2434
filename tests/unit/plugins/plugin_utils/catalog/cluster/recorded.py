# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""For tests of one tuning: a recorded cluster with some things changed, and what is judged and planned for it."""
from __future__ import annotations

from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model


def cluster(fixture: str, values: dict | None = None, config: dict | None = None, live: dict | None = None,
            version: str | None = None) -> dict[str, Any]:
    """The fixture with Helm values (dotted), keys of cilium-config and what every agent shows; `version` is the chart's and
    every agent's."""
    facts = model.load(fixture)
    for path, value in (values or {}).items():
        model.put(facts["release"]["values"], path, value)
    for data in (facts["config"]["data"], facts["manifest_config"]):
        data.update(config or {})
    for agent in facts["agents"]:
        agent["status"].update(live or {})
        agent["version"] = version or agent["version"]
    if version:
        facts["release"]["chart_version"] = version
    return facts


def verdict(name: str, facts: Any, options: dict | None = None) -> dict[str, Any]:
    """The verdict on this tuning."""
    verdicts = judge.judge(facts, policy.parse({name: options or {}}))
    return next(found for found in verdicts if found["tuning"] == name)


def step(name: str, facts: Any, options: dict | None = None) -> dict[str, Any]:
    """The one step of its plan."""
    chosen = policy.parse({name: options or {}})
    found, = plan.plan(facts, judge.judge(facts, chosen), chosen)["steps"]
    return found


def is_refused(found: dict[str, Any], state: str, words: str, way_out: str) -> bool:
    """Whether a verdict has this state, with these words in its reason and in its way out."""
    return found["state"] == state and words in found["reason"] and way_out in (found["way_out"] or "")
