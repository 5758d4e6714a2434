# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the kernel takes only by ioctl: the MTU of a device and its queue counts. Standard library only."""
from __future__ import annotations

import errno
import fcntl
import socket
import struct
from array import array
from typing import Dict

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Refused, failure

SIOCGIFMTU, SIOCSIFMTU, SIOCETHTOOL = 0x8921, 0x8922, 0x8946
ETHTOOL_GCHANNELS, ETHTOOL_SCHANNELS = 0x3C, 0x3D
IFREQ = struct.Struct("16si20x")
# struct ethtool_channels, in its order.
CHANNELS = ("max_rx", "max_tx", "max_other", "max_combined", "rx", "tx", "other", "combined")


def ifreq(device: str, number: int = 0) -> bytes:
    return IFREQ.pack(device.encode(), number)


def control(request: int, argument: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        return fcntl.ioctl(handle.fileno(), request, argument)


def mtu(device: str) -> int:
    """The device's MTU in bytes. Raises Gone."""
    try:
        return IFREQ.unpack(control(SIOCGIFMTU, ifreq(device)))[1]
    except OSError as error:
        raise failure(error, "The MTU of " + device, "read") from None


def set_mtu(device: str, number: int) -> None:
    try:
        control(SIOCSIFMTU, ifreq(device, number))
    except OSError as error:
        raise failure(error, "The MTU of " + device, "set to {0}".format(number)) from None


def ethtool(device: str, words: array) -> array:
    """One ethtool call over a structure of 32-bit words."""
    address, _length = words.buffer_info()
    request = struct.pack("16sP16x", device.encode(), address)
    control(SIOCETHTOOL, request)
    return words


def channels(device: str) -> Dict[str, int]:
    """Queue counts and their limits, by the names of CHANNELS. Raises Gone, or Refused where there are none to set."""
    try:
        found = ethtool(device, array("I", [ETHTOOL_GCHANNELS] + [0] * len(CHANNELS)))
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):
            raise Refused("The driver of {0} has no queue counts to set.".format(device)) from None
        raise failure(error, "The queue counts of " + device, "read") from None
    return dict(zip(CHANNELS, found[1:]))


def set_channels(device: str, counts: Dict[str, int]) -> None:
    try:
        ethtool(device, array("I", [ETHTOOL_SCHANNELS] + [counts[name] for name in CHANNELS]))
    except OSError as error:
        raise failure(error, "The queue counts of " + device, "set") from None
