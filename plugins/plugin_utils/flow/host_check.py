# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether hosts, read again, are as a plan found them, and afterwards as it wants them. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import host_judge, host_plan, members
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Policy

AGAIN = "plan again."


def before(plan: Mapping[str, Any], facts: Any, names: Sequence[str], policy: Policy) -> tuple[list[dict[str, Any]], list[str]]:
    """What is to be done on these hosts, [{host, node, boot_id, ops, reboot}], and failures as sentences.

    Of the planned ops those that are still needed. What needs another op than was planned was changed in between.
    """
    steps, failures = [], []
    for name, planned, host in _each(plan, facts, names, policy):
        reason = _unfit(host, planned)
        if reason is None:
            mine = _mine(planned, policy)
            verdicts = host_judge.judge([host], mine)
            ops = (host_plan.plan([host], verdicts, mine)["hosts"].get(name) or {"ops": []})["ops"]
            reason = _moved(verdicts, ops, read.listing(planned.get("ops")) or [], name)
            steps.append({"host": name, "node": planned.get("node"), "boot_id": planned.get("boot_id"), "ops": ops,
                          "reboot": planned.get("reboot") is True})
        if reason:
            failures.append(f"{one_line(name, 80)}: {reason}")
    return steps, failures


def after(plan: Mapping[str, Any], facts: Any, names: Sequence[str], policy: Policy) -> tuple[dict[str, list[str]], list[str]]:
    """What waits for a reboot by host, and failures as sentences: what is not in place, and was planned."""
    pending: dict[str, list[str]] = {}
    failures = []
    for name, planned, host in _each(plan, facts, names, policy):
        reason = _restarted(host, planned)
        if reason:
            failures.append(f"{one_line(name, 80)}: {reason}")
            continue
        pending[name] = []
        for tuning in _mine(planned, policy):
            waiting, reason = _in_place(host, tuning, policy)
            if waiting and planned.get("reboot") is True:
                reason = reason or f"still waits for a reboot, although it was rebooted ({', '.join(waiting)})."
            pending[name] += waiting
            failures += [f"{one_line(name, 80)}: {tuning} {reason}"] if reason else []
    return pending, failures


def _each(plan: Mapping[str, Any], facts: Any, names: Iterable[str], policy: Policy
          ) -> Iterator[tuple[str, Mapping[str, Any], Host]]:
    view = View(facts)
    there = {host.name: host for host in members.of(view, policy)}
    for name in names:
        planned = read.mapping((read.mapping(plan.get("hosts")) or {}).get(name)) or {}
        yield name, planned, there.get(name) or _gone(view, name)


def _gone(view: View, name: str) -> Host:
    """A host that is nobody's now, and why."""
    told = next((read.text(entry.get("problem")) for entry in view.hosts if entry.get("host") == name), None)
    return Host(name, None, problem=told or "It is no host of a node of this cluster any more.")


def _mine(planned: Mapping[str, Any], policy: Policy) -> Policy:
    """Of the policy what was planned for this host: what was left out is nobody's business here."""
    named = read.listing(planned.get("tunings")) or []
    return {name: choice for name, choice in policy.items() if name in named}


def _unfit(host: Host, planned: Mapping[str, Any]) -> str | None:
    if not host.facts:
        return one_line(host.problem or "it could not be read.", 400)
    if read.text(host.facts.get("boot_id")) != planned.get("boot_id") or (host.node or {}).get("name") != planned.get("node"):
        return f"it restarted, or is another node, after the plan was made: {AGAIN}"
    return None


def _moved(verdicts: Iterable[Mapping[str, Any]], ops: Sequence[Any], planned: Sequence[Any], name: str) -> str | None:
    for verdict in verdicts:
        found = verdict["hosts"][name]
        if found["state"] not in (State.OK, State.DRIFT):
            return f"{verdict['tuning']} is {found['state']} by now: {found['reason']}"
    other = [op for op in ops if op not in planned]
    return f"it was changed after the plan was made, and needs something else by now: {AGAIN}" if other else None


def _restarted(host: Host, planned: Mapping[str, Any]) -> str | None:
    """A host that restarted by itself runs what its boot made of it; one that was rebooted must have."""
    if not host.facts:
        return one_line(host.problem or "it could not be read again.", 400)
    same = read.text(host.facts.get("boot_id")) == planned.get("boot_id")
    if planned.get("reboot") is True:
        return "it did not restart." if same else None
    return None if same else "it restarted while it was changed."


def _in_place(host: Host, tuning: str, policy: Policy) -> tuple[list[str], str | None]:
    """What of a tuning waits for a reboot, and what else is not in place."""
    entry, choice = catalog.hosts()[tuning], policy[tuning]
    verdict = host_judge.host_verdict(host, entry, choice)
    if verdict["state"] == State.OK:
        return [], None
    if verdict["state"] != State.DRIFT:
        return [], f"is {verdict['state']}: {verdict['reason']}"
    waiting = host_plan.waiting(list(entry.settings(host, choice.options)))
    other = [setting["what"] for setting in verdict["settings"] if not setting["in_place"] and setting["what"] not in waiting]
    return waiting, f"is not in place: {verdict['reason']}" if other else None
