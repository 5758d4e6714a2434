# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Action plugin: opens, fills, closes and loads the record of a run, on the controller."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils import journal, record
from ansible_collections.fastpath.cilium.plugins.plugin_utils.step import ControllerStep

SPEC = {
    "state": {"type": "str", "required": True, "choices": ["open", "write", "journal", "close", "load"]},
    "dir": {"type": "path"},
    "playbook": {"type": "str"},
    "run": {"type": "dict"},
    "run_id": {"type": "str"},
    "documents": {"type": "dict"},
    "patches": {"type": "list", "elements": "dict"},
    "entry": {"type": "dict"},
    "outcome": {"type": "str", "choices": list(record.OUTCOMES)},
    "message": {"type": "str"},
    "about": {"type": "dict"},
}
REQUIRED_IF = [
    ("state", "open", ("dir", "playbook")),
    ("state", "write", ("run", "documents")),
    ("state", "journal", ("run", "entry")),
    ("state", "close", ("run", "outcome")),
    ("state", "load", ("dir",)),
]


class ActionModule(ControllerStep):
    """Documented in plugins/modules/record.py."""

    spec = SPEC
    rules = dict(required_if=REQUIRED_IF)

    def answer(self, given: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """What the state returns. The record is no part of the cluster, so it is never "changed"."""
        return STATES[given["state"]](given)


def _run(given: dict[str, Any], name: str = "run") -> record.Run:
    return record.Run(str(given[name].get("path")))


def _named(run: record.Run) -> dict[str, str]:
    return {"id": run.id, "path": str(run.path)}


def _open(given: dict[str, Any]) -> dict[str, Any]:
    return {"run": _named(record.start(given["dir"], given["playbook"]))}


def _write(given: dict[str, Any]) -> dict[str, Any]:
    run = _run(given)
    for name, document in given["documents"].items():
        run.write(name, document)
    for patch in given["patches"] or ():
        run.write_yaml(patch.get("name"), patch.get("text"))
    return {"run": _named(run)}


def _journal(given: dict[str, Any]) -> dict[str, Any]:
    return {"entry": _run(given).append(journal.checked(given["entry"]))}


def _close(given: dict[str, Any]) -> dict[str, Any]:
    about = None if given["about"] is None else _run(given, "about")
    return {"result": _run(given).end(given["outcome"], given["message"], about)}


def _load(given: dict[str, Any]) -> dict[str, Any]:
    run = record.find(given["dir"], given["run_id"])
    return {"run": _named(run), **run.load()}


STATES = {"open": _open, "write": _write, "journal": _journal, "close": _close, "load": _load}
