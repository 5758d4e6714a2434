# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""For tests: recorded clusters whose nodes are not alike, and what becomes of them by a step."""
from __future__ import annotations

import copy
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import groups, policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

LABEL = {"app.kubernetes.io/managed-by": "fastpath.cilium"}
OLD = "5.4.0-150-generic"


def cluster(version: str = "1.16.19", old: tuple[str, ...] = ("node-3",), **more: Any) -> dict[str, Any]:
    """Three nodes with BPF host routing, but for old kernels; CiliumNodeConfigs are served."""
    facts = one.cluster(f"{version}-snat-native", running={"host_routing": "bpf"}, **more)
    facts["node_config_api"], facts["node_configs"] = "cilium.io/v2", []
    for node, agent in zip(facts["nodes"], facts["agents"]):
        node["labels"]["kubernetes.io/hostname"] = f"host-{node['name']}"
        agent["created_at"] = "2026-01-01T10:00:00Z"
        if node["name"] in old:
            node["kernel"] = OLD
            agent["status"]["host_routing"] = "legacy"
    return facts


def node_config(name: str, nodes: list[str], defaults: dict[str, str], changed_at: str = "2026-01-01T09:00:00Z", **more: Any
                ) -> dict[str, Any]:
    """One of ours, for these nodes."""
    rule = {"key": "kubernetes.io/hostname", "operator": "In", "values": [f"host-{node}" for node in nodes]}
    return {"name": name, "namespace": "kube-system", "api_version": "cilium.io/v2", "labels": dict(LABEL), "changed_at": changed_at,
            "node_selector": {"matchExpressions": [rule]}, "defaults": defaults, **more}


def chosen(wanted: Any, apart: Any = None) -> policy.Policy:
    return groups.lay_over(policy.parse(wanted), apart)


def verdicts(facts: dict, wanted: Any, apart: Any = None) -> dict[str, dict[str, Any]]:
    return {found["tuning"]: found for found in judge.judge(facts, chosen(wanted, apart))}


def made(facts: dict, wanted: Any, apart: Any = None, **more: Any) -> dict[str, Any]:
    """The plan, with all risks accepted."""
    mine = chosen(wanted, apart)
    return plan.plan(facts, judge.judge(facts, mine), mine, list(mine), **more)


def after(facts: dict, steps: list[dict]) -> dict[str, Any]:
    """The facts after these steps, each of which did what it promised."""
    facts = copy.deepcopy(facts)
    for number, step in enumerate(steps, 1):
        for path, value in step["values"].items():
            one.model.put(facts["release"]["values"], path, value)
        for place in (facts["config"]["data"], facts["manifest_config"]):
            place.update(step["config"])
        written = {config["name"]: config for config in facts["node_configs"]}
        for config in copy.deepcopy(step["node_configs"]):
            written[config["name"]] = {**node_config(config["name"], [], {}, f"2026-01-0{number + 1}T09:00:00Z"), **config}
        facts["node_configs"] = [config for config in written.values() if config["defaults"]]
        for agent in facts["agents"]:
            if agent["node"] in step["nodes"]:
                agent["status"].update(step["expect_nodes"].get(agent["node"], step["expect"]))
                agent.update(config_current=True, created_at=f"2026-01-0{number + 1}T10:00:00Z")
    return facts
