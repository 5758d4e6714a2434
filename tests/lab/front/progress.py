# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Progress on the terminal: what is being done and how long it took."""
from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import Iterator, TextIO


class Progress:
    """Prints one line per step; `timings` keeps the seconds by step."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self.stream = stream
        self.timings: dict[str, float] = {}

    def say(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        print(f"{title} ...", end="", file=self.stream, flush=True)
        began = time.monotonic()
        outcome = "failed after"
        try:
            yield
            outcome = ""
        finally:
            self.timings[title] = round(time.monotonic() - began, 2)
            print(f" {outcome}{' ' if outcome else ''}{self.timings[title]:.1f} s", file=self.stream, flush=True)
