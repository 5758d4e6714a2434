# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Lines about a long wait, in a file that somebody may follow: a module itself is heard only when it has ended."""
from __future__ import annotations

import time
from typing import Dict, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

AGAIN = 30.0  # seconds before the same thing is said to be waited for again


class Progress:
    """Appends lines to `path`; says nothing without one, or where it cannot be written."""

    def __init__(self, path: Optional[str]) -> None:
        self.path = path
        self.said: Dict[str, float] = {}

    def say(self, text: str) -> None:
        """One line, now."""
        if not self.path:
            return
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(one_line(text, 300) + "\n")
        except OSError:
            self.path = None  # nobody hears; the work goes on

    def waiting(self, who: str, text: str) -> None:
        """The same, at most every 30 seconds for each of whom is waited for, and not at once."""
        now = time.monotonic()
        if now - self.said.setdefault(who, now) >= AGAIN:
            self.said[who] = now
            self.say("{0}: {1}".format(who, text))
