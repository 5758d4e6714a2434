# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From verdicts of hosts to the ops of each host. Pure: nothing is read and nothing is written."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import (
    UNREAD, HostCatalogue, HostTuning, Setting)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Risk, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import outcome
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Choice, Policy

Op = Mapping[str, Any]


def plan(hosts: Sequence[Host], verdicts: Sequence[Mapping], policy: Policy, catalogue: HostCatalogue | None = None
         ) -> dict[str, Any]:
    """{hosts: {name: {node, boot_id, tunings, ops, changes, risk, reason, undo}}, pending: {name: [what]}, order: [names],
    blocked, left_out, outcome}.

    `ops` are those of host_apply, in order; `changes` are the settings they bring about: [{tuning, what, found, wanted,
    at_boot}]. `pending`: what only a reboot brings about. `order`: workers first, the control plane last. What is blocked on
    some hosts keeps these from nothing else, and others from nothing at all; named, it makes the outcome.
    """
    known = catalog.hosts() if catalogue is None else catalogue
    by_name = {str(verdict.get("tuning")): verdict for verdict in verdicts}
    chosen = {name: choice for name, choice in policy.items() if isinstance(choice.tuning, HostTuning) and name in by_name}
    steps = {host.name: _host(host, by_name, chosen, known) for host in hosts}
    pending = {name: step.pop("pending") for name, step in steps.items()}
    steps = {name: step for name, step in steps.items() if step["ops"]}
    blocked, left_out = outcome.held_back(by_name, chosen, _reached)
    return {"hosts": steps, "pending": {name: what for name, what in pending.items() if what}, "order": order(hosts, steps),
            "blocked": blocked, "left_out": left_out, "outcome": outcome.outcome(blocked, [], list(steps))}


def _host(host: Host, verdicts: Mapping[str, Mapping], policy: Policy, known: HostCatalogue) -> dict[str, Any]:
    """What is done on one host: of every tuning that is DRIFT there and applies, what is not in place."""
    tunings: list[HostTuning] = []
    ops: list[Op] = []
    changes: list[dict[str, Any]] = []
    pending: list[str] = []
    for name, choice in policy.items():
        verdict = (verdicts[name].get("hosts") or {}).get(host.name) or {}
        if verdict.get("state") == State.DRIFT and choice.tuning.applies:
            settings = list(known[name].settings(host, choice.options))
            found = list(_ops(settings))
            tunings += [choice.tuning] if found else []
            changes += [_change(name, setting) for setting in settings if not setting.in_place]
            pending += waiting(settings)
            for op in found:
                # Several settings may rest on one op: a unit is stopped and disabled at once.
                ops += [] if op in ops else [op]
    return {"node": (host.node or {}).get("name"), "boot_id": read.text(host.facts.get("boot_id")),
            "tunings": [tuning.id for tuning in tunings], "ops": ops, "changes": changes, "pending": pending, **_words(tunings)}


def _ops(settings: Iterable[Setting]) -> Iterator[Op]:
    for setting in settings:
        if not setting.in_place:
            yield from setting.ops


def _change(tuning: str, setting: Setting) -> dict[str, Any]:
    return {"tuning": tuning, "what": setting.what, "found": None if setting.found is UNREAD else setting.found,
            "wanted": setting.wanted, "at_boot": setting.at_boot}


def waiting(settings: Sequence[Setting]) -> list[str]:
    """What of a tuning's settings only a reboot brings about: it cannot be changed as it runs, and the next boot has it."""
    if not any(setting.at_boot for setting in settings):
        return []
    return [setting.what for setting in settings if not (setting.in_place or setting.at_boot or setting.ops)]


def _words(tunings: Sequence[HostTuning]) -> dict[str, Any]:
    risk = max((tuning.risk for tuning in tunings), default=Risk.NONE)
    return {"risk": risk.word, "reason": " ".join(dict.fromkeys(tuning.reason for tuning in tunings)),
            "undo": " ".join(dict.fromkeys(tuning.undo for tuning in tunings))}


def order(hosts: Iterable[Host], names: Iterable[str]) -> list[str]:
    """Workers first, the control plane last. A host that is not known to be a worker comes with the control plane."""
    last = {host.name for host in hosts if (host.node or {}).get("control_plane") is not False}
    return sorted(names, key=lambda name: (name in last, read.natural(name)))


def _reached(verdict: Mapping, choice: Choice) -> bool:
    """Hints hold nothing back."""
    return choice.tuning.hint or verdict.get("state") in (State.OK, State.NOT_APPLICABLE) or (
        verdict.get("state") == State.DRIFT and choice.tuning.applies)


def refusal(made: Mapping[str, Any]) -> str | None:
    """Why nothing may be applied, in one sentence; None when it may."""
    if made["outcome"] not in ("blocked", "unknown"):
        return None
    first = made["blocked"][0]
    way_out = f" {first['way_out']}" if first.get("way_out") else ""
    return f"{first['tuning']} is {first['state']}: {first['reason']}{way_out}"
