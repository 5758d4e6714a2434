# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Taking back a whole run on this node, leaving no trace of it."""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change import deadman, places
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Journal
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import line
from ansible_collections.fastpath.cilium.plugins.module_utils.change.take_back import (
    Outcome, failures, preview, public, take_back)


class Request(NamedTuple):
    """`journal`: auto (it goes when everything is as it was), remove (also when somebody else's changes stay), keep."""

    run_id: str
    journal: str = "auto"
    takeover: Optional[str] = None
    check: bool = False


def revert(node: Node, request: Request) -> Dict[str, Any]:
    """{changed, ops: [outcome], diff, journal: removed|kept|absent}. Raises ChangeError when something did not go back;
    its details hold the outcomes."""
    places.checked_run_id(request.run_id)
    places.check_base(node)
    if not node.exists(places.BASE) or _nothing_of(node, request.run_id):
        return _answer([], False, "absent")
    if request.check:
        places.check_lock(node, request.run_id, request.takeover)
        there = node.exists(places.run_folder(request.run_id))
        return _answer(preview(node, Journal(node, request.run_id)), there, "kept" if there else "absent")
    with places.at_work(node):
        places.check_lock(node, request.run_id, request.takeover)
        try:
            return _revert(node, request)
        finally:
            places.drop_base(node)


def _nothing_of(node: Node, run_id: str) -> bool:
    """Whether another run is at work here and this one has changed nothing: then there is nothing to quarrel about."""
    return not node.exists(places.run_folder(run_id)) and places.holder(node) not in (None, run_id)


def _revert(node: Node, request: Request) -> Dict[str, Any]:
    absent = not node.exists(places.run_folder(request.run_id))
    journal = Journal(node, request.run_id)
    held = places.holder(node) == request.run_id
    if journal.standing():
        places.take_lock(node, request.run_id)
    outcomes = take_back(node, journal)
    failed = failures(outcomes)
    if failed:
        raise ChangeError("Not everything could be taken back: {0}. The journal is kept; put this right and take the run "
                          "back again.".format(failed), undone=public(outcomes))
    deadman.disarm(node, request.run_id)
    removed = _drop(node, request, journal)
    released = places.release_lock(node, request.run_id)
    word = "absent" if absent else "removed" if removed else "kept"
    return _answer(outcomes, (removed and not absent) or (held and released), word)


def _drop(node: Node, request: Request, journal: Journal) -> bool:
    if request.journal == "keep" or (journal.entries and request.journal == "auto"):
        return False
    return places.drop_run(node, request.run_id)


def _answer(outcomes: List[Outcome], changed: bool, journal: str) -> Dict[str, Any]:
    touched = [one for one in outcomes if one["outcome"] == "restored"]
    differences = [{"before_header": one["key"], "after_header": one["key"], "before": line(one["texts"][0]),
                    "after": line(one["texts"][1])} for one in touched]
    return {"changed": changed or bool(touched), "ops": public(outcomes), "diff": differences, "journal": journal}
