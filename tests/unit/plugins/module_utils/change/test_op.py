# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import (
    absolute, cpu_list, device_name, line, mask_number, mask_text)


@pytest.mark.parametrize("text, cpus", (("0-3,8\n", [0, 1, 2, 3, 8]), ("", []), ("5", [5]), ("64-65,1", [1, 64, 65])))
def test_cpu_lists(text, cpus):
    assert cpu_list(text) == cpus


@pytest.mark.parametrize("cpus, mask", (
    ([0, 1, 2, 3], "0000000f"), ([32], "00000001,00000000"), ([0, 95], "80000000,00000000,00000001"),
    ([127], "80000000,00000000,00000000,00000000")))
def test_masks_have_a_comma_after_each_32_cpus(cpus, mask):
    assert mask_text(cpus) == mask and mask_number(mask) == sum(1 << cpu for cpu in cpus)


@pytest.mark.parametrize("path", ("etc/x", "/etc/../x", "/etc//x", "/etc/x/", "/", "", "/etc/./x", "/a\0b"))
def test_only_plain_absolute_paths_are_paths(path):
    with pytest.raises(Refused):
        absolute(path)


@pytest.mark.parametrize("name", ("", "..", "a/b", "eth0:1", "a b", "sixteen-letters0"))
def test_names_that_no_device_can_have(name):
    with pytest.raises(Refused):
        device_name(name)


def test_lines_end():
    assert (line("a"), line("a\n"), line("")) == ("a\n", "a\n", "")
