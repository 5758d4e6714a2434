# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections to the Unix sockets in a test bed's folder, however deep that folder lies."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from front import keeping

from .errors import VmError

ANSWER_SECONDS = 300  # writing a snapshot on a busy machine


def ask_keeper(folder: Path, **request: Any) -> dict[str, Any]:
    try:
        answer = keeping.ask(folder, request, ANSWER_SECONDS)
    except (OSError, ValueError) as error:
        raise VmError(f"The test bed's keeper does not answer ({error}): take the bed down and up again.") from error
    if "error" in answer:
        raise VmError(f"The test bed's keeper could not {request['do']}: {answer['error']}.")
    return answer


def monitor(folder: Path, name: str, line: str) -> str:
    """What QEMU's human monitor answers to `line`; savevm and loadvm say nothing when they worked."""
    try:
        with keeping.connect(folder / f"{name}.qmp", ANSWER_SECONDS) as connection:
            lines = connection.makefile("rwb")
            lines.readline()  # the greeting
            _execute(lines, {"execute": "qmp_capabilities"})
            return _execute(lines, {"execute": "human-monitor-command", "arguments": {"command-line": line}})
    except (OSError, ValueError) as error:
        raise VmError(f"The monitor of {name} does not answer ({error}): take the bed down and up again.") from error


def _execute(lines: Any, request: dict[str, Any]) -> Any:
    lines.write(json.dumps(request).encode() + b"\n")
    lines.flush()
    while True:
        text = lines.readline()
        if not text:
            raise OSError("the connection was closed")
        answer = json.loads(text)
        if "error" in answer:
            raise OSError(answer["error"]["desc"])
        if "return" in answer:  # what else comes are events
            return answer["return"]
