# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""full_size_probe as Ansible runs it; how it asks is tested in test_full_size.py."""
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.namespace import Namespace, why_not


@pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
def test_it_asks_by_the_device_and_says_what_became_of_it():
    machine = Namespace()
    try:
        machine.run("ip", "address", "add", "192.0.2.1/24", "dev", "v0")
        found = machine.module("full_size_probe", device="v0", targets=["192.0.2.9", "192.0.2.9"], size=1500, attempts=1, timeout=1)
        assert found["targets"] == {"192.0.2.9": "silent"} and found["changed"] is False
        large = machine.module("full_size_probe", check=True, device="v0", targets=["192.0.2.9"], size=9000, attempts=1, timeout=1)
        assert large["targets"] == {"192.0.2.9": "not_sent"}
        missing = machine.module("full_size_probe", device="v9", targets=["192.0.2.9"], size=1500)
        assert missing["msg"].startswith("No echo request can be sent by v9:")
    finally:
        machine.end()


@pytest.mark.parametrize("change, words", [
    ({"size": 27}, "size must be"), ({"targets": ["node-1"]}, "no IPv4 address"), ({"attempts": 0}, "must be 1 at least")])
def test_what_makes_no_sense_is_one_sentence(change, words):
    given = {"device": "lo", "targets": ["192.0.2.1"], "size": 1500, **change}
    assert words in run_module("full_size_probe", **given)["msg"]
