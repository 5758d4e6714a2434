# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import big_tcp_cases as big

FAMILY = big.Family("ipv4_big_tcp", "enable-ipv4-big-tcp", "enableIPv4BIGTCP", "1.14.19", "6.3", "1.13.4", "6.2.0-26")


@pytest.mark.parametrize("case", big.cases(FAMILY), ids=lambda case: case.name)
def test_its_verdict(case):
    big.check(FAMILY, case)


@pytest.mark.parametrize("fixture", [f"{FAMILY.since}-snat-native", "1.20.0-snat-native"])
def test_the_step_turns_it_on_and_running_pods_are_left_to_the_user(fixture):
    big.check_step(FAMILY, fixture)


def test_host_routing_comes_first():
    big.check_order(FAMILY)
