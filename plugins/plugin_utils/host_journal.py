# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the journal of a run says of hosts: which were changed, under which id, and what became of them. Pure.

What was there before stands in a journal on the host itself (docs/design.md, Changing a host); these entries say that there
is one. Every entry has `event`, `host` (its name in the inventory) and `run_id` (the id of the journal there):
    host_started  node, boot_id                              before anything is changed
    host_applied  changes: [{key, former, new}]              changed and read back, op by op
    host_drained  cordoned: whether it was so before         before its pods are evicted for a reboot
    host_booted   boot_id                                    it is back from a reboot
    host_done     pending: [what only a reboot brings]       judged again, and the gate held
    host_undone   kept: [sentence]                           taken back, and the gate held; what stays as it is
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read

EVENTS = ("host_started", "host_applied", "host_drained", "host_booted", "host_done", "host_undone")
Entry = Mapping[str, Any]
Key = tuple[str, str]


def hosts(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Every host that was begun, in order, with what became of it.

    [{host, node, run_id, boot_id, state: started|applied|done|undone, changes, pending, kept, rebooted: bool,
      drained: bool (and not yet back in service), cordoned: bool|None}]
    """
    found: dict[Key, dict[str, Any]] = {}
    for entry in entries:
        key = (str(entry.get("host")), str(entry.get("run_id")))
        if entry.get("event") == "host_started":
            # Begun again after a kill: what was there first is what the host's own journal leads back to.
            record = found.pop(key, None) or {}
            found[key] = {**_begun(entry), **{name: record[name] for name in ("drained", "cordoned") if name in record}}
        elif key in found:
            _take(found[key], entry)
    return list(found.values())


def _begun(entry: Entry) -> dict[str, Any]:
    return {"host": entry.get("host"), "node": read.text(entry.get("node")), "run_id": entry.get("run_id"),
            "boot_id": read.text(entry.get("boot_id")), "state": "started", "changes": [], "pending": [], "kept": [],
            "rebooted": False, "drained": False, "cordoned": None}


def _take(record: dict[str, Any], entry: Entry) -> None:
    event = str(entry.get("event"))
    if event in ("host_applied", "host_done", "host_undone"):
        record["state"] = event.removeprefix("host_")
    for name in ("changes", "pending", "kept"):
        record[name] = read.listing(entry.get(name)) or record[name]
    if event == "host_drained":
        record["drained"], record["cordoned"] = True, entry.get("cordoned") is True
    if event == "host_booted":
        record["rebooted"] = True
    if event in ("host_done", "host_undone"):
        record["drained"] = False


def undo_hosts(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """What must be taken back, the last host first, each as in `hosts`."""
    return [record for record in reversed(hosts(entries)) if record["state"] != "undone"]


def summary(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The hosts for result.json: [{host, node, run_id, state, changes, pending, kept, rebooted}]."""
    keys = ("host", "node", "run_id", "state", "changes", "pending", "kept", "rebooted")
    return [{key: record[key] for key in keys} for record in hosts(entries)]
