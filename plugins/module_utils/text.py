# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Text from outside, made fit to be shown in one line of a terminal or report."""
from __future__ import annotations

import re
import unicodedata

# CSI, OSC and the two-character escapes of ECMA-48: what makes terminals change colour, title or clipboard.
ANSI_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|\x1b[@-~]?|\x9b[0-?]*[ -/]*[@-~]")
UNSEEN_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def one_line(text: object, limit: int = 400) -> str:
    """Text without escapes, control and invisible characters, on one line of at most `limit` characters."""
    # The margin keeps the work small for megabytes of input and still leaves `limit` characters after cleaning.
    raw = ANSI_ESCAPE.sub("", str(text)[: limit * 8])
    seen = "".join(" " if unicodedata.category(char) in UNSEEN_CATEGORIES else char for char in raw)
    line = " ".join(seen.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
