# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a run changed on this node and what was there before, written before it is changed.

One file of JSON lines, /var/lib/fastpath-cilium/<run id>/journal.jsonl, only ever appended to and synced. A line that a
kill cut short is no line: what it announced was not begun. Events:

    run        {schema: 1, run_id, created_at}
    begin      {key, op, former, boot_id, at}   the state just before the op; the first one of a key is what undo goes to
    done       {key, state}                     as read back afterwards
    undoing    {key}                            on the way back
    undone     {key}                            the former state is back
    kept       {key, state}                     at undo somebody else's value was found, and left
    gone       {key}                            at undo the device, interrupt or file was not there any more
    armed      {timeout}    confirmed {}    fired {at}
    withheld   {ops}                            persisted ops that wait for the confirmation
"""
from __future__ import annotations

import json
import time
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Garbled
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Spec, State
from ansible_collections.fastpath.cilium.plugins.module_utils.change.places import run_folder

SCHEMA = 1
LIMIT = 256 << 20  # bytes; files are journalled whole and are at most 1 MiB each
BEGUN, DONE, UNDOING, UNDONE, KEPT, GONE = "begun", "done", "undoing", "undone", "kept", "gone"
UNSURE = (BEGUN, UNDOING)  # a kill may have left something between, which is nobody else's

NAMES = {"done": DONE, "undoing": UNDOING, "undone": UNDONE, "kept": KEPT, "gone": GONE}

Event = Dict[str, Any]


class Record:
    """What became of one key. `former` is its first original, `before` the state just before the last op on it."""

    def __init__(self, event: Event, place: int) -> None:
        self.key: str = event["key"]
        self.former: State = event["former"]
        self.before = self.former
        self.first = place
        self.state = UNDONE
        self.begin(event, place)

    def begin(self, event: Event, place: int) -> None:
        # An op that was cut short left something between: what was there before it counts on.
        self.before: State = self.before if self.state in UNSURE else event["former"]
        self.op: Spec = event["op"]
        self.boot_id: str = event["boot_id"]
        self.last = place
        self.state = BEGUN
        self.ours: Optional[State] = None

    @property
    def standing(self) -> bool:
        return self.state in (BEGUN, DONE, UNDOING)

    @property
    def open(self) -> bool:
        """Whether a rollback of the run has to look at it: what was kept may have gone back meanwhile."""
        return self.standing or self.state == KEPT


class Journal:
    """The journal of one run; reading it never writes."""

    def __init__(self, node: Node, run_id: str) -> None:
        self.node = node
        self.run_id = run_id
        self.folder = run_folder(run_id)
        self.path = self.folder + "/journal.jsonl"
        self.events: List[Event] = []
        self.records: Dict[str, Record] = {}
        self._good = 0
        self._load()

    def _load(self) -> None:
        content = self.node.read(self.path, LIMIT) if self.node.exists(self.path) else b""
        lines = content.split(b"\n")
        for number, line in enumerate(lines[:-1]):
            event = parsed(line)
            if event is None and number < len(lines) - 2:
                raise Garbled("Line {0} of {1} is no entry of a journal: look at it before anything else is changed on "
                              "this node.".format(number + 1, self.path))
            if event is None:
                break
            self._take(event)
            self._good += len(line) + 1

    def _take(self, event: Event) -> None:
        name = event["event"]
        self.events.append(event)
        record = self.records.get(event.get("key", ""))
        if name == "begin" and record is not None and record.standing:
            record.begin(event, len(self.events))
        elif name == "begin":
            self.records[event["key"]] = Record(event, len(self.events))
        elif record is not None:
            record.state = NAMES[name]
            record.ours = event["state"] if name == "done" else record.ours

    def add(self, *events: Event) -> None:
        """Appends events, on the disk when this returns."""
        if not self._good:
            events = ({"event": "run", "schema": SCHEMA, "run_id": self.run_id, "created_at": stamp()},) + events
        self._cut_torn_end()
        content = b"".join(json.dumps(event, sort_keys=True).encode("ascii") + b"\n" for event in events)
        self.node.append(self.path, content)
        self._good += len(content)
        for event in events:
            self._take(event)

    def _cut_torn_end(self) -> None:
        if self.node.exists(self.path) and len(self.node.read(self.path, LIMIT)) > self._good:
            self.node.cut(self.path, self._good)

    @property
    def place(self) -> int:
        """How many events there are: what comes later has a larger place."""
        return len(self.events)

    def open(self) -> List[Record]:
        """All that a rollback has to look at; what was changed last comes first."""
        return sorted((one for one in self.records.values() if one.open), key=first, reverse=True)

    def standing(self, since: int = 0) -> List[Record]:
        """Records that are not taken back and were begun after this place; the last begun first."""
        return sorted((one for one in self.records.values() if one.standing and one.last > since), key=last, reverse=True)

    def last(self, *names: str) -> Optional[Event]:
        """The last event of one of these names."""
        return next((event for event in reversed(self.events) if event["event"] in names), None)

    def withheld(self) -> List[Spec]:
        """Persisted ops that still wait: those of the last arming, unless it went off."""
        event = self.last("withheld", "fired")
        return event["ops"] if event and event["event"] == "withheld" else []


def first(record: Record) -> int:
    return record.first


def last(record: Record) -> int:
    return record.last


def parsed(line: bytes) -> Optional[Event]:
    """An event, or None for what is none."""
    try:
        event = json.loads(line.decode("ascii"))
    except ValueError:
        return None
    needs = {"begin": ("key", "op", "former", "boot_id"), "done": ("key", "state"), "undone": ("key",), "kept": ("key",), "gone": ("key",), "undoing": ("key",),
             "withheld": ("ops",), "run": ("run_id",), "armed": (), "confirmed": (), "fired": ()}
    if not isinstance(event, dict) or event.get("event") not in needs:
        return None
    return event if all(name in event for name in needs[event["event"]]) else None


def stamp() -> str:
    """Now, as RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
