# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A process that outlives the one that starts it, and the connection that one came over."""
from __future__ import annotations

import selectors
import subprocess
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import ChangeError
from ansible_collections.fastpath.cilium.plugins.module_utils.change.journal import Journal
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node

STARTS_WITHIN = 20.0  # seconds


def start(node: Node, journal: Journal, interpreter: str, timeout: int) -> None:
    """The undo program, waiting `timeout` seconds in a session of its own. Raises ChangeError unless it says it waits."""
    argv = [interpreter, "-I", node.at(journal.folder + "/undo.pyz"), "--root", node.root, "--run-id", journal.run_id,
            "--wait", str(timeout)]
    node.step("start " + " ".join(argv))
    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/",
                                 start_new_session=True)
    except OSError as error:
        raise ChangeError("its process cannot be started: {0}.".format(error.strerror)) from None
    with child.stdout as said:  # type: ignore[union-attr]
        if first_line(said) != b"waiting\n":
            child.kill()
            raise ChangeError("its process does not say that it waits.")


def first_line(stream: Any) -> bytes:
    with selectors.DefaultSelector() as ready:
        ready.register(stream, selectors.EVENT_READ)
        return bytes(stream.readline()) if ready.select(STARTS_WITHIN) else b""
