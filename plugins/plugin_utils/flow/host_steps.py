# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The part of a plan that is about hosts: what is done on each, in which order and how many at a time. Pure."""
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Risk, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_plan, members
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Choice, Policy, must_be_acknowledged, of_hosts

Verdicts = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Hosts:
    """What a plan is told of hosts: their verdicts, how many are changed before the gate, whether they may be rebooted."""

    verdicts: Sequence[Mapping[str, Any]] = ()
    serial: int = 1
    reboot: bool = False


NO_HOSTS = Hosts()


@dataclass
class HostSteps:
    """`steps` by host, `pending` (what waits for a reboot that nobody asked for) by host, `boots`: boot IDs by node."""

    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    pending: dict[str, list[str]] = field(default_factory=dict)
    boots: dict[str, str] = field(default_factory=dict)
    blocked: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    unacknowledged: list[dict[str, Any]] = field(default_factory=list)


def of(view: View, policy: Policy, accepted: frozenset[str], given: Hosts) -> HostSteps:
    """What is done on the hosts of a cluster, from their verdicts. `accepted`: tunings whose risk was acknowledged."""
    by_name = {str(verdict.get("tuning")): verdict for verdict in given.verdicts}
    mine, unaccepted = _accepted(of_hosts(policy), by_name, accepted)
    hosts = members.of(view, policy)
    made = host_plan.plan(hosts, given.verdicts, mine)
    steps = {name: {**step, "reboot": False} for name, step in made["hosts"].items()}
    if given.reboot:
        for name in made["pending"]:
            steps[name] = _rebooting(steps.get(name) or _idle(hosts, name), made["pending"][name])
    order = host_plan.order(hosts, steps)
    left_out = made["left_out"] if hosts else [_nowhere(entry) for entry in made["left_out"]]
    return HostSteps(
        steps={name: steps[name] for name in order}, order=order,
        batches=batches(hosts, order, given.serial, {name for name, step in steps.items() if step["reboot"]}),
        pending={} if given.reboot else made["pending"],
        boots={step["node"]: step["boot_id"] for step in steps.values() if step["node"] and step["boot_id"]},
        blocked=made["blocked"], left_out=left_out + unaccepted, unacknowledged=_unacknowledged(steps, mine, accepted))


def _accepted(policy: Policy, verdicts: Verdicts, accepted: frozenset[str]) -> tuple[Policy, list[dict[str, Any]]]:
    """The policy without what of a profile costs more than was acknowledged, and that."""
    waiting = [choice for name, choice in policy.items() if not choice.named and choice.tuning.applies
               and (verdicts.get(name) or {}).get("state") == State.DRIFT and _unaccepted(choice, accepted)]
    names = {choice.tuning.id for choice in waiting}
    entries = [{"tuning": choice.tuning.id, "state": str(State.DRIFT),
                "reason": f"It costs {choice.tuning.risk.word.replace('_', ' ')}: {choice.tuning.reason}",
                "way_out": f"Add {choice.tuning.id} to fastpath_acknowledge to have it done."} for choice in waiting]
    return {name: choice for name, choice in policy.items() if name not in names}, entries


def _unaccepted(choice: Choice, accepted: frozenset[str]) -> bool:
    return must_be_acknowledged(choice.tuning.risk) and choice.tuning.id not in accepted


def _unacknowledged(steps: Verdicts, policy: Policy, accepted: frozenset[str]) -> list[dict[str, Any]]:
    done = {name for step in steps.values() for name in step["tunings"]}
    return [{"tuning": name, "risk": choice.tuning.risk.word, "reason": choice.tuning.reason}
            for name, choice in policy.items() if name in done and _unaccepted(choice, accepted)]


def _nowhere(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Of a profile, in an inventory without hosts: told, and no reason to call a cluster's state unknown."""
    return {**entry, "applies": False}


def _idle(hosts: Sequence[Host], name: str) -> dict[str, Any]:
    """A host on which nothing is left to be done but a reboot."""
    host = next(host for host in hosts if host.name == name)
    return {"node": (host.node or {}).get("name"), "boot_id": read.text(host.facts.get("boot_id")), "tunings": [], "ops": [],
            "changes": [], "risk": Risk.NONE.word, "reason": "", "undo": ""}


def _rebooting(step: Mapping[str, Any], pending: Sequence[str]) -> dict[str, Any]:
    return {**step, "reboot": True, "risk": Risk.REBOOT.word,
            "reason": f"{step['reason']} The node is drained and rebooted for {', '.join(pending)}.".strip(),
            "undo": f"{step['undo']} What only a boot brings back comes with the next one.".strip()}


def batches(hosts: Sequence[Host], order: Sequence[str], serial: int, alone: Collection[str] = ()) -> list[list[str]]:
    """Hosts that are changed before the next gate: at most `serial` workers; one of the control plane, or of those `alone`."""
    workers = {host.name for host in hosts if (host.node or {}).get("control_plane") is False} - set(alone)
    found: list[list[str]] = []
    for name in order:
        joins = name in workers and found and found[-1][0] in workers and len(found[-1]) < serial
        found += [] if joins else [[]]
        found[-1].append(name)
    return found


def restarted(boots: Mapping[str, Any], view: View) -> str | None:
    """Why hosts are not those that a plan was made for: a node was restarted since; None where they are."""
    now = {node["name"]: node.get("boot_id") for node in view.nodes or ()}
    other = [name for name, boot in boots.items() if str(now.get(name)).lower() != str(boot).lower()]
    if other:
        return f"{read.name_nodes(other)} restarted after the plan was made: plan again."
    return None
