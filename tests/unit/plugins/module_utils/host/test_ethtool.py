# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import ethtool
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError
from ansible_collections.fastpath.cilium.tests.fixtures.hosts import wire


class Driver:
    """Answers by number of the request."""

    def __init__(self, **answers: bytes) -> None:
        self.answers = {int(name[1:], 16): answer for name, answer in answers.items()}

    def ethtool(self, device: str, command: int, size: int, argument: bytes = b"") -> bytes:
        return self.answers.get(command, b"")[:size]


def test_identity():
    driver = Driver(x03=wire.drvinfo("ice", "6.8.0", "4.40 0x8001c967 1.3534.0", "0000:5e:00.0"))
    assert ethtool.identity(driver, "eth0") == {"driver": "ice", "driver_version": "6.8.0",
                                                "firmware": "4.40 0x8001c967 1.3534.0",
                                                "bus_address": "0000:5e:00.0"}


def test_drivers_that_have_nothing_to_say():
    assert ethtool.identity(Driver(x03=wire.drvinfo("bridge", "", "N/A", "N/A")), "br0") == {
        "driver": "bridge", "driver_version": None, "firmware": None, "bus_address": None}
    silent = Driver()
    assert ethtool.identity(silent, "x")["driver"] is ethtool.channels(silent, "x") is ethtool.rings(silent, "x") is None
    assert ethtool.offloads(silent, "x") is None


def test_channels_by_kind():
    driver = Driver(x3c=wire.channels((0, 0), (0, 0), (1, 1), (64, 8)))
    assert ethtool.channels(driver, "eth0") == {"other": {"current": 1, "max": 1}, "combined": {"current": 8, "max": 64}}
    driver = Driver(x3c=wire.channels((8, 4), (16, 2), (0, 0), (0, 0)))
    assert ethtool.channels(driver, "eth0") == {"rx": {"current": 4, "max": 8}, "tx": {"current": 2, "max": 16}}


def test_rings():
    assert ethtool.rings(Driver(x10=wire.ringparam((8192, 1024), (4096, 512))), "eth0") == {
        "rx": {"current": 1024, "max": 8192}, "tx": {"current": 512, "max": 4096}}


def test_offloads_of_both_words():
    driver = Driver(x37=wire.sset_info(), x1b=wire.strings(),
                    x3a=wire.features(("rx-gro", "highdma", "rx-gro-hw"), ("rx-gro", "rx-lro", "rx-gro-hw"), ("highdma",)))
    assert ethtool.offloads(driver, "eth0") == ({"highdma": True, "rx-gro": True, "rx-lro": False, "rx-gro-hw": True},
                                                ["highdma"])


@pytest.mark.parametrize("name", ["identity", "channels", "rings", "offloads"])
@pytest.mark.parametrize("length", [3, 19])
def test_an_answer_that_breaks_off_is_garbled(name, length):
    driver = Driver(x03=bytes(length), x3c=bytes(length), x10=bytes(length), x37=wire.sset_info(), x1b=wire.strings(),
                    x3a=bytes(length))
    with pytest.raises(HostError) as error:
        getattr(ethtool, name)(driver, "eth0")
    assert error.value.kind == "garbled" and "eth0" in error.value.message


def test_a_device_that_claims_millions_of_offloads_is_not_believed():
    with pytest.raises(HostError, match="4294967295"):
        ethtool.offloads(Driver(x37=wire.struct.pack("=IIQI", 0x37, 0, 16, 0xFFFFFFFF)), "eth0")
