# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.deadline import DeadlinePassed, within


def test_the_result_and_the_exception_come_through():
    assert within(1, lambda one, two: one + two, 1, 2) == 3
    with pytest.raises(KeyError):
        within(1, lambda: {}["absent"])


def test_a_call_that_does_not_end_is_left_behind():
    begin = time.monotonic()
    with pytest.raises(DeadlinePassed):
        within(0.1, time.sleep, 5)
    assert time.monotonic() - begin < 1


def test_no_time_left_is_no_error_of_its_own():
    with pytest.raises(DeadlinePassed):
        within(-3, time.sleep, 1)
