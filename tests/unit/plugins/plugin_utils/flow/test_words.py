# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import words


@pytest.mark.parametrize("value, shown", [
    (None, "not set"), (True, "true"), (False, "false"), ("dsr", "dsr"), ("", "empty"), ([], "none"), (["a", None], "a, not set"),
    ("\x1b[31mred\n", "red"), (0, "0"), ("x" * 200, "x" * 77 + "..."),
])
def test_values_in_a_sentence(value, shown):
    assert words.shown(value) == shown


def test_many_keys_are_abbreviated():
    assert words.keys("abcdefgh") == "a, b, c, d, e, f and 2 more" and words.keys("ab") == "a, b"
