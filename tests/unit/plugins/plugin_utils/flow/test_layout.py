# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import layout


@pytest.mark.parametrize("width, fitting", [(1, 60), (80, 80), (1000, 120), (None, 120), ("80", 120)])
def test_widths_are_held_between_bounds(width, fitting):
    assert layout.fitting(width) == fitting


def test_the_last_column_wraps_under_itself():
    lines = layout.table([("A", "B"), ("x", "one two three " * 5)], 60)
    assert lines[0] == "A  B" and lines[1].startswith("x  one") and lines[2].startswith("   ")
    assert max(map(len, lines)) <= 60


def test_long_cells_and_words_are_cut_or_broken():
    lines = layout.table([("A", "B"), ("x" * 90, "y" * 200)], 60)
    assert lines[1].startswith("x" * 17 + "...") and max(map(len, lines)) <= 60


def test_a_paragraph_without_text_is_none():
    assert layout.paragraph("Why", None, 80) == [] and layout.paragraph("Why", " \x1b[0m", 80) == []


def test_a_heading_has_its_aside_at_the_right():
    assert layout.heading("Plan", "drift", 60) == ["PLAN" + " " * 51 + "drift", "-" * 60]
    assert layout.heading("Plan", "x" * 80, 60)[0] == ("PLAN  " + "x" * 80)[:60]
