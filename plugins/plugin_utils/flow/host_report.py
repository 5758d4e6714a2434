# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the report says of hosts. Those of which the same is to be said are told together: there may be hundreds. Pure."""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.layout import clean, heading, paragraph, table, wrapped
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.words import shown

SHOWN_CHANGES = 12
SHOWN_NAMES = 12
NO_REBOOT = "Nothing is rebooted unless fastpath_reboot is true."


def audit(verdicts: Any, width: int) -> list[str]:
    """A row for each tuning and state with the hosts of that state, then why, for each reason. Nothing without verdicts."""
    found = list(_mappings(verdicts))
    if not found:
        return []
    groups = [(verdict, state, hosts) for verdict in found for state, hosts in _states(verdict).items()]
    lines = heading("Hosts", f"{len(found)} tunings of hosts", width)
    lines += table([("TUNING", "STATE", "HOSTS"),
                    *((verdict.get("tuning"), state, names(hosts) or "none") for verdict, state, hosts in groups)], width)
    told: dict[str, str] = {}
    for verdict, state, hosts in groups:
        lines += _details(verdict, state, hosts, width, told) if hosts else []
    return lines + _nowhere([verdict for verdict in found if not verdict.get("hosts")], width)


def _nowhere(verdicts: Sequence[Mapping], width: int) -> list[str]:
    """What is the same for all tunings where there are no hosts."""
    lines = []
    for reason in dict.fromkeys(clean(verdict.get("reason")) for verdict in verdicts):
        lines += paragraph("Why", reason, width)
        lines += paragraph("Way out", next(verdict.get("way_out") for verdict in verdicts if clean(verdict.get("reason")) == reason), width)
    return ["", *lines] if lines else []


def names(hosts: Iterable[Any]) -> str:
    """Names of hosts, in natural order and not too many."""
    return read.name_nodes([str(host) for host in hosts], SHOWN_NAMES)


def _states(verdict: Mapping) -> dict[str, list[str]]:
    """Hosts by the state of the tuning on them; without hosts, the verdict's own state."""
    states: dict[str, list[str]] = {}
    for host, record in _of_hosts(verdict):
        states.setdefault(clean(record.get("state")), []).append(host)
    return states or {clean(verdict.get("state")): []}


def _of_hosts(verdict: Mapping) -> Iterator[tuple[str, Mapping]]:
    for host, record in (read.mapping(verdict.get("hosts")) or {}).items():
        yield str(host), read.mapping(record) or {}


def _details(verdict: Mapping, state: str, hosts: Sequence[str], width: int, told: dict[str, str]) -> list[str]:
    """Reasons, ways out and notes of the hosts of one state. `told`: ways out that stand above, with the tuning where they do."""
    records = [(host, record) for host, record in _of_hosts(verdict) if host in hosts] or [("", verdict)]
    fine, name = state == "OK", clean(verdict.get("tuning"))
    lines = []
    for reason, who in _by(records, lambda record: [] if fine else [record.get("reason")]).items():
        lines += paragraph("Why", f"{_who(who, records)}{reason}", width)
    for way_out in _by(records, lambda record: [] if fine else [record.get("way_out") or verdict.get("way_out")]):
        lines += paragraph("Way out", f"see {told[way_out]} above" if told.get(way_out, name) != name else way_out, width)
        told.setdefault(way_out, name)
    for note, who in _by(records, lambda record: read.listing(record.get("notes")) or []).items():
        lines += paragraph("Note", f"{_who(who, records)}{note}", width)
    return ["", f"{name}: {state}", *lines] if lines else []


def _by(records: Iterable[tuple[str, Mapping]], sentences: Any) -> dict[str, list[str]]:
    """Hosts by what is said of them."""
    found: dict[str, list[str]] = {}
    for host, record in records:
        for sentence in map(clean, sentences(record)):
            if sentence:
                found.setdefault(sentence, []).append(host)
    return found


def _who(hosts: Sequence[str], records: Sequence[Any]) -> str:
    return "" if len(hosts) == len(records) else f"{names(hosts)}: "


def planned(plan: Mapping, width: int) -> list[str]:
    """What is changed on which hosts, with former and new values, in the order in which hosts come; what waits for a reboot."""
    steps = read.mapping(plan.get("hosts")) or {}
    groups: dict[str, list[str]] = {}
    for host in map(str, read.listing(plan.get("host_order")) or []):
        step = read.mapping(steps.get(host)) or {}
        told = {key: value for key, value in step.items() if key not in ("node", "boot_id")}
        groups.setdefault(json.dumps(told, sort_keys=True, default=str), []).append(host)
    lines = []
    for number, (step, hosts) in enumerate(groups.items(), 1):
        lines += ["", *_step(number, len(groups), json.loads(step), hosts, width)]
    if len(groups) > 1 or any(len(hosts) > 1 for hosts in groups.values()):
        lines += ["", *wrapped("", f"Order of hosts: {_order(plan)}", width)]
    return lines + _pending(plan.get("reboot_pending"), width)


def _order(plan: Mapping) -> str:
    batches = [names(read.listing(batch) or []) for batch in read.listing(plan.get("host_batches")) or []]
    more = f", then {len(batches) - 12} more" if len(batches) > 12 else ""
    return f"{', then '.join(batches[:12])}{more}; after each the cluster must be as well as before, else all goes back"


def _step(number: int, total: int, step: Mapping, hosts: Sequence[str], width: int) -> list[str]:
    which = f"Hosts {number} of {total}" if total > 1 else "Hosts"
    lines = wrapped("", f"{which}: {names(hosts)}  [risk: {clean(step.get('risk')).replace('_', ' ')}]", width)
    lines += paragraph("For", ", ".join(map(clean, read.listing(step.get("tunings")) or [])), width)
    lines += paragraph("Why", step.get("reason"), width)
    changes = list(_mappings(step.get("changes")))
    label = "Set"
    for change in changes[:SHOWN_CHANGES]:
        lines += paragraph(label, _change(change), width)
        label = ""
    if len(changes) > SHOWN_CHANGES:
        lines += paragraph("", f"and {len(changes) - SHOWN_CHANGES} more, see plan.json in the record", width)
    if step.get("reboot") is True:
        lines += paragraph("Reboot", "cordoned and drained before, and only then; back in service when its agent is well", width)
    return lines + paragraph("Undo", step.get("undo"), width)


def _change(change: Mapping) -> str:
    boot = ", for the next boot" if change.get("at_boot") is True else ""
    return f"{clean(change.get('what'))}: {_value(change.get('found'))} -> {_value(change.get('wanted'))}{boot}"


def _value(value: Any) -> str:
    return "not there" if value is None else shown(value)


def _pending(pending: Any, width: int) -> list[str]:
    hosts = [(str(host), {"what": read.listing(what) or []}) for host, what in (read.mapping(pending) or {}).items()]
    found = _by(hosts, lambda record: [", ".join(map(clean, record["what"]))])
    lines = []
    for what, who in found.items():
        lines += paragraph("Pending", f"{names(who)}: a reboot brings {what}. {NO_REBOOT}", width, 0)
    return ["", *lines] if lines else []


def ended(result: Mapping, width: int) -> list[str]:
    """What became of hosts: how much was changed, what waits for a reboot, what stays after the way back."""
    records = [(f"{clean(record.get('host'))}", record) for record in _mappings(result.get("hosts"))]
    lines = []
    for sentence, who in _by(records, lambda record: [_became(record)]).items():
        lines += paragraph("Hosts", f"{names(dict.fromkeys(who))}: {sentence}", width, 0)
    for sentence, who in _by(records, lambda record: [", ".join(map(clean, read.listing(record.get("pending")) or []))]).items():
        lines += paragraph("Pending", f"{names(dict.fromkeys(who))}: a reboot brings {sentence}.", width, 0)
    for sentence, who in _by(records, lambda record: read.listing(record.get("kept")) or []).items():
        lines += paragraph("Kept", f"on {names(dict.fromkeys(who))}: {sentence}", width, 0)
    return lines


def _became(record: Mapping) -> str:
    count = len(read.listing(record.get("changes")) or [])
    how = {"done": "changed and verified", "undone": "taken back and verified"}.get(
        str(record.get("state")), "begun, and not brought to an end: look at it")
    rebooted = ", rebooted" if record.get("rebooted") is True else ""
    return f"{count} {'change' if count == 1 else 'changes'} {how}{rebooted}" if count else f"{how}{rebooted}"


def _mappings(value: Any) -> Iterator[Mapping]:
    yield from (found for found in map(read.mapping, read.listing(value) or []) if found)
