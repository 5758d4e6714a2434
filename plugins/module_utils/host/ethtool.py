# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a NIC's driver says to ethtool's requests: identity, channels, rings, offloads. Numbers as in linux/ethtool.h."""
from __future__ import annotations

import struct
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import HostError, Machine
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

GDRVINFO, GRINGPARAM, GSTRINGS, GSSET_INFO, GFEATURES, GCHANNELS = 0x03, 0x10, 0x1B, 0x37, 0x3A, 0x3C
SS_FEATURES = 4
STRING = 32  # ETH_GSTRING_LEN
DRVINFO = struct.Struct("=I32s32s32s32s32s12s5I")
EIGHT = struct.Struct("=I8I")
MOST_FEATURES = 1024
NOTHING = ("N/A", "n/a")


def identity(machine: Machine, device: str) -> Dict[str, Optional[str]]:
    """{driver, driver_version, firmware, bus_address}, each None where the driver does not say."""
    answer = machine.ethtool(device, GDRVINFO, DRVINFO.size)
    if not answer:
        return dict.fromkeys(("driver", "driver_version", "firmware", "bus_address"))
    words = [None if part in NOTHING else part for part in map(_text, _unpack(DRVINFO, answer, device)[1:5])]
    return dict(zip(("driver", "driver_version", "firmware", "bus_address"), words))


def channels(machine: Machine, device: str) -> Optional[Dict[str, Dict[str, int]]]:
    """{"combined": {current, max}, ..} of the kinds that the device has; None where it knows no channels."""
    answer = machine.ethtool(device, GCHANNELS, EIGHT.size)
    if not answer:
        return None
    numbers = _unpack(EIGHT, answer, device)[1:]
    pairs = zip(("rx", "tx", "other", "combined"), numbers[:4], numbers[4:])
    return {name: {"current": current, "max": most} for name, most, current in pairs if most or current}


def rings(machine: Machine, device: str) -> Optional[Dict[str, Dict[str, int]]]:
    """{"rx": {current, max}, "tx": {..}} in descriptors; None where the device has none."""
    answer = machine.ethtool(device, GRINGPARAM, EIGHT.size)
    if not answer:
        return None
    numbers = _unpack(EIGHT, answer, device)[1:]
    # rx_max, rx_mini_max, rx_jumbo_max, tx_max, then the same in use.
    return {"rx": {"current": numbers[4], "max": numbers[0]}, "tx": {"current": numbers[7], "max": numbers[3]}}


class Offloads(NamedTuple):
    """Those that a device has: {name: on}, under the kernel's names, and the ones that are on for good."""

    on: Dict[str, bool]
    fixed: List[str]


def offloads(machine: Machine, device: str) -> Optional[Offloads]:
    """What `ethtool -k` shows without the lines "off [fixed]"; None where the device tells nothing."""
    names = _feature_names(machine, device)
    if not names:
        return None
    blocks = (len(names) + 31) // 32
    answer = machine.ethtool(device, GFEATURES, 8 + 16 * blocks, struct.pack("=I", blocks))
    if len(answer) < 8 + 16 * blocks:
        raise HostError("garbled", "The list of offloads of {0} breaks off.".format(device))
    found = {name: _feature(answer, number) for number, name in enumerate(names) if name}
    return Offloads({name: on for name, (on, fixed) in found.items() if on or not fixed},
                    [name for name, (on, fixed) in found.items() if on and fixed])


def _feature(answer: bytes, number: int) -> Tuple[bool, bool]:
    """(on, fixed); the kernel has four words for each 32 offloads: available, requested, active, never changed."""
    available, _requested, active, never = struct.unpack_from("=4I", answer, 8 + number // 32 * 16)
    bit = 1 << number % 32
    return bool(active & bit), bool(never & bit) or not available & bit


def _feature_names(machine: Machine, device: str) -> List[str]:
    answer = machine.ethtool(device, GSSET_INFO, 20, struct.pack("=IQ", 0, 1 << SS_FEATURES))
    count = struct.unpack_from("=I", answer, 16)[0] if len(answer) >= 20 else 0
    if count > MOST_FEATURES:
        raise HostError("garbled", "{0} claims to have {1} offloads.".format(device, count))
    answer = machine.ethtool(device, GSTRINGS, 12 + STRING * count, struct.pack("=II", SS_FEATURES, count)) if count else b""
    return [_text(answer[12 + STRING * number:][:STRING]) or "" for number in range(count)] if answer else []


def _text(value: bytes) -> Optional[str]:
    return one_line(value.split(b"\0")[0].decode("utf-8", "replace"), 64) or None


def _unpack(shape: struct.Struct, answer: bytes, device: str) -> Any:
    if len(answer) < shape.size:
        raise HostError("garbled", "An answer of the driver of {0} breaks off.".format(device))
    return shape.unpack_from(answer)
