# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.module_utils.host import queues
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import device, facts_of


def test_steering_with_commas_in_masks(tmp_path):
    found = device(facts_of(tmp_path, "many_cpus"), "ens1f0np0")
    assert found["xps"]["0"] == [0, 31, 32, 64, 127] and found["xps"]["63"] == [63]
    assert found["rps"]["0"] == list(range(64, 128)) and found["rps"]["1"] == []
    assert (found["rfs"]["0"], found["rfs"]["1"]) == (32768, 0)
    assert (found["queues"]["rx"], found["queues"]["tx"]) == (64, 64)


def test_queues_in_order_of_their_numbers(tmp_path):
    for name in ("rx-10", "rx-2", "tx-0", "tx-x", "rx-"):
        (tmp_path / "queues" / name).mkdir(parents=True)
    assert queues.numbers(Root(str(tmp_path)), "") == {"rx": [2, 10], "tx": [0]}


def test_a_device_with_one_queue_has_no_xps(tmp_path):
    assert device(facts_of(tmp_path, "bond"), "bond0")["xps"] == {}
