# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Going back: each record to its former state, unless somebody else has changed it since.

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

from typing import Any, Dict, List

from ansible_collections.fastpath.cilium.plugins.module_utils.change import ops
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Gone
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import UNSURE, Journal, Record
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State

Outcome = Dict[str, Any]


def take_back_run(node: Node, journal: Journal, check: bool = False) -> List[Outcome]:
    """Everything of the run that stands, to its first original, the last op first."""
    return [_guarded(node, journal, record, record.former, check) for record in journal.open()]


def take_back_since(node: Node, journal: Journal, since: int) -> List[Outcome]:
    """What was begun after this place in the journal, to what was there just before."""
    return [_guarded(node, journal, record, record.before, False) for record in journal.standing(since)]


def _guarded(node: Node, journal: Journal, record: Record, goal: State, check: bool) -> Outcome:
    """One record's outcome: what fails does not keep the others from going back."""
    found = {"key": record.key, "kind": str(record.op.get("kind")), "reason": None, "former": None, "found": None,
             "texts": None}
    try:
        op = ops.parse(record.op, node)
        found["former"] = op.shown(goal)
        outcome = _take_back(op, journal, record, goal, check, found)
    except Gone as error:
        outcome, found["reason"] = "gone", error.message
        if not check:
            journal.add({"event": "gone", "key": record.key})
    except (ChangeError, OSError, KeyError, TypeError, ValueError) as error:
        outcome, found["reason"] = "failed", getattr(error, "message", None) or repr(error)
    return dict(found, outcome=outcome)


def _take_back(op: Op, journal: Journal, record: Record, goal: State, check: bool, found: Outcome) -> str:
    if not check:
        op.sweep()
    present = op.read()
    found.update(found=op.shown(present), texts=(op.text(present), op.text(goal)))
    outcome = decide(op, record, present, goal)
    if check:
        return outcome
    if outcome == "restored":
        journal.add({"event": "undoing", "key": record.key})
        op.restore(goal)
        _verify(op, goal)
    elif outcome == "in_place":
        op.settle_back()
    journal.add(_closing(op, record, present, goal, outcome))
    return outcome


def decide(op: Op, record: Record, present: State, goal: State) -> str:
    """What is to be done about a record, by what is there now."""
    ours = op.holds(present) or (record.ours is not None and op.same(present, record.ours))
    if op.same(present, goal):
        return "in_place"
    if not ours and op.runtime and record.boot_id != op.node.boot_id():
        return "reset"
    if not ours and record.state not in UNSURE and record.ours is not None and op.edited(present, record.ours):
        return "kept"
    return "restored"


def _verify(op: Op, goal: State) -> None:
    after = op.read()
    if not op.near(after, goal):
        raise ChangeError("{0} is {1} after it was put back to {2}.".format(op.key, op.shown(after), op.shown(goal)))


def _closing(op: Op, record: Record, present: State, goal: State, outcome: str) -> Dict[str, Any]:
    if outcome == "kept":
        return {"event": "kept", "key": record.key, "state": present}
    if not op.same(goal, record.former):
        return {"event": "done", "key": record.key, "state": goal}  # back to what the run itself had made before
    return {"event": "undone", "key": record.key}


def public(outcomes: List[Outcome]) -> List[Outcome]:
    """Outcomes for a result."""
    return [{name: value for name, value in one.items() if name != "texts"} for one in outcomes]


def failures(outcomes: List[Outcome]) -> str:
    """What did not go back, as words; empty if all did."""
    return "; ".join("{0}: {1}".format(one["key"], one["reason"]) for one in outcomes if one["outcome"] == "failed")
