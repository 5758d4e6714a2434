# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What drivers of NICs ask for before they run an XDP program natively: kernel, MTU, queues and offloads. Pure.

Kernels are those of Cilium's own list (`LIST`), the rest is from the drivers' sources, which each entry names. MTUs are for
pages of 4 KiB and for a program that takes packets in one piece, as Cilium's does. What no source tells is None.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.module_utils.versions import kernel_version, parse_version
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read

LIST = "https://docs.cilium.io/en/stable/reference-guides/bpf/progtypes/#xdp-drivers"
LINUX = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/drivers/net/"
# Distributions that carry newer drivers into older kernels: a low version says nothing there.
BACKPORTING = (".el", ".amzn", "-default", "cloud-default", ".cm", ".azl")


@dataclass(frozen=True)
class QueueRule:
    """What a driver asks of queues: `kind` is half (at most half of the channels in use), spare (a free channel for each
    CPU), combined (no channels of one direction only) or cpus (no more than `limit` CPUs). For kernels since..until."""

    kind: str
    text: str
    limit: int = 0
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Driver:
    """One driver.

    `since` None: it has no native XDP. `off`: offloads that must be off; `not_fixed`: those that the driver switches
    off by itself and cannot where they are fixed. `unsure`: why even a new enough kernel does not make it certain.
    """

    since: str | None
    mtu_max: int | None = None
    rules: tuple[QueueRule, ...] = ()
    off: tuple[str, ...] = ()
    not_fixed: tuple[str, ...] = ()
    source: str = ""
    note: str | None = None
    unsure: str | None = None


HALF = "at most half of its channels may be in use (ethtool -L), as XDP takes one more for each"
ENA = QueueRule("half", HALF)
GVE = QueueRule("half", HALF + "; as many receive as transmit queues")
SPARE = QueueRule("spare", "it needs a spare queue for each CPU", until="5.12")
COMBINED = QueueRule("combined", "its channels must be combined ones (ethtool -L combined)")
IXGBE = (QueueRule("cpus", "it takes XDP on hosts with at most 64 CPUs", 64, until="5.15"),
         QueueRule("cpus", "it takes XDP on hosts with at most 128 CPUs", 128, since="5.16"))
LRO = ("rx-lro",)
INTEL, MELLANOX = "ethernet/intel/", "ethernet/mellanox/"

DRIVERS: Mapping[str, Driver] = {
    "ena": Driver("5.6", 3498, (ENA,), source="ethernet/amazon/ena/ena_xdp.c"),
    "atlantic": Driver("5.19"),
    "bnxt_en": Driver("4.11", 3500, (COMBINED,), source="ethernet/broadcom/bnxt/bnxt_xdp.c"),
    "nicvf": Driver("4.12", 1508, source="ethernet/cavium/thunder/nicvf_main.c"),
    "tsnep": Driver("6.3"),
    "fsl_dpa": Driver("5.11"),
    "fsl_dpaa2_eth": Driver("5.0"),
    "fsl_enetc": Driver("5.13"),
    "fec": Driver("6.2"),
    "funeth": Driver("5.18"),
    "gve": Driver("6.4", 2032, (GVE,), source="ethernet/google/gve/gve_main.c",
                  unsure="that depends on its queue format: DQO, which newer instances have, takes all of XDP from later "
                         "kernels on only"),
    "ice": Driver("5.5", 3046, source=INTEL + "ice/ice_main.c",
                  note="It needs free transmit queues for half of the CPUs at least."),
    "igb": Driver("5.10", 3050, source=INTEL + "igb/igb_main.c"),
    "igc": Driver("5.13", 1500, source=INTEL + "igc/igc_xdp.c"),
    "i40e": Driver("4.13", 3046, source=INTEL + "i40e/i40e_main.c"),
    "ixgbe": Driver("4.12", 3050, IXGBE, LRO, source=INTEL + "ixgbe/ixgbe_main.c", note="Not while SR-IOV is in use."),
    "ixgbevf": Driver("4.17", 3050, source=INTEL + "ixgbevf/ixgbevf_main.c"),
    "mvneta": Driver("5.5"),
    "mvpp2": Driver("5.9"),
    "rvu_nicpf": Driver("5.16"),
    "mtk_soc_eth": Driver("6.0"),
    "mlx4_core": Driver("4.8", 3498, source=MELLANOX + "mlx4/en_netdev.c"),
    "mlx5_core": Driver("4.9", 3498, (), LRO + ("rx-gro-hw",), source=MELLANOX + "mlx5/core/en_main.c"),
    "lan966x-switch": Driver("6.2"),
    "hv_netvsc": Driver("5.6", 3506, (), LRO, source="hyperv/netvsc_bpf.c",
                        note="With accelerated networking the program is handed to the virtual function's driver as well."),
    "mana": Driver("5.17", 3506, source="ethernet/microsoft/mana/mana_bpf.c"),
    "nfp": Driver("4.10"),
    "bonding": Driver("5.15", source="bonding/bond_main.c",
                      note="Every port's driver must take it; modes balance-rr, active-backup, 802.3ad and balance-xor "
                           "only."),
    "tun": Driver("4.14"),
    "virtio_net": Driver("4.10", 3506, (SPARE,), (), LRO + ("rx-gro-hw",), source="virtio_net.c",
                         note="From Linux 5.13 on it takes XDP without a spare queue for each CPU, and is slower then."),
    "vif": Driver("5.9"),
    "veth": Driver("4.19"),
    "qede": Driver("4.10"),
    "netsec": Driver("5.3"),
    "sfc": Driver("5.5"),
    "stmmac": Driver("5.13", 1500, source="ethernet/stmicro/stmmac/stmmac_main.c"),
    "cpsw": Driver("5.3"),
    "vmxnet3": Driver("6.6", 3494, source="vmxnet3/vmxnet3_xdp.c"),
    **dict.fromkeys(("8139cp", "8139too", "r8169", "e1000", "e1000e", "tg3", "bnx2", "bnx2x", "be2net", "cxgb4", "fm10k",
                     "enic", "hinic", "qlcnic", "8021q", "bridge", "macvlan", "ipvlan", "dummy", "team"), Driver(None)),
}
# Other names of the same, as `ethtool -i` shows them.
ALIKE = {"mlx5e": "mlx5_core", "mlx4_en": "mlx4_core", "mlx5e_rep": "mlx5_core", "bond": "bonding", "vlan": "8021q",
         "802.1Q VLAN Support": "8021q", "gvnic": "gve", "bnxt": "bnxt_en", "netvsc": "hv_netvsc"}
BOND_MODES = ("balance-rr", "active-backup", "802.3ad", "balance-xor")


def xdp_limits(driver: Any, kernel: Any) -> dict[str, Any]:
    """{native: bool|None, mtu_max: int|None, queue_rule: {kind, limit, text}|None, evidence, note} for a driver on a kernel.

    `kernel` is a release ("6.8.0-40-generic"). native None: it is not known. Never raises.
    """
    known = _known(driver)
    if known is None:
        return {"native": None, "mtu_max": None, "queue_rule": None, "evidence": LIST, "note": None}
    rule = next((one for one in known.rules if _within(kernel, one)), None)
    return {
        "native": _native(known, kernel), "mtu_max": known.mtu_max,
        "queue_rule": rule and {"kind": rule.kind, "limit": rule.limit, "text": rule.text},
        "evidence": LINUX + known.source if known.source else LIST, "note": known.note,
    }


def _known(driver: Any) -> Driver | None:
    name = read.text(driver) or ""
    return DRIVERS.get(ALIKE.get(name, name))


def _native(known: Driver, kernel: Any) -> bool | None:
    if known.since is None:
        return False
    version = kernel_version(kernel)
    if version is None:
        return None
    if version >= (parse_version(known.since) or ()):
        return None if known.unsure else True
    return None if any(mark in str(kernel) for mark in BACKPORTING) else False


def _within(kernel: Any, rule: QueueRule) -> bool:
    """A kernel that is not known, or that may carry a newer driver, is held to the first rule: it is the stricter one."""
    version = kernel_version(kernel) or (0, 0)
    return (rule.since is None or version >= (parse_version(rule.since) or ())) and (
        rule.until is None or version <= (parse_version(rule.until) or ()))


def xdp_obstacles(device: Any, kernel: Any, cpus: Any) -> tuple[bool | None, list[str]]:
    """(whether a device of a host's facts takes native XDP as it is now, the sentences why not or why that is not known).

    `cpus` is the number of CPUs that the host may have. For a device on others (bond, VLAN) ask for each of its `real` too.
    """
    found = read.mapping(device) or {}
    driver = "bonding" if found.get("kind") == "bond" else "8021q" if found.get("kind") == "vlan" else found.get("driver")
    limits, name = xdp_limits(driver, kernel), one_line(found.get("name") or "a device", 40)
    if limits["native"] is not True:
        return limits["native"], [_support(name, driver, kernel, limits["native"])]
    known = _known(driver)
    answers = [*_mtu(found, limits), *_queues(found, limits["queue_rule"], cpus), *_offloads(found, known), *_bond(found)]
    told = [(fits, f"{name}: {text}.") for fits, text in answers if fits is not True]
    verdict = False if any(fits is False for fits, _text in told) else None if told else True
    return verdict, [text for fits, text in told if fits is verdict]


def _support(name: str, driver: Any, kernel: Any, native: bool | None) -> str:
    shown = one_line(driver or "(unknown)", 40)
    if native is False:
        since = getattr(_known(driver), "since", None)
        return f"{name}: its driver {shown} takes no native XDP" + (f" before Linux {since}." if since else ".")
    release, unsure = one_line(kernel or "(unknown)", 60), getattr(_known(driver), "unsure", None)
    why = f"; {unsure}" if unsure else ""
    return f"{name}: whether its driver {shown} takes native XDP on kernel {release} is not known{why}."


Answer = tuple[bool | None, str]


def _mtu(device: Mapping[str, Any], limits: Mapping[str, Any]) -> Iterator[Answer]:
    most, mtu = limits["mtu_max"], read.number(device.get("mtu"))
    if most is None:
        return
    if mtu is None:
        yield None, "its MTU is not known"
    else:
        yield mtu <= most, f"its MTU is {mtu}, and with XDP its driver takes {most} at most"


def _queues(device: Mapping[str, Any], rule: Mapping[str, Any] | None, cpus: Any) -> Iterator[Answer]:
    if rule is None:
        return
    if rule["kind"] == "cpus":
        count = read.number(cpus)
        yield None if count is None else count <= rule["limit"], f"{rule['text']}, and there are {cpus}"
        return
    channels = read.mapping((read.mapping(device.get("queues")) or {}).get("channels"))
    yield (None if channels is None else _channels_fit(channels, rule["kind"], read.number(cpus))), rule["text"]


def _channels_fit(channels: Mapping[str, Any], kind: str, cpus: int | None) -> bool | None:
    pairs = {name: _pair(channels.get(name)) for name in ("combined", "rx", "tx") if channels.get(name) is not None}
    if not pairs or None in pairs.values():
        return None
    if kind == "combined":
        return "combined" in pairs and not any(pair and pair[0] for name, pair in pairs.items() if name != "combined")
    if kind == "spare":
        return None if cpus is None else all(pair is not None and pair[0] + cpus <= pair[1] for pair in pairs.values())
    same = len({pair and pair[0] for name, pair in pairs.items() if name != "combined"}) < 2
    return same and all(pair is not None and 2 * pair[0] <= pair[1] for pair in pairs.values())


def _pair(channel: Any) -> tuple[int, int] | None:
    """(in use, most) of one kind of channels."""
    found = read.mapping(channel) or {}
    current, most = read.number(found.get("current")), read.number(found.get("max"))
    return None if current is None or most is None else (current, most)


def _offloads(device: Mapping[str, Any], known: Driver | None) -> Iterator[Answer]:
    if known is None or not (known.off or known.not_fixed):
        return
    offloads, fixed = read.mapping(device.get("offloads")), read.listing(device.get("offloads_fixed")) or []
    if offloads is None:
        yield None, "its offloads are not known"
        return
    for name in known.off:
        yield offloads.get(name) is not True, f"{name} must be off (ethtool -K)"
    for name in known.not_fixed:
        stuck = offloads.get(name) is True and name in fixed
        yield not stuck, f"{name} is on and cannot be switched off here: the hypervisor decides that"


def _bond(device: Mapping[str, Any]) -> Iterator[Answer]:
    if device.get("kind") == "bond":
        mode = read.text((read.mapping(device.get("bond")) or {}).get("mode"))
        yield None if mode is None else mode in BOND_MODES, f"its bonding mode is {one_line(mode or 'not known', 30)}"
