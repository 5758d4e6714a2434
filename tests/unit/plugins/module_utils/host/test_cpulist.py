# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host.cpulist import parse_list, parse_mask


@pytest.mark.parametrize("text, cpus", [
    ("0-3,8\n", [0, 1, 2, 3, 8]), ("", []), ("\n", []), ("(null)\n", []), ("5", [5]), ("7,1-2", [1, 2, 7]),
    ("0-7:2/4", [0, 1, 4, 5]), ("127", [127]), ("0-1,0-1", [0, 1]),
])
def test_lists(text, cpus):
    assert parse_list(text) == cpus


@pytest.mark.parametrize("text", ["a", "3-1", "0-", "-1", "0-9999999", "8192", "1 2", "0-3;4", "\u0663", "0-7:x/4"])
def test_what_is_no_list(text):
    with pytest.raises(ValueError):
        parse_list(text)


@pytest.mark.parametrize("text, cpus", [
    ("3\n", [0, 1]), ("00000000", []), ("80000000,00000000", [63]), ("1,00000001", [0, 32]), ("00,00000000,00000100", [8]),
    ("80000000,00000001,80000001", [0, 31, 32, 95]), ("0x0f", [0, 1, 2, 3]), ("FF", list(range(8))),
])
def test_masks(text, cpus):
    assert parse_mask(text) == cpus


@pytest.mark.parametrize("text", ["", "x", "1,123456789", "f" * 3000, "1;2", "-1"])
def test_what_is_no_mask(text):
    with pytest.raises(ValueError):
        parse_mask(text)
