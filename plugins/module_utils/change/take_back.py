# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Going back: each op to the state before it, unless somebody else has changed it since.

Outcomes: {key, kind, outcome, former, found, reason}, the outcome being one of
    restored    the former state is back and was read back
    in_place    it was there already
    reset       a reboot has reset what only the running kernel held
    kept        neither our state nor the former one was there: somebody else's, which stays
    gone        the device, interrupt or file is not there any more
    failed      the former state could not be brought back; reason says why
`texts` are found and former as --diff shows them; `public` leaves them out.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, List

from ansible_collections.fastpath.cilium.plugins.module_utils.change import ops
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Gone
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Entry, Journal
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State

FINAL = ("kept", "gone", "failed")
Outcome = Dict[str, Any]


def preview(node: Node, journal: Journal) -> List[Outcome]:
    """What `take_back` would come to, by what is there now; changes nothing."""
    keys = list(dict.fromkeys(entry.key for entry in journal.standing()))
    return [_guarded(node, journal.entries[key][-1], journal.first(key), _foreseen) for key in keys]


def take_back(node: Node, journal: Journal, since: int = 0) -> List[Outcome]:
    """Takes back what was begun after this place in the journal, op by op, the last one first; an outcome for each key."""
    found: Dict[str, Outcome] = {}
    for entry in journal.standing(since):
        former = found.get(entry.key)
        if former is not None and former["outcome"] in FINAL:
            continue  # what somebody else made of it stays, and what failed is tried again from there
        latest = _guarded(node, entry, entry.before, Way(journal, former is None).go)
        found[entry.key] = latest if former is None else merged(former, latest)
    return list(found.values())


def merged(former: Outcome, latest: Outcome) -> Outcome:
    """What became of a key with several ops: its first state came back, and what was found is what the last op had left."""
    restored = "restored" in (former["outcome"], latest["outcome"]) and latest["outcome"] not in FINAL
    return dict(latest, outcome="restored" if restored else latest["outcome"], found=former["found"],
                texts=former["texts"] and latest["texts"] and (former["texts"][0], latest["texts"][1]))


def _guarded(node: Node, entry: Entry, goal: State, act: Callable[..., str]) -> Outcome:
    """One op's outcome: what fails does not keep the others from going back."""
    found = {"key": entry.key, "kind": str(entry.op.get("kind")), "reason": None, "former": None, "found": None,
             "texts": None}
    try:
        op = ops.parse(entry.op, node)
        found["former"] = op.shown(goal)
        outcome = act(op, entry, goal, found)
    except (ChangeError, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        outcome, found["reason"] = "failed", getattr(error, "message", None) or repr(error)
    return dict(found, outcome=outcome)


def _looked_at(op: Op, goal: State, found: Outcome) -> State:
    present = op.read()
    found.update(found=op.shown(present), texts=(op.text(present), op.text(goal)))
    return present


def _foreseen(op: Op, entry: Entry, goal: State, found: Outcome) -> str:
    try:
        return decide(op, entry, _looked_at(op, goal, found), goal)
    except Gone as error:
        found["reason"] = error.message
        return "gone"


class Way:
    """The way back of one op. `latest`: it is the last one on its key, so somebody else may have been there since."""

    def __init__(self, journal: Journal, latest: bool) -> None:
        self.journal = journal
        self.latest = latest

    def go(self, op: Op, entry: Entry, goal: State, found: Outcome) -> str:
        op.sweep()
        try:
            outcome = self._go(op, entry, goal, found)
        except Gone as error:
            outcome, found["reason"] = "gone", error.message
        self.journal.note({"event": outcome if outcome in ("kept", "gone") else "undone", "key": entry.key})
        return outcome

    def _go(self, op: Op, entry: Entry, goal: State, found: Outcome) -> str:
        present = _looked_at(op, goal, found)
        outcome = decide(op, entry, present, goal) if self.latest else "in_place" if op.same(present, goal) else "restored"
        if outcome == "restored":
            self.journal.note({"event": "undoing", "key": entry.key})
            op.restore(goal)
            _verify(op, goal)
        elif outcome == "in_place":
            op.settle_back()
        return outcome


def decide(op: Op, entry: Entry, present: State, goal: State) -> str:
    """What is to be done about the last op on a key, by what is there now."""
    ours = op.holds(present) or (entry.ours is not None and op.same(present, entry.ours))
    if op.same(present, goal):
        return "in_place"
    if not ours and op.runtime and entry.boot_id != op.node.boot_id():
        return "reset"
    if not ours and not entry.unsure and entry.ours is not None and op.edited(present, entry.ours):
        return "kept"
    return "restored"


def _verify(op: Op, goal: State) -> None:
    after = op.read()
    if not op.near(after, goal):
        raise ChangeError("{0} is {1} after it was put back to {2}.".format(op.key, op.shown(after), op.shown(goal)))


def public(outcomes: List[Outcome]) -> List[Outcome]:
    """Outcomes for a result."""
    return [{name: value for name, value in one.items() if name != "texts"} for one in outcomes]


def failures(outcomes: List[Outcome]) -> str:
    """What did not go back, as words; empty if all did."""
    return "; ".join("{0}: {1}".format(one["key"], one["reason"]) for one in outcomes if one["outcome"] == "failed")
