# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the facts of hosts and policy to verdicts, one for each host tuning, with one for each host in it. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import (
    UNREAD, HostCatalogue, HostEntry, HostTuning, Setting)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Finding, State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Choice, Policy

Verdict = dict[str, Any]
MOST_CHARACTERS = 2000
# Of several hosts the worst decides; where it has no meaning anywhere, that is what is said.
WORST_FIRST = (State.BLOCKED, State.UNKNOWN, State.DRIFT, State.OK, State.NOT_APPLICABLE)
NO_HOSTS = Finding(
    State.UNKNOWN, "It is a matter of the hosts, and the inventory has none.",
    "Name the cluster's hosts in the inventory: Ansible has to reach them, and become root there.")
UNREACHED = "See that Ansible reaches the host and may become root there, and run again."


def judge(hosts: Sequence[Host], policy: Policy, catalogue: HostCatalogue | None = None) -> list[Verdict]:
    """One verdict for each host tuning of the policy, in the order of application. Shape: docs/design.md, Verdicts of hosts."""
    known = catalog.hosts() if catalogue is None else catalogue
    return [_verdict(hosts, known[name], choice) for name, choice in policy.items() if isinstance(choice.tuning, HostTuning)]


def _verdict(hosts: Sequence[Host], entry: HostEntry, choice: Choice) -> Verdict:
    tuning = choice.tuning
    found = {host.name: host_verdict(host, entry, choice) for host in sorted(hosts, key=lambda host: read.natural(host.name))}
    state, reason, way_out = _whole(found)
    return {
        "tuning": tuning.id, "title": tuning.title, "selected": choice.selected, "applies": tuning.applies, "hint": tuning.hint,
        "state": str(state), "reason": reason, "way_out": way_out, "options": dict(choice.options), "hosts": found,
    }


def _whole(found: Mapping[str, Verdict]) -> tuple[State, str, str | None]:
    """The worst state among the hosts, and each reason for it with the hosts it holds for."""
    if not found:
        return NO_HOSTS.state, NO_HOSTS.reason, NO_HOSTS.way_out
    state = next(state for state in WORST_FIRST if any(verdict["state"] == state for verdict in found.values()))
    reasons: dict[tuple[str, str | None], list[str]] = {}
    for name, verdict in found.items():
        if verdict["state"] == state:
            reasons.setdefault((verdict["reason"], verdict["way_out"]), []).append(name)
    told = [f"{read.name_nodes(names)}: {reason}" for (reason, _way_out), names in reasons.items()]
    ways = dict.fromkeys(way_out for _reason, way_out in reasons if way_out)
    return state, one_line(" ".join(told), MOST_CHARACTERS), " ".join(ways) or None


def host_verdict(host: Host, entry: HostEntry, choice: Choice) -> Verdict:
    """{state, reason, way_out, settings: [{what, found, wanted, at_boot, in_place}], notes} of one tuning on one host."""
    finding, settings = _decide(host, entry, choice)
    notes = entry.notes(host, choice.options) if entry.notes and finding.state is not State.NOT_APPLICABLE else ()
    return {
        "state": str(finding.state), "reason": one_line(finding.reason, MOST_CHARACTERS), "way_out": finding.way_out,
        "settings": [_shown(setting) for setting in settings],
        "notes": [one_line(note, MOST_CHARACTERS) for note in notes],
    }


def _decide(host: Host, entry: HostEntry, choice: Choice) -> tuple[Finding, list[Setting]]:
    foundation = _foundation(host)
    if foundation:
        return foundation, []
    for finding in entry.refusals(host, choice.options) if entry.refusals else ():
        return finding, []
    settings = list(entry.settings(host, choice.options))
    return next(_unread(host, settings), None) or _compared(choice.tuning, settings), settings


def _foundation(host: Host) -> Finding | None:
    foreign = _foreign(host)
    if foreign:
        return Finding(State.NOT_APPLICABLE, f"{foreign}, which is not tuned here.", "Nothing is to be done for it.")
    if host.problem:
        return Finding(State.UNKNOWN, f"It is not known: {one_line(host.problem, 300).rstrip('.')}.", UNREACHED)
    if not host.facts:
        return Finding(State.UNKNOWN, "Its facts are no facts of a host of schema 1.", "Read the host with host_info.")
    return None


def _foreign(host: Host) -> str | None:
    """What a node is that has no host as they are meant here."""
    labels = read.mapping((host.node or {}).get("labels")) or {}
    if labels.get("kubernetes.io/os", "linux") != "linux":
        return f"The node runs {one_line(labels['kubernetes.io/os'], 40)}"
    return "The node is a virtual one" if labels.get("type") == "virtual-kubelet" else None


def _unread(host: Host, settings: Iterable[Setting]) -> Iterator[Finding]:
    for setting in settings:
        if setting.in_place is None:
            why = host.why_unread(setting.fact)
            yield Finding(State.UNKNOWN, f"What it is set to is not known ({setting.what}{f': {why}' if why else ''}).",
                          "See why it cannot be read there, and run again.")


def _compared(tuning: HostTuning, settings: Sequence[Setting]) -> Finding:
    other = [setting for setting in settings if not setting.in_place]
    if not other:
        return Finding(State.OK, "All is as wanted.")
    return Finding(State.DRIFT, f"{'; '.join(map(_difference, other[:3]))}{_more(len(other) - 3)}.", tuning.way_out)


def _more(count: int) -> str:
    return f"; and {count} more" if count > 0 else ""


def _difference(setting: Setting) -> str:
    when = " from the next boot on" if setting.at_boot else ""
    return f"{setting.what} is {_words(setting.found)}, wanted {_words(setting.wanted)}{when}"


def _words(value: Any) -> str:
    """A value as a sentence has it."""
    if value is None:
        return "not there"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return one_line(",".join(map(str, value)), 60) or "none"
    return one_line(value, 60) or "empty"


def _shown(setting: Setting) -> dict[str, Any]:
    found = None if setting.found is UNREAD else setting.found
    return {"what": setting.what, "found": found, "wanted": setting.wanted, "at_boot": setting.at_boot,
            "in_place": setting.in_place}
