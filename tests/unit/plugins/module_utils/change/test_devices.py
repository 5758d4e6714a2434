# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.change import devices
from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Denied, Gone, Refused


def test_the_mtu_of_a_device_is_what_sysfs_says():
    assert devices.mtu("lo") == int(Path("/sys/class/net/lo/mtu").read_text())


def test_devices_that_are_not_there_and_drivers_without_queues_are_told():
    with pytest.raises(Gone, match="The MTU of nothere cannot be read: No such device"):
        devices.mtu("nothere")
    with pytest.raises(Gone):
        devices.set_channels("nothere", dict.fromkeys(devices.CHANNELS, 1))
    with pytest.raises(Refused, match="no queue counts to set"):
        devices.channels("lo")


def test_without_the_right_to_it_the_kernel_refuses():
    if os.geteuid() == 0:
        script = ("import os\nfrom ansible_collections.fastpath.cilium.plugins.module_utils.change import devices, errors\n"
                  "os.setuid(65534)\ntry: devices.set_mtu('lo', 1400)\nexcept errors.Denied: print('denied')")
        done = subprocess.run([os.sys.executable, "-c", script], capture_output=True, text=True, check=False,
                              env={"PYTHONPATH": os.pathsep.join(filter(None, os.sys.path))})
        assert done.stdout == "denied\n", done.stderr
    else:
        with pytest.raises(Denied):
            devices.set_mtu("lo", 1400)
