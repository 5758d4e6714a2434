# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""For tests: a recorded cluster whose nodes have hosts, judged and planned as the playbooks do it."""
from __future__ import annotations

import copy
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, judge, members, plan
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.host_steps import Hosts
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model, host_model, machine_model

FIXTURE = "1.18.12-snat-native"
# Nothing of the cluster itself differs with this.
ALONE = {"dsr": {"mode": "snat"}}


def cluster(*nodes: str, **machines: Any) -> dict[str, Any]:
    """The cluster with a host for each of these nodes (all, where none is named); machines by node_1=facts."""
    facts = cluster_model.load(FIXTURE)
    named = nodes or tuple(node["name"] for node in facts["nodes"])
    return host_model.with_hosts(facts, {
        node: copy.deepcopy(machines.get(node.replace("-", "_"), machine_model.facts())) for node in named})


def judged(facts: Any, tunings: Any = None, profile: str | None = None) -> list[dict[str, Any]]:
    chosen = policy.parse(tunings, profile=profile)
    return host_judge.judge(members.of(View(facts), chosen), chosen)


def planned(facts: Any, tunings: Any = None, profile: str | None = None, acknowledge: Any = (), serial: int = 1,
            reboot: bool = False) -> dict[str, Any]:
    chosen = policy.parse(tunings, profile=profile)
    own = Hosts(judged(facts, tunings, profile), serial, reboot)
    return plan.plan(facts, judge.judge(facts, chosen), chosen, policy.acknowledged(list(acknowledge)), hosts=own)


def locked_down() -> dict[str, Any]:
    """A machine whose kernel lets nobody switch the live preemption model."""
    return machine_model.changed(machine_model.facts(), "kernel.lockdown", "integrity")
