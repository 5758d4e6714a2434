# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the test beds promise to the scenarios. One bed for all, taken back to its snapshot by each that changed it."""
from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from bedkit import vm

pytestmark = pytest.mark.vm

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
FULL_SIZE = 9000 - 28  # what ping carries in a packet of 9,000 bytes


def pings(bed, size: int) -> bool:
    return bed.ssh("vm1", f"ping -c 2 -i 0.2 -W 5 -M do -s {size} vm2").returncode == 0


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_hard_power_off_loses_what_was_not_flushed_and_nothing_else(bed):
    before = {name: bed.read(name, BOOT_ID) for name in ("vm1", "vm2")}
    pid, other = bed.pids()["vm1"], bed.pids()["vm2"]
    bed.read("vm1", "echo kept > /root/flushed; sync; echo lost > /root/not-flushed")
    bed.do("power-off", "--vm", "vm1", "--hard")
    assert bed.pids() == {"vm1": None, "vm2": other} and not alive(pid)
    bed.do("power-on", "--vm", "vm1")
    assert bed.read("vm1", "cat /root/flushed") == "kept"
    assert bed.ssh("vm1", "cat /root/not-flushed").stdout == ""
    after = {name: bed.read(name, BOOT_ID) for name in ("vm1", "vm2")}
    assert after["vm1"] != before["vm1"] and after["vm2"] == before["vm2"]

    bed.do("reset", "--vm", "vm1")
    assert bed.read("vm1", BOOT_ID) == before["vm1"]  # memory ...
    assert bed.ssh("vm1", "cat /root/flushed").returncode != 0  # ... and disk
    assert abs(float(bed.read("vm1", "date +%s")) - time.time()) < 60


def test_machine_that_is_off_is_reset_as_well(bed):
    before = bed.read("vm2", BOOT_ID)
    bed.do("power-off", "--vm", "vm2", "--hard")
    bed.do("reset", "--vm", "vm2")
    assert bed.read("vm2", BOOT_ID) == before


def test_segment_carries_what_it_is_told_to(bed):
    for name in ("vm1", "vm2"):
        bed.read(name, "ip link set eth1 mtu 9000")
    assert pings(bed, FULL_SIZE)
    bed.do("segment", "--mtu", "1500")
    assert pings(bed, 1400) and not pings(bed, FULL_SIZE)
    bed.do("segment", "--mtu", "9000")
    assert pings(bed, FULL_SIZE)
    bed.do("reset")


def test_way_in_over_the_segment_can_be_cut_and_the_other_stays(bed):
    assert bed.read("vm1-segment", "hostname") == "vm1"
    bed.read("vm1", "ip link set eth1 down")
    assert bed.ssh("vm1-segment", "true", connect=15).returncode != 0
    assert bed.read("vm1", "hostname") == "vm1"
    bed.do("reset", "--vm", "vm1")
    assert bed.read("vm1-segment", "hostname") == "vm1"


def test_nothing_of_the_segment_is_seen_on_this_machine(bed):
    shown = subprocess.run(["ip", "-oneline", "link"], check=True, capture_output=True, text=True).stdout
    assert not [line for line in shown.splitlines() if line.split(": ")[1] in ("segment", "vm1", "vm2")]


def test_machines_reach_nothing_outside(bed):
    bed.read("vm1", "ip route replace default via 10.0.2.2")  # it shall not be for want of a route
    listening = bed.facts["machines"][1]["port"]  # on this machine's loopback, which QEMU would call 10.0.2.2
    assert bed.ssh("vm1", f"timeout 10 bash -c \"exec 3<>/dev/tcp/10.0.2.2/{listening}\"").returncode != 0
    bed.do("reset", "--vm", "vm1")


def test_second_up_is_refused(bed):
    with pytest.raises(AssertionError, match="is up already"):
        vm("up", "--name", bed.name)


def test_bed_ends_with_the_process_it_watches(bed):
    bed.do("down")  # two machines at a time are enough
    watched = subprocess.Popen(["sleep", "600"])
    facts = vm("up", "--name", "vm-tests-watched", "--count", "1", "--watch-pid", str(watched.pid))
    pid = facts["machines"][0]["pid"]
    assert alive(pid) and alive(facts["keeper"])
    watched.kill()
    watched.wait()
    deadline = time.monotonic() + 10
    while alive(pid) or alive(facts["keeper"]):
        assert time.monotonic() < deadline, "the machine outlived whom it was for"
        time.sleep(0.1)
