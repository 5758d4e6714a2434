# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The dead man's switch: what can cut the node off undoes itself unless it is confirmed over a new connection.

Armed before the change, with a program of its own in the run's folder, since Ansible's files are gone by then:
- where systemd runs, by a transient timer (monotonic) and by a unit for the next boot;
- elsewhere by a process of its own session, which survives the loss of ssh; a reboot resets the running state by itself.
The file `armed` in the run's folder is what decides: whoever removes it first, a confirmation or the undo, has won. Both
hold the node's lock meanwhile. {since: place in the journal, until: of the monotonic clock, boot_id, connection: id|null}
"""
from __future__ import annotations

import json
import re
import sys
import time
from typing import Any, Dict, List, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change import connection, detach, places
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError, Conflict, Garbled, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Journal, stamp
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, Spec
from ansible_collections.fastpath.cilium.plugins.module_utils.change.take_back import failures, take_back

GRACE = 10.0  # seconds; 5 are promised
UNITS = "/etc/systemd/system"
WANTS = UNITS + "/multi-user.target.wants"
PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./+-]+\Z")
UNIT = """# Written by fastpath.cilium; goes away when its run is confirmed or taken back.
[Unit]
Description=Undo of what run {run_id} of fastpath.cilium did not have confirmed
ConditionPathExists={folder}/armed
After=local-fs.target network.target tuned.service

[Service]
Type=oneshot
ExecStart={python} -I {folder}/undo.pyz --run-id {run_id}
"""

Marker = Dict[str, Any]


def needed(op: Op) -> bool:
    """Whether the op can cut the node off as soon as it is applied. A persisted one acts at the next boot only."""
    return op.cuts_off and not op.persist


def armed(node: Node, run_id: str) -> Optional[Marker]:
    """The marker, or None where nothing waits. Raises Garbled."""
    path = places.run_folder(run_id) + "/armed"
    if not node.exists(path):
        return None
    try:
        found = json.loads(node.read_text(path))
        return dict(found, since=int(found["since"]), until=float(found["until"]), boot_id=str(found["boot_id"]))
    except (ValueError, TypeError, KeyError):
        raise Garbled("{0} is not readable: take the run back with host_revert.".format(path)) from None


def python() -> str:
    """The interpreter that runs the undo. Raises Refused."""
    if not PLAIN_PATH.match(sys.executable or ""):
        raise Refused("The path of this node's Python, {0!r}, cannot stand in a systemd unit: nothing that could cut the "
                      "node off is changed.".format(sys.executable))
    return sys.executable


def check(node: Node) -> None:
    """Raises Refused where it could not be armed; changes nothing."""
    python()
    if node.ask(["systemd-run", "--version"]).code:
        raise Refused("systemd-run does not work on this node: what can cut the node off could not undo itself, so it is "
                      "not changed.")


def arm(node: Node, journal: Journal, timeout: int, withheld: List[Spec], undo_program: bytes) -> None:
    """From now on, `timeout` seconds. Raises Refused where it cannot be, with nothing of it left behind."""
    node.write(journal.folder + "/undo.pyz", undo_program, places.private())
    try:
        _probe(node, journal)
        journal.add({"event": "armed", "timeout": timeout}, {"event": "withheld", "ops": withheld})
        marker = {"since": journal.place, "until": time.monotonic() + timeout, "boot_id": node.boot_id(),
                  "connection": connection.identity(node)}
        node.write(journal.folder + "/armed", json.dumps(marker).encode("ascii"), places.private())
        (_arm_systemd if node.systemd_runs() else detach.start)(node, journal, python(), timeout)
    except ChangeError as error:
        disarm(node, journal.run_id)
        raise Refused("The dead man's switch cannot be armed, so nothing that could cut the node off is changed: {0}".format(
            error.message)) from None


def _probe(node: Node, journal: Journal) -> None:
    """The undo runs by itself, with this interpreter, from where it lies."""
    answer = node.ask([python(), "-I", node.at(journal.folder + "/undo.pyz"), "--probe"], timeout=30)
    if answer.code or answer.out.strip() != "ready":
        raise ChangeError("the undo program does not run: {0}".format(answer.err[-300:] or answer.out))


def _arm_systemd(node: Node, journal: Journal, interpreter: str, timeout: int) -> None:
    folder, run_id = journal.folder, journal.run_id
    text = UNIT.format(run_id=run_id, folder=folder, python=interpreter)
    node.write(boot_unit(run_id), text.encode("ascii"), dict(places.private(), mode=0o644))
    node.make_folder(WANTS)
    node.link(WANTS + "/" + boot_unit(run_id).rpartition("/")[2], boot_unit(run_id))
    node.change(["systemctl", "daemon-reload"])
    node.change(["systemd-run", "--quiet", "--collect", "--unit=" + timer(run_id), "--on-active={0}s".format(timeout),
                 "--timer-property=AccuracySec=100ms", interpreter, "-I", folder + "/undo.pyz", "--run-id", run_id])
    if not active(node, run_id):
        raise ChangeError("its timer is not active after it was started.")


def active(node: Node, run_id: str) -> bool:
    return node.ask(["systemctl", "is-active", timer(run_id) + ".timer"]).out.strip() == "active"


def timer(run_id: str) -> str:
    return "fastpath-cilium-undo-" + run_id


def boot_unit(run_id: str) -> str:
    return "{0}/fastpath-cilium-boot-{1}.service".format(UNITS, run_id)


def disarm(node: Node, run_id: str) -> None:
    """Ends the switch and removes what it was made of; from the first line on nothing undoes itself any more."""
    folder = places.run_folder(run_id)
    node.remove(folder + "/armed")
    if not node.exists(folder):
        return
    for name in ("/armed", "/undo.pyz"):
        node.sweep(folder + name)
    if node.exists(folder + "/undo.pyz"):
        if node.systemd_runs():
            _disarm_systemd(node, run_id)
        node.remove(folder + "/undo.pyz")  # the last: as long as it is there something may be left of the others


def _disarm_systemd(node: Node, run_id: str) -> None:
    if active(node, run_id):
        try:
            node.change(["systemctl", "stop", timer(run_id) + ".timer"])
        except ChangeError:
            if active(node, run_id):  # else it went off by itself meanwhile
                raise
    node.remove(WANTS + "/" + boot_unit(run_id).rpartition("/")[2])
    node.sweep(boot_unit(run_id))
    node.remove(boot_unit(run_id))
    node.change(["systemctl", "daemon-reload"])


def overdue(node: Node, marker: Marker) -> bool:
    """Whether the undo has not come, although its time is over or the node was restarted."""
    return bool(marker["boot_id"] != node.boot_id() or time.monotonic() > marker["until"] + GRACE)


def undo(node: Node, journal: Journal, marker: Marker) -> None:
    """Takes back what was done since it was armed. Raises ChangeError, and stays armed, where that does not work."""
    failed = failures(take_back(node, journal, marker["since"]))
    if failed:
        raise ChangeError("Not taken back: {0}.".format(failed))
    journal.add({"event": "fired", "at": stamp()})
    disarm(node, journal.run_id)


def check_confirmable(node: Node, journal: Journal) -> Optional[Marker]:
    """The marker, None where the confirmation came through before. Raises ChangeError where it is too late or not proven."""
    marker = armed(node, journal.run_id)
    last = journal.last("armed", "fired")
    if last is None:
        raise Refused("Nothing of run {0} waits for a confirmation on this node.".format(journal.run_id))
    if last["event"] == "fired" and marker is None:
        raise Conflict("Too late: the change was not confirmed in its time and has undone itself at {0}.".format(
            last.get("at")))
    if marker is None:
        return None
    if marker["boot_id"] != node.boot_id():
        raise Conflict("This node was restarted before the confirmation: the change undoes itself.")
    if new_connection(node, marker) is False:
        raise Refused("The confirmation came over the connection that made the change, which proves nothing: reset the "
                      "connection and confirm again.")
    return marker


def new_connection(node: Node, marker: Marker) -> Optional[bool]:
    """Whether this is another ssh connection than the one that armed; None where there is no ssh to tell by."""
    here, there = connection.identity(node), marker.get("connection")
    return None if here is None or there is None else here != there
