# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Lines, tables and indented paragraphs in plain ASCII for a terminal of a given width. Pure."""
from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

LEAST, MOST = 60, 120
INDENT, LABEL = 4, 10
GAP, LEAST_LAST = "  ", 12
# Longer than any sentence of this collection; a reason that quotes a foreign program may be longer and is cut.
LONGEST = 1200


def fitting(width: Any) -> int:
    """A width between LEAST and MOST."""
    return min(max(width if isinstance(width, int) else MOST, LEAST), MOST)


def clean(value: Any) -> str:
    """Text from outside on one line, without anything a terminal would obey."""
    return one_line("" if value is None else value, LONGEST)


def heading(title: str, aside: str, width: int) -> list[str]:
    """A title in capitals with something at the right, underlined."""
    left, right = clean(title).upper(), clean(aside)
    gap = width - len(left) - len(right)
    first = f"{left}{' ' * gap}{right}" if gap > 1 else f"{left}  {right}"
    return [first.rstrip()[:width], "-" * width]


def paragraph(label: str, value: Any, width: int, indent: int = INDENT) -> list[str]:
    """A labelled paragraph: the label at the left, the text beside it. Nothing where there is no text."""
    written = clean(value)
    if not written:
        return []
    return wrapped(f"{label:<{LABEL}}", written, width, indent)


def wrapped(start: str, written: str, width: int, indent: int = 0) -> list[str]:
    """Text behind a start, its other lines aligned with the first."""
    margin = " " * indent + start
    return textwrap.wrap(written, width, initial_indent=margin, subsequent_indent=" " * len(margin),
                         break_on_hyphens=False) or [margin.rstrip()]


def table(rows: Iterable[Sequence[Any]], width: int, indent: int = 0) -> list[str]:
    """Columns as wide as their longest cell; the last one is wrapped into what is left. The first row is a header."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    widths = _widths(cleaned, width - indent)
    lines = []
    for row in cleaned:
        lines += _row(row, widths, width, indent)
    return lines


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Of all columns but the last, which keeps room for LEAST_LAST characters."""
    widths = [min(max(len(row[column]) for row in rows), width // 3) for column in range(len(rows[0]) - 1)]
    while sum(widths) + len(GAP) * len(widths) > width - LEAST_LAST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _row(row: Sequence[str], widths: Sequence[int], width: int, indent: int) -> list[str]:
    cells = [_cut(cell, size).ljust(size) for cell, size in zip(row, widths)]
    start = "".join(cell + GAP for cell in cells)
    return [line.rstrip() for line in wrapped(start, row[-1], width, indent)]


def _cut(cell: str, size: int) -> str:
    return cell if len(cell) <= size else cell[: size - 3] + "..."
