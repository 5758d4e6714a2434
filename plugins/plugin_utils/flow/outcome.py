# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What verdicts come to, of a cluster and of hosts alike: what no step reaches, and the outcome. Pure."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import State
from ansible_collections.fastpath.cilium.plugins.plugin_utils.policy import Choice, Policy

Verdict = Mapping[str, Any]
NOT_JUDGED: Verdict = {"state": str(State.UNKNOWN), "reason": "It was not judged.", "way_out": None}


def held_back(verdicts: Mapping[str, Verdict], policy: Policy, reached: Callable[[Verdict, Choice], bool]
              ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is wanted and not `reached` by any step: named by the user, and of a profile."""
    named: list[dict[str, Any]] = []
    of_profile: list[dict[str, Any]] = []
    for name, choice in policy.items():
        verdict = verdicts.get(name) or NOT_JUDGED
        if choice.selected and not reached(verdict, choice):
            entry = {"tuning": name, **{key: verdict.get(key) for key in ("state", "reason", "way_out", "applies")}}
            (named if choice.named else of_profile).append(entry)
    return named, of_profile


def outcome(blocked: Sequence[Verdict], left_out: Sequence[Verdict], steps: Sequence[Any]) -> str:
    """in_line, drift, blocked or unknown."""
    states = {entry["state"] for entry in blocked}
    if states - {State.UNKNOWN}:
        return "blocked"
    if states:
        return "unknown"
    left = {entry["state"] for entry in left_out if entry.get("applies") is not False}
    if steps or State.DRIFT in left:
        return "drift"
    return "unknown" if State.UNKNOWN in left else "in_line"
