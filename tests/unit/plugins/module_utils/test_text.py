# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, strategies

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line


@pytest.mark.parametrize("raw, shown", [
    ("a\x1b[31mred\x1b[0m b", "ared b"), ("\x1b]0;title\x07x", "x"), ("\x1b]8;;http://evil\x1b\\link", "link"),
    ("two\r\nlines\tand  blanks ", "two lines and blanks"), ("left\u202eright\u200b", "left right"), (None, "None"),
    ("\x9b2Jx", "x"), ("\x1bcx", "x"), ("grüße 漢字", "grüße 漢字"), ("{{ 7*7 }}", "{{ 7*7 }}")])
def test_what_is_seen(raw, shown):
    assert one_line(raw) == shown


def test_long_text_is_cut_to_the_limit():
    assert one_line("x" * 500, 100) == "x" * 97 + "..." and one_line("x" * 100, 100) == "x" * 100


@given(strategies.text(), strategies.integers(min_value=3, max_value=200))
def test_any_text_becomes_one_line_that_can_be_shown(raw, limit):
    line = one_line(raw, limit)
    assert len(line) <= limit and "\n" not in line
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in line)


def test_megabytes_cost_nothing():
    begin = time.monotonic()
    one_line("\x1b]" * 5000000)
    assert time.monotonic() - begin < 0.5
