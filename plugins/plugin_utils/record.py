# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The record of runs: one folder for each run, readable by its owner only, written so that a kill leaves no half file.

    <dir>/<run id>/run.json          what was started, when
                   <name>.json       facts, verdicts, plan and whatever else is written
                   journal.jsonl     what was there before each change, one entry per line
                   result.json       how it ended
                   report.txt        what was shown
                   patch-<n>.yaml    what the owner of the release has to change, where that is not Helm alone

Whatever is read back is plain data; nothing of it is ever evaluated.
"""
from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils import host_journal, journal, process
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe import told

SCHEMA = 1
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}\Z")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,60}\Z")
OUTCOMES = ("in_line", "drift", "blocked", "failed", "rolled_back", "unknown")
JOURNAL, RESULT, RUN, REPORT = "journal.jsonl", "result.json", "run.json", "report.txt"
ABOUT = "about.json"  # {id}: which run this one takes back


class RecordError(Exception):
    """The record cannot be written or read; the message is one sentence with the path and what to do."""


def now() -> datetime:
    """The time, in UTC and to the second."""
    return datetime.now(timezone.utc).replace(microsecond=0)


def timestamp(moment: datetime | None = None) -> str:
    """RFC 3339 in UTC."""
    return (moment or now()).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run_id() -> str:
    """An id that sorts by time, such as 20261123T225241Z-09af3c."""
    return f"{now().strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(3)}"


class Run:
    """An existing run folder."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.id = self.path.name
        if not RUN_ID.match(self.id):
            raise RecordError(f"{one_line(path)} is no run folder: its name must be like 20261123T225241Z-09af3c.")

    def write(self, name: str, document: Any) -> None:
        """Write a document as <name>.json. Raises RecordError."""
        if not NAME.match(str(name)) or f"{name}.json" in (RUN, RESULT):
            raise RecordError(f"{one_line(name, 80)!r} is no name for a document: use lower-case letters, digits, - and _.")
        self._replace(f"{name}.json", _json(document, indent=1))

    def write_yaml(self, name: str, content: str) -> None:
        """Write YAML text as <name>.yaml. Raises RecordError."""
        if not NAME.match(str(name)):
            raise RecordError(f"{one_line(name, 80)!r} is no name for a file: use lower-case letters, digits, - and _.")
        self._replace(f"{name}.yaml", str(content))

    def write_text(self, name: str, content: str) -> None:
        """Write a text file. Raises RecordError."""
        self._replace(name, content)

    def append(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Add an entry to the journal and return it with its time; it is on the disk when this returns.

        Raises RecordError.
        """
        complete = {"time": timestamp(), **entry}
        with self._folder() as folder:
            handle = _open(folder, JOURNAL, os.O_RDWR | os.O_CREAT)
            try:
                _cut_torn_line(handle)
                _write_all(handle, (_json(complete) + "\n").encode("utf-8"))
                os.fsync(handle)
            finally:
                os.close(handle)
            os.fsync(folder)
        return complete

    def end(self, outcome: str, message: str | None = None, about: Run | None = None) -> dict[str, Any]:
        """Write and return result.json, put together from what is in the folder. Raises RecordError.

        `about`: the run whose journal tells the steps and nodes, where this one took it back; by default this one.
        {schema, run_id, playbook, outcome, message, started, ended, cluster, nodes: {node: state}, steps, hosts, tunings, probes}
        """
        if outcome not in OUTCOMES:
            raise RecordError(f"{one_line(outcome, 60)!r} is no outcome; known are: {', '.join(OUTCOMES)}.")
        source = about or self
        started, entries = self.read(RUN), source.journal()
        facts = source._latest("facts", dict)
        verdicts = self._latest("verdicts", list) + self._latest("host_verdicts", list)
        document = {
            "schema": SCHEMA, "run_id": self.id, "playbook": started.get("playbook"), "outcome": outcome,
            "message": message, "started": started.get("started"), "ended": timestamp(),
            "cluster": facts.get("cluster"), "nodes": journal.node_states(entries, _node_names(facts)),
            "steps": journal.summary(entries), "hosts": host_journal.summary(entries),
            "tunings": _states(verdicts), "probes": self._probes(),
        }
        self._replace(RESULT, _json(document, indent=1))
        return document

    def _probes(self) -> list[dict[str, Any]]:
        """The probes of this run, in the order in which they were made."""
        files = [file for file in self.path.glob("probe-*.json") if NAME.match(file.stem) and self.has(file.name)]
        return [told.summary(file.stem, self.read(file.name))
                for file in sorted(files, key=lambda file: (file.stat().st_mtime_ns, file.name))]

    def _latest(self, name: str, kind: type) -> Any:
        """The document from after the steps, else the one from before them, else an empty one."""
        for found in (f"{name}_after.json", f"{name}.json"):
            if self.has(found):
                return self.read(found, kind)
        return kind()

    def load(self) -> dict[str, Any]:
        """Everything a rollback needs, as plain data. Raises RecordError.

        {started_by: run.json, result: result.json or None (the run was killed), journal, undo: journal.undo_steps,
         undo_hosts: host_journal.undo_hosts, facts, plan: None where not written, running: whether it still goes on, None where that cannot be told}
        """
        entries = self.journal()
        optional = {name: self.read(f"{name}.json") if self.has(f"{name}.json") else None
                    for name in ("result", "facts", "plan")}
        started = self.read(RUN)
        running = False if optional["result"] else process.goes_on(started.get("process"))
        return {"started_by": started, "running": running, "journal": entries, "undo": journal.undo_steps(entries),
                "undo_hosts": host_journal.undo_hosts(entries), **optional}

    def read(self, name: str, kind: type = dict) -> Any:
        """A document of this run, by its file name. Raises RecordError where it is not there or is none of ours."""
        try:
            document = json.loads(self.read_text(name))
        except ValueError:
            raise RecordError(f"{self.path / name} is not readable as JSON: it was damaged or written by something else.") from None
        if not isinstance(document, kind):
            raise RecordError(f"{self.path / name} holds no document of a run.")
        if name in (RUN, RESULT) and document.get("schema") != SCHEMA:
            raise RecordError(f"{self.path / name} was written by another version of this collection (schema "
                              f"{one_line(document.get('schema'), 20)}).")
        return document

    def has(self, name: str) -> bool:
        """Whether a file of this name is there."""
        return (self.path / name).is_file() and not (self.path / name).is_symlink()

    def journal(self) -> list[dict[str, Any]]:
        """The journal's entries; empty where nothing was changed. Raises RecordError."""
        if not os.path.lexists(self.path / JOURNAL):
            return []
        lines = self.read_text(JOURNAL).split("\n")
        # The last piece is empty, or an entry whose writing was cut short: what it announces was never begun.
        return [self._entry(number, line) for number, line in enumerate(lines[:-1], 1)]

    def _entry(self, number: int, line: str) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict) or not isinstance(entry.get("event"), str):
            raise RecordError(f"Line {number} of {self.path / JOURNAL} is damaged: take the run back by hand "
                              "(helm history, helm rollback).")
        return entry

    @contextlib.contextmanager
    def _folder(self) -> Iterator[int]:
        with _explained(self.path):
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                yield folder
            finally:
                os.close(folder)

    def read_text(self, name: str) -> str:
        """A file of this run. Raises RecordError."""
        with self._folder() as folder:
            handle = _open(folder, name, os.O_RDONLY)
            with os.fdopen(handle, "r", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                return file.read()

    def _replace(self, name: str, content: str) -> None:
        with self._folder() as folder:
            _replace(folder, name, content)


def start(directory: str | os.PathLike[str], playbook: str) -> Run:
    """Make a run folder below `directory` (made as well where it is not there). Raises RecordError."""
    parent = Path(directory).expanduser().absolute()
    run = Run(parent / new_run_id())
    with _explained(parent):
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        run.path.mkdir(mode=0o700)
    run._replace(RUN, _json({"schema": SCHEMA, "run_id": run.id, "playbook": playbook, "started": timestamp(),
                             "process": process.current()}, indent=1))
    return run


def runs(directory: str | os.PathLike[str]) -> list[Run]:
    """All runs below a directory, the newest first. Raises RecordError."""
    parent = Path(directory).expanduser().absolute()
    with _explained(parent):
        names = [entry.name for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False)]
    return [Run(parent / name) for name in sorted(names, reverse=True) if RUN_ID.match(name)]


def find(directory: str | os.PathLike[str], run_id: str | None = None) -> Run:
    """The run of this id, or the newest one that changed something; for a rollback the run it was about.

    Raises RecordError.
    """
    known = runs(directory)
    if run_id is None:
        known = [run for run in known if run.has(JOURNAL)]
    found = next((run for run in known if run_id in (None, run.id)), None)
    if found is None:
        what = "no run that changed something" if run_id is None else f"no run {one_line(run_id, 60)}"
        raise RecordError(f"{one_line(Path(directory))} has {what}: name the folder with fastpath_record_dir, and the run "
                          "with fastpath_run_id.")
    return _target(found, known)


def _target(run: Run, known: list[Run]) -> Run:
    """The run itself, or the one that it began to take back."""
    about = run.read(ABOUT).get("id") if run.has(ABOUT) else None
    return next((other for other in known if other.id == about), run)


def _node_names(facts: Mapping[str, Any]) -> list[str]:
    return [node["name"] for node in View(facts).nodes or ()]


def _states(verdicts: list) -> list[dict[str, Any]]:
    found = [verdict for verdict in verdicts if isinstance(verdict, dict)]
    return [{"id": verdict.get("tuning"), "state": verdict.get("state"), "reason": verdict.get("reason")}
            for verdict in found]


def _json(document: Any, indent: int | None = None) -> str:
    return json.dumps(document, indent=indent, sort_keys=False, default=str)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) and os.path.isabs(error.filename) else path
        raise RecordError(f"The record at {one_line(where)} cannot be used ({error.strerror}): set fastpath_record_dir to a "
                          "folder of your own that can be written.") from None


def _open(folder: int, name: str, flags: int) -> int:
    """A regular file of the folder, never what a link points to."""
    # Not blocking: to open a pipe that someone put there would wait for its other end.
    handle = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, f"{name} is not a regular file")
    return handle


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content):]


def _cut_torn_line(handle: int) -> None:
    """Leave the handle at the end of the last whole line."""
    size = os.lseek(handle, 0, os.SEEK_END)
    end = size
    while end and os.pread(handle, 1, end - 1) != b"\n":
        end -= 1
    if end != size:
        os.ftruncate(handle, end)
    os.lseek(handle, end, os.SEEK_SET)


def _replace(folder: int, name: str, content: str) -> None:
    """Write beside the file, flush to the disk, then take its place: a reader sees the old or the new file, whole."""
    temporary = f".{name}.{secrets.token_hex(6)}"
    handle = _open(folder, temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        try:
            _write_all(handle, content.encode("utf-8", "surrogateescape"))
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)
