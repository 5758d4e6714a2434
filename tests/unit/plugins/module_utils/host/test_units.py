# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import units
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.plugins.module_utils.host.units import ABSENT, UNKNOWN, Unit
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import root_of


def test_services_by_one_question(tmp_path):
    found = units.read(root_of(tmp_path, "tuned"))
    assert found["tuned"] == Unit(True, True) and found["irqbalance"] == Unit(False,
                                                                              False) and found["NetworkManager"] == ABSENT


@pytest.mark.parametrize("state, active, enabled", [
    ("ActiveState=failed\nUnitFileState=enabled", False, True), ("ActiveState=activating\nUnitFileState=masked", True,
                                                                 False),
    ("ActiveState=active\nUnitFileState=static", True, True), ("LoadState=loaded", None, None),
])
def test_what_its_words_mean(state, active, enabled):
    assert units._unit(dict(line.split("=") for line in state.splitlines())) == Unit(active, enabled)


def test_without_systemd_nothing_is_known(tmp_path):
    with pytest.raises(HostError, match="systemd"):
        units.read(root_of(tmp_path, "talos"))
    assert units.of(None, "tuned") == units.of({}, "tuned") == UNKNOWN


def test_a_systemctl_that_complains_is_quoted(tmp_path):
    root = root_of(tmp_path, "connectx")
    command = next((tmp_path / ".answers/run").iterdir())
    command.write_text('{"code": 1, "output": "Failed to connect to bus: No data available"}')
    with pytest.raises(HostError, match="Failed to connect to bus"):
        units.read(root)
