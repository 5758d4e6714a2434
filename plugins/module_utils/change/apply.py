# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Applying a list of ops: read all, journal, arm, change, read back; when one fails, those before it go back."""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change import deadman, ops, places, program, undo
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Conflict, Refused, classed
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Entry, Journal, stamp
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, Spec, State, line
from ansible_collections.fastpath.cilium.plugins.module_utils.change.take_back import decide, failures, public, take_back

LONGEST_TRIAL = 3600  # seconds
SIDE_EFFECTS = ("tuned_profile", "unit", "queues")  # kinds that change values which other ops are about
APPLIED, IN_PLACE, WITHHELD, PLANNED = "applied", "in_place", "withheld", "planned"


class Request(NamedTuple):
    """What a call asks for. `confirm_within`: seconds until a change that can cut the node off undoes itself."""

    run_id: str
    ops: List[Spec]
    takeover: Optional[str] = None
    confirm_within: int = 60
    check: bool = False


class Planned:
    """One op, what was there before, and what became of it."""

    def __init__(self, op: Op, former: State, journal: Journal) -> None:
        self.op = op
        self.former = former
        self.after: Optional[State] = None
        self.state = IN_PLACE if op.holds(former) else PLANNED
        entry = journal.top(op.key)
        # A killed call may have changed it and not said so.
        self.unfinished = entry is not None and entry.unsure

    def result(self) -> Dict[str, Any]:
        """{key, kind, persist, former, new, changed, verified, state}, with values as their kinds show them."""
        new = self.after if self.after is not None else self.op.wanted(self.former)
        unchanged = self.state == IN_PLACE
        return {"key": self.op.key, "kind": self.op.kind, "persist": self.op.persist, "state": self.state,
                "former": self.op.shown(self.former), "new": self.op.shown(self.former if unchanged else new),
                "changed": not unchanged, "verified": self.state in (APPLIED, IN_PLACE)}

    def difference(self) -> Dict[str, str]:
        new = self.former if self.state == IN_PLACE else self.after or self.op.wanted(self.former)
        return {"before_header": self.op.key, "after_header": self.op.key,
                "before": line(self.op.text(self.former)), "after": line(self.op.text(new))}


def apply(node: Node, request: Request) -> Dict[str, Any]:
    """{changed, ops: [result], diff: [..], armed: null or {confirm_within}}. Raises ChangeError; then all of this call is
    taken back, or the error's details name what is not."""
    parsed = ops.parse_all(request.ops, node)
    places.checked_run_id(request.run_id)
    if not 1 <= request.confirm_within <= LONGEST_TRIAL:
        raise Refused("confirm_within must be from 1 to {0} seconds.".format(LONGEST_TRIAL))
    if request.check:
        places.check_base(node)
        return _answer(_plan(node, parsed, request, Journal(node, request.run_id)), request)
    with places.at_work(node):
        try:
            return _apply(node, parsed, request)
        finally:
            places.drop_base(node)


def _apply(node: Node, parsed: List[Op], request: Request) -> Dict[str, Any]:
    journal = Journal(node, request.run_id)
    planned = _plan(node, parsed, request, journal)
    if any(one.state == PLANNED or one.unfinished for one in planned):
        places.take_lock(node, request.run_id)
        node.make_folder(journal.folder, 0o700)
        Work(node, journal).carry_out(planned, request.confirm_within)
    return _answer(planned, request)


def _plan(node: Node, parsed: List[Op], request: Request, journal: Journal) -> List[Planned]:
    """Everything that can be refused is refused here, before the first change."""
    places.check_lock(node, request.run_id, request.takeover)
    _check_not_armed(node, journal, request.check)
    planned = [Planned(op, _present(op, journal, request.check), journal) for op in parsed]
    if any(deadman.needed(one.op) and one.state == PLANNED for one in planned):
        deadman.check(node)
    return planned


def _check_not_armed(node: Node, journal: Journal, check: bool) -> None:
    marker = deadman.armed(node, journal.run_id)
    if marker is None:
        return
    if journal.standing(marker["since"]) and (check or not deadman.overdue(node, marker)):
        raise Conflict("This run waits for a confirmation on this node: confirm it, or wait until it has undone itself.")
    if not check:  # killed between arming and the first change, or the undo did not come
        deadman.undo(node, journal, marker)


def _present(op: Op, journal: Journal, check: bool) -> State:
    if not check:
        op.sweep()
    present = op.read()
    entry = journal.top(op.key)
    if entry is not None and not op.holds(present) and not _own_side_effect(entry, journal):
        if decide(op, entry, present, journal.first(op.key)) == "kept":
            raise Conflict("{0} is {1}, which is neither what it was nor what this run made of it: somebody else has "
                           "changed it. Take the run back, or begin a new one.".format(op.key, op.shown(present)))
    return present


def _own_side_effect(entry: Entry, journal: Journal) -> bool:
    """Whether a later op of the run itself may have changed it."""
    return any(one.op.get("kind") in SIDE_EFFECTS and one.place > entry.place for one in journal.standing())


def _answer(planned: List[Planned], request: Request) -> Dict[str, Any]:
    armed = any(one.op.cuts_off and not one.op.persist and one.state in (APPLIED, PLANNED) for one in planned)
    if armed and request.check:
        for one in planned:
            one.state = WITHHELD if one.op.persist and one.state == PLANNED else one.state
    return {"changed": any(one.state != IN_PLACE for one in planned), "ops": [one.result() for one in planned],
            "diff": [one.difference() for one in planned if one.state != IN_PLACE],
            "armed": {"confirm_within": request.confirm_within} if armed else None}


class Work:
    """Carries out what was planned, while the node's lock is held."""

    def __init__(self, node: Node, journal: Journal) -> None:
        self.node = node
        self.journal = journal
        self._done: List[Dict[str, Any]] = []

    def carry_out(self, planned: List[Planned], confirm_within: int) -> None:
        """Runtime ops first, then persisted ones; where something could cut the node off the latter wait. Raises
        ChangeError."""
        now = [one for one in planned if not one.op.persist]
        later = [one for one in planned if one.op.persist]
        since = self.journal.place
        arm = any(deadman.needed(one.op) and one.state == PLANNED for one in now)
        if arm:
            self._arm(confirm_within, later)
            since = self.journal.place
        try:
            self._all(now if arm else now + later)
        except (ChangeError, OSError) as error:
            raise self._taken_back(classed(error), since) from None
        for one in later if arm else []:
            one.state = WITHHELD if one.state == PLANNED else one.state

    def _arm(self, confirm_within: int, later: List[Planned]) -> None:
        specs = [one.op.spec for one in later]
        try:
            deadman.arm(self.node, self.journal, confirm_within, specs, program.build(undo))
        except ChangeError:
            self._drop_unused()
            raise

    def _all(self, planned: List[Planned]) -> None:
        """In their order; one that was in place may not be any more, by a side effect of one before it."""
        for one in planned:
            if one.state == PLANNED or one.unfinished or not one.op.holds(one.op.read()):
                self._one(one)
        self._flush()
        for one in planned:
            self._still(one.op)

    def _still(self, op: Op) -> None:
        present = op.read()
        if not op.holds(present):
            raise ChangeError("{0} is {1} again after a later op of the list: it has to come after that one.".format(
                op.key, op.shown(present)))

    def _one(self, one: Planned) -> None:
        """The record of the op before goes to the disk with the announcement of this one."""
        op = one.op
        before = present = op.read()  # ops before it may have changed it since all were looked at
        self._flush({"event": "begin", "key": op.key, "op": op.spec, "former": before, "boot_id": self.node.boot_id(),
                     "at": stamp()})
        if op.holds(before):
            op.settle(before)
        else:
            op.apply(before)
            present = op.read()
        if not op.holds(present):
            raise ChangeError("{0} is {1} after it was set to {2}.".format(
                op.key, op.shown(present), op.shown(op.wanted(one.former))))
        self._done.append({"event": "done", "key": op.key, "state": present})
        unchanged = one.state == IN_PLACE and op.same(present, one.former)
        one.after, one.state = present, IN_PLACE if unchanged else APPLIED

    def _flush(self, *events: Dict[str, Any]) -> None:
        if self._done or events:
            self.journal.add(*self._done, *events)
        self._done = []

    def _taken_back(self, error: ChangeError, since: int) -> ChangeError:
        """The error, after what this call did was taken back. The dead man's switch stays where that did not work."""
        self.journal.note(*self._done)
        self._done = []
        outcomes = take_back(self.node, self.journal, since)
        failed = failures(outcomes)
        if not failed:
            deadman.disarm(self.node, self.journal.run_id)
            self._drop_unused()
        words = "All of this call was taken back." if not failed else "Not taken back: {0}.".format(failed)
        return type(error)("{0} {1}".format(error.message, words), undone=public(outcomes), **error.details)

    def _drop_unused(self) -> None:
        """A run that has changed nothing on this node leaves no lock."""
        if not self.journal.standing():
            places.drop_run(self.node, self.journal.run_id)
            places.release_lock(self.node, self.journal.run_id)


def confirm(node: Node, request: Request) -> Dict[str, Any]:
    """Ends the dead man's switch, then applies what was withheld. As `apply`, with `new_connection`. Raises ChangeError."""
    places.checked_run_id(request.run_id)
    if not node.exists(places.run_folder(request.run_id)):
        raise Refused("Run {0} has changed nothing on this node.".format(request.run_id))
    with places.at_work(node):
        return _confirm(node, request)


def _confirm(node: Node, request: Request) -> Dict[str, Any]:
    places.check_lock(node, request.run_id, None)
    journal = Journal(node, request.run_id)
    marker = deadman.check_confirmable(node, journal)
    _check_stands(node, journal, marker)
    request = request._replace(ops=journal.withheld())
    parsed = ops.parse_all(request.ops, node)
    if not request.check:
        deadman.disarm(node, request.run_id)
        if marker is not None:
            journal.add({"event": "confirmed"})
    planned = [Planned(op, _present(op, journal, request.check), journal) for op in parsed]
    if not request.check and any(one.state == PLANNED or one.unfinished for one in planned):
        Work(node, journal).carry_out([_unmarked(one) for one in planned], request.confirm_within)
    answer = _answer(planned, request)
    new = deadman.new_connection(node, marker) if marker else None
    return dict(answer, changed=answer["changed"] or marker is not None, new_connection=new)


def _check_stands(node: Node, journal: Journal, marker: Optional[deadman.Marker]) -> None:
    """Raises Conflict where what is to be confirmed is not there (any more)."""
    for entry in journal.standing(marker["since"]) if marker else []:
        op = ops.parse(entry.op, node)
        present = op.read()
        if not op.holds(present) and not _own_side_effect(entry, journal):
            raise Conflict("{0} is {1}, which is not what this run made of it: it is not confirmed and undoes itself.".format(
                op.key, op.shown(present)))


def _unmarked(one: Planned) -> Planned:
    """A persisted op is written now; nothing of what was withheld may wait again."""
    one.op.cuts_off = False
    return one


def finish(node: Node, request: Request) -> Dict[str, Any]:
    """Ends the run on this node: another one may begin; the journal stays for host_revert. Raises ChangeError."""
    places.checked_run_id(request.run_id)
    places.check_base(node)
    if deadman.armed(node, request.run_id) is not None:
        raise Conflict("Run {0} waits for a confirmation on this node: confirm it first.".format(request.run_id))
    held = places.holder(node) == request.run_id
    if held and not request.check:
        with places.at_work(node):
            places.release_lock(node, request.run_id)
            places.drop_base(node)
    return {"changed": held, "ops": [], "diff": [], "armed": None}


def forget(node: Node, request: Request) -> Dict[str, Any]:
    """Ends the run on this node and removes its journal: nothing of it can be taken back from then on. Raises ChangeError."""
    answer = finish(node, request)
    there = node.exists(places.run_folder(request.run_id))
    if there and not request.check:
        with places.at_work(node):
            if not places.drop_run(node, request.run_id):
                raise Conflict("{0} holds what is not ours: look at it, and remove it.".format(places.run_folder(request.run_id)))
            places.drop_base(node)
    return dict(answer, changed=answer["changed"] or there)
