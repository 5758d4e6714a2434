# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A hard limit in time for calls that have none of their own (name resolution, credential plugins, slow answers)."""
from __future__ import annotations

import queue
import threading
from typing import Any, Callable


class DeadlinePassed(Exception):
    """The call did not end within its time."""


def within(seconds: float, call: Callable[..., Any], *args: Any) -> Any:
    """Result of call(*args), or its exception; DeadlinePassed after `seconds`.

    A call that does not end is left behind in a daemon thread, which does not keep the process alive.
    """
    outcome: "queue.Queue[tuple]" = queue.Queue(1)

    def work() -> None:
        try:
            outcome.put((call(*args), None))
        except BaseException as error:  # handed to the caller's thread, which raises it
            outcome.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        result, error = outcome.get(timeout=max(seconds, 0.001))
    except queue.Empty:
        raise DeadlinePassed() from None
    if error is not None:
        raise error
    return result
