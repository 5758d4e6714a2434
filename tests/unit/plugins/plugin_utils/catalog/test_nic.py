# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._nic import ALIKE, DRIVERS, xdp_limits, xdp_obstacles

KERNEL = "6.8.0-40-generic"


def device(driver: str, mtu: int = 1500, combined: tuple[int, int] = (4, 8), **more: object) -> dict:
    return {"name": "eth0", "kind": "physical", "driver": driver, "mtu": mtu, "offloads": {}, "offloads_fixed": [],
            "queues": {"rx": 4, "tx": 4, "channels": {"combined": {"current": combined[0], "max": combined[1]}}}, **more}


@pytest.mark.parametrize(("driver", "kernel", "native"), [
    ("ena", "5.5.0", False), ("ena", "5.6.0", True), ("ice", "5.4.0-150-generic", False), ("ice", "5.5.1", True),
    ("mlx5_core", "4.19.57", True), ("vmxnet3", "6.5.0", False), ("vmxnet3", "6.6.0", True),
    ("gve", "6.1.0-17-cloud-amd64", False),
    ("virtio_net", "5.10.0", True), ("r8169", "7.0.0", False), ("8021q", KERNEL, False), ("bonding", "5.14.9", False),
    ("bonding", "5.15.0", True), ("igc", "5.12.1", False), ("mana", "5.17.0", True), ("ixgbevf", "4.17.0", True),
    ("hv_netvsc", "5.6.0", True), ("mlx5_core", None, None), ("mlx5_core", "unknown", None), ("homemade", KERNEL, None),
    (None, KERNEL, None), (["ena"], KERNEL, None), ("mlx5e", KERNEL, True),
])
def test_drivers_by_kernel(driver: object, kernel: object, native: bool | None) -> None:
    assert xdp_limits(driver, kernel)["native"] is native


@pytest.mark.parametrize("kernel", ["5.4.17-2136.el8uek.x86_64", "4.18.0-513.el8.x86_64", "5.3.18-150300.59-default",
                                    "5.4.254-1.amzn2"])
def test_kernels_with_drivers_carried_back_are_not_known(kernel: str) -> None:
    assert xdp_limits("ice", kernel)["native"] is None


@pytest.mark.parametrize(("driver", "most"), [
    ("ena", 3498), ("bnxt_en", 3500), ("mlx5_core", 3498), ("virtio_net", 3506), ("i40e", 3046), ("ice", 3046),
    ("gve", 2032),
    ("igc", 1500), ("nfp", None)])
def test_mtus(driver: str, most: int | None) -> None:
    assert xdp_limits(driver, KERNEL)["mtu_max"] == most


def test_every_entry_names_its_source() -> None:
    for name, driver in DRIVERS.items():
        found = xdp_limits(name, "9.0.0")
        assert found["evidence"].startswith("https://")
        assert driver.source or (driver.mtu_max is None and not driver.rules and not driver.off), name
    assert set(ALIKE.values()) <= set(DRIVERS)


@pytest.mark.parametrize(("kernel", "kind"), [("5.10.0", "spare"), ("5.12.19", "spare"), ("5.13.0", None), (None, "spare")])
def test_virtio_asks_for_spare_queues_up_to_5_12(kernel: str | None, kind: str | None) -> None:
    assert (xdp_limits("virtio_net", kernel)["queue_rule"] or {}).get("kind") == kind


def test_ixgbe_takes_more_cpus_from_5_16_on() -> None:
    assert [xdp_limits("ixgbe", kernel)["queue_rule"]["limit"] for kernel in ("5.15.0", "5.16.0")] == [64, 128]


@pytest.mark.parametrize(("found", "verdict", "words"), [
    (device("ena"), True, ""), (device("ena", mtu=9001), False, "MTU is 9001"), (device("ena", combined=(8, 8)), False,
                                                                                 "half"),
    (device("ena", mtu=None), None, "MTU is not known"), (device("ena", queues={}), None, "half"),
    (device("mlx5_core", offloads={"rx-lro": True}), False, "rx-lro must be off"), (device("mlx5_core", mtu=3498), True, ""),
    (device("mlx5_core", mtu=3499), False, "3498"), (device("mlx5_core", offloads=None), None, "offloads are not known"),
    (device("virtio_net", offloads={"rx-gro-hw": True}), True, ""),
    (device("virtio_net", offloads={"rx-gro-hw": True}, offloads_fixed=["rx-gro-hw"]), False, "cannot be switched off"),
    (device("r8169"), False, "no native XDP."), (device("gve", mtu=1460, combined=(2, 4)), None, "queue format"),
    (device("homemade"), None, "not known"), (device("", kind="vlan"), False, "8021q"),
    (device("", kind="bond", bond={"mode": "802.3ad"}), True, ""), (device("", kind="bond", bond={"mode": "balance-tlb"}),
                                                                    False, "tlb"),
    (device("", kind="bond", bond=None), None, "mode is not known"),
    (device("bnxt_en", queues={"channels": {"rx": {"current": 4, "max": 8}, "tx": {"current": 4, "max": 8}}}), False,
     "combined"),
    (device("bnxt_en"), True, ""),
])
def test_a_device_as_it_is(found: dict, verdict: bool | None, words: str) -> None:
    native, reasons = xdp_obstacles(found, KERNEL, 4)
    assert native is verdict and words in " ".join(reasons)
    assert bool(reasons) is (verdict is not True) and all("eth0" in reason for reason in reasons)


@pytest.mark.parametrize(("cpus", "verdict"), [(4, True), (5, False), (None, None)])
def test_spare_queues(cpus: int | None, verdict: bool | None) -> None:
    assert xdp_obstacles(device("virtio_net"), "5.10.0-28-amd64", cpus)[0] is verdict


@pytest.mark.parametrize(("cpus", "verdict"), [(128, True), (129, False), (None, None), ("many", None)])
def test_many_cpus(cpus: object, verdict: bool | None) -> None:
    assert xdp_obstacles(device("ixgbe"), KERNEL, cpus)[0] is verdict


def test_as_many_receive_as_transmit_queues() -> None:
    for transmit, verdict in ((2, True), (1, False)):
        channels = {"rx": {"current": 2, "max": 8}, "tx": {"current": transmit, "max": 8}}
        assert xdp_obstacles(device("ena", queues={"channels": channels}), KERNEL, 4)[0] is verdict


def test_a_certain_refusal_hides_what_is_not_known() -> None:
    native, reasons = xdp_obstacles(device("ena", mtu=9001, queues=None), KERNEL, 4)
    assert native is False and len(reasons) == 1


@pytest.mark.parametrize("garbage", [None, [], "eth0", {}, {"driver": {}}, {"driver": "ena", "mtu": "x", "queues": []},
                                     {"driver": "virtio_net", "queues": {"channels": {"combined": 4}}, "offloads": []}])
def test_garbage_is_unknown(garbage: object) -> None:
    native, reasons = xdp_obstacles(garbage, "5.10.0", 4)
    assert native is None and reasons
