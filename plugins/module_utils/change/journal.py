# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a run changed on this node and what was there before, written before it is changed.

One file of JSON lines, /var/lib/fastpath-cilium/<run id>/journal.jsonl, only ever appended to and synced. A line that a
kill cut short is no line: what it announced was not begun. Undo goes back op by op, the last one first, so that the
first original of everything comes last, also where ops had side effects on each other. Events:

    run        {schema: 1, run_id, created_at}
    begin      {key, op, former, boot_id, at}   the state just before the op
    done       {key, state}                     as read back afterwards
    undoing    {key}                            on the way back
    undone     {key}                            what was before the last op on it is back; the one before that stands
    kept       {key}                            at undo somebody else's value was found, and left
    gone       {key}                            at undo the device or interrupt was not there any more
    armed      {timeout}    confirmed {}    fired {at}
    withheld   {ops}                            persisted ops that wait for the confirmation
"""
from __future__ import annotations

import json
import time
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Garbled
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Spec, State
from ansible_collections.fastpath.cilium.plugins.module_utils.change.places import run_folder

SCHEMA = 1
LIMIT = 256 << 20  # bytes; files are journalled whole and are at most 1 MiB each
NEEDS = {
    "run": ("run_id",), "begin": ("key", "op", "former", "boot_id"), "done": ("key", "state"), "undoing": ("key",),
    "undone": ("key",), "kept": ("key",), "gone": ("key",), "armed": (), "withheld": ("ops",), "confirmed": (), "fired": (),
}
BEGUN, DONE, UNDOING, UNDONE, KEPT, GONE = "begun", "done", "undoing", "undone", "kept", "gone"
UNSURE = (BEGUN, UNDOING)  # a kill may have left something between, which is nobody else's

NAMES = {"done": DONE, "undoing": UNDOING, "undone": UNDONE, "kept": KEPT, "gone": GONE}

Event = Dict[str, Any]


class Entry:
    """One op that was begun: what was there `before`, and what is known of it since (`state`, `ours` as read back)."""

    def __init__(self, event: Event, place: int) -> None:
        self.key: str = event["key"]
        self.op: Spec = event["op"]
        self.before: State = event["former"]
        self.boot_id: str = event["boot_id"]
        self.place = place
        self.state = BEGUN
        self.ours: Optional[State] = None
        self.kept = False  # somebody else's was found there: it is not touched, but looked at again

    @property
    def unsure(self) -> bool:
        """Whether a kill may have left something between, which is nobody else's."""
        return self.state in (BEGUN, UNDOING)


class Journal:
    """The journal of one run; reading it never writes."""

    def __init__(self, node: Node, run_id: str) -> None:
        self.node = node
        self.run_id = run_id
        self.folder = run_folder(run_id)
        self.path = self.folder + "/journal.jsonl"
        self.events: List[Event] = []
        self.entries: Dict[str, List[Entry]] = {}  # by key, the last one begun last; those taken back are not there
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
        name, key = event["event"], event.get("key", "")
        self.events.append(event)
        if name == "begin":
            self._begin(Entry(event, len(self.events)))
        elif key in self.entries:
            self._close(self.entries[key], name, event)

    def _begin(self, entry: Entry) -> None:
        stack = self.entries.setdefault(entry.key, [])
        if stack and stack[-1].unsure:
            # An op that was cut short left something between: what was there before it counts on.
            entry.before = stack.pop().before
        stack.append(entry)

    def _close(self, stack: List[Entry], name: str, event: Event) -> None:
        top = stack[-1]
        if name == "done":
            top.state, top.ours = DONE, event["state"]
        elif name == "undoing":
            top.state = UNDOING
        elif name == "kept":
            top.kept = True
        else:
            stack.pop() if name == "undone" else stack.clear()
        if not stack:
            del self.entries[top.key]

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

    def note(self, *events: Event) -> None:
        """As `add`, on the way back: a full disk must not keep a state from going back that is not on it."""
        try:
            self.add(*events)
        except (ChangeError, OSError):
            return

    def _cut_torn_end(self) -> None:
        if self.node.exists(self.path) and len(self.node.read(self.path, LIMIT)) > self._good:
            self.node.cut(self.path, self._good)

    @property
    def place(self) -> int:
        """How many events there are: what comes later has a larger place."""
        return len(self.events)

    def top(self, key: str) -> Optional[Entry]:
        """The last op on a key that is not taken back."""
        return self.entries[key][-1] if key in self.entries else None

    def first(self, key: str) -> State:
        """What was there before the run's first op on a key."""
        return self.entries[key][0].before

    def standing(self, since: int = 0) -> List[Entry]:
        """All that is not taken back and was begun after this place, the last begun first."""
        found = [entry for stack in self.entries.values() for entry in stack if entry.place > since]
        return sorted(found, key=place_of, reverse=True)

    def last(self, *names: str) -> Optional[Event]:
        """The last event of one of these names."""
        return next((event for event in reversed(self.events) if event["event"] in names), None)

    def withheld(self) -> List[Spec]:
        """Persisted ops that still wait: those of the last arming, unless it went off."""
        event = self.last("withheld", "fired")
        return event["ops"] if event and event["event"] == "withheld" else []


def place_of(entry: Entry) -> int:
    return entry.place


def parsed(line: bytes) -> Optional[Event]:
    """An event, or None for what is none."""
    try:
        event = json.loads(line.decode("ascii"))
    except ValueError:
        return None
    if not isinstance(event, dict) or event.get("event") not in NEEDS:
        return None
    return event if all(name in event for name in NEEDS[event["event"]]) else None


def stamp() -> str:
    """Now, as RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
