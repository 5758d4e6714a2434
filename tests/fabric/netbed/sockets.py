# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking a fabric's keeper."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from front import keeping

from .errors import FabricError

ANSWER_SECONDS = 120


def ask(folder: Path, do: str, **request: Any) -> dict[str, Any]:
    """The keeper's answer; FabricError where it has none or could not do it."""
    try:
        answer = keeping.ask(folder, {"do": do, **request}, ANSWER_SECONDS)
    except (OSError, ValueError) as error:
        raise FabricError(f"The fabric's keeper does not answer ({error}): take the fabric down and up again.") from error
    if "error" in answer:
        raise FabricError(f"The fabric's keeper could not {do}: {answer['error']}.")
    return answer
