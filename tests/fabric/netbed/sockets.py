# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking a fabric's keeper: one JSON object a connection, answered with one."""
from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from .errors import FabricError

ANSWER_SECONDS = 120
NAME = "keeper.sock"


def connect(folder: Path) -> socket.socket:
    """A path of a socket may have 107 bytes only, so the folder is named by an open descriptor."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(f"/proc/self/fd/{handle}/{NAME}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(handle)
    return connection


def ask(folder: Path, do: str, **request: Any) -> dict[str, Any]:
    """The keeper's answer; FabricError where it has none or could not do it."""
    try:
        with connect(folder) as connection:
            connection.sendall(json.dumps({"do": do, **request}).encode() + b"\n")
            answer = json.loads(connection.makefile("rb").readline() or b"{}")
    except (OSError, ValueError) as error:
        raise FabricError(f"The fabric's keeper does not answer ({error}): take the fabric down and up again.") from error
    if "error" in answer:
        raise FabricError(f"The fabric's keeper could not {do}: {answer['error']}.")
    return answer
