# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sizes of the BPF maps that hold connections, NAT, neighbours, policy and Services.

Why: a map that is full throws the oldest entries out, or takes no new ones: connections break, packets drop, and the search
for entries to throw out costs CPU. Cilium's default ratio of 0.0025 is careful: busy nodes may fill such maps.
Cost: agents restart with new, empty conntrack and NAT maps, so connections through NAT or a Service end. LRU maps take
all of their memory at once. Sizes have no default here, since the right one depends on the load: without an option nothing
is wanted, and a size that was asked for alone does not bring a ratio with it. Profile max takes ratio 0.08, the only one
that Cilium's tuning guide names besides the default (with the distributed LRU).
Undo: the former sizes, at the same cost.
Refuse when: a NAT size that is set would be larger than two thirds of both conntrack maps together, or that cannot be told;
a ratio that is smaller than the present one.
Evidence: https://docs.cilium.io/en/stable/network/ebpf/maps/
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Number, Opt, Options, Phase, Risk, Stage, State, Text, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

RATIO_PATH, RATIO_KEY = "bpf.mapDynamicSizeRatio", "bpf-map-dynamic-size-ratio"
# What agents give a conntrack map at least where memory decides, and where nothing does they take more.
AT_LEAST = {"ct_tcp": 131072, "ct_any": 65536}
# What agents take: LimitTableMin and LimitTableMax, and the bounds of the policy map.
LEAST, MOST, POLICY_LEAST, POLICY_MOST = 1024, 16777216, 256, 65536


@dataclass(frozen=True)
class Size:
    """A map: its Helm value and cilium-config key, and what one entry takes by Cilium's own count (0: not counted)."""

    path: str
    key: str
    entry: int = 0


SIZES: Mapping[str, Size] = {
    "ct_tcp": Size("bpf.ctTcpMax", "bpf-ct-global-tcp-max", 94),
    "ct_any": Size("bpf.ctAnyMax", "bpf-ct-global-any-max", 94),
    "nat": Size("bpf.natMax", "bpf-nat-global-max", 94),
    "neigh": Size("bpf.neighMax", "bpf-neigh-global-max", 24),
    "policy": Size("bpf.policyMapMax", "bpf-policy-map-max"),
    "lb": Size("bpf.lbMapMax", "bpf-lb-map-max"),
}
BALANCED = ("ct_tcp", "ct_any", "nat")
# Kernel: an element's header (48), its bucket (16) and rounding, on top of key and value.
OVERHEAD = 68


def _ratio(value: str | None) -> float | None:
    try:
        return float(value or "")
    except ValueError:
        return None


def _configured(view: View, name: str) -> int | None:
    """The size that cilium-config gives a map; None where memory decides, or it says nothing that can be read."""
    value = view.config_value(SIZES[name].key, {}) or ""
    return int(value) or None if value.isascii() and value.isdecimal() and len(value) < 12 else None


def _nothing(options: Options) -> Iterator[Finding]:
    if all(value is None for value in options.values()):
        yield Finding(
            State.NOT_APPLICABLE, "No size was asked for, and the right one depends on the load.",
            "Look at bpf-map-pressure in the agents' metrics; where it is high, ask for {ratio: 0.08}, as Cilium's tuning "
            "guide has it, or for single sizes.")


def _follows(view: View, options: Options, name: str) -> bool:
    """Whether nobody gives this map a size, so that agents choose it themselves."""
    return options[name] is None and view.config_value(SIZES[name].key, {}) in (None, "", "0")


def _balance(view: View, options: Options) -> Iterator[Finding]:
    """Agents exit where a NAT size that is set is larger than conntrack; two thirds of it is what they choose themselves."""
    if all(options[name] is None for name in BALANCED) or _follows(view, options, "nat"):
        return
    sizes = {name: options[name] or _configured(view, name) for name in BALANCED}
    missing = [name for name, size in sizes.items() if size is None]
    least = {name: AT_LEAST[name] if name in AT_LEAST and _follows(view, options, name) else size or 0
             for name, size in sizes.items()}
    if sizes["nat"] and 3 * sizes["nat"] <= 2 * (least["ct_tcp"] + least["ct_any"]):
        return
    if missing:
        yield Finding(
            State.UNKNOWN,
            f"Agents exit when NAT is larger than conntrack, and {', '.join(missing)} would follow each node's memory, "
            "which is not in the facts.", "Give ct_tcp, ct_any and nat together, or no size for NAT, which then follows.")
    elif 3 * sizes["nat"] > 2 * (sizes["ct_tcp"] + sizes["ct_any"]):
        most = 2 * (sizes["ct_tcp"] + sizes["ct_any"]) // 3
        yield Finding(
            State.BLOCKED, f"NAT with {sizes['nat']} entries is more than two thirds of conntrack ({sizes['ct_tcp']} and "
            f"{sizes['ct_any']}), which is what Cilium itself takes; agents exit where it is larger than both.",
            f"Give nat at most {most}, or larger ct_tcp and ct_any.")


def _smaller_ratio(view: View, options: Options) -> Iterator[Finding]:
    now = _ratio(view.config_value(RATIO_KEY, {}))
    if options["ratio"] is not None and now is not None and now > options["ratio"]:
        yield Finding(
            State.BLOCKED, f"The ratio is {now:g} already; {options['ratio']:g} would make maps smaller, which makes "
            "nothing faster.",
            f"Ask for {{ratio: {now:g}}} or leave the ratio out; to save memory, set {RATIO_PATH} yourself.")


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What agents exit on, and what would not help."""
    for check in (_balance, _smaller_ratio):
        yield from check(view, options)
    yield from _nothing(options)


def _memory(options: Options) -> int:
    """Bytes for each address family: an estimate."""
    return sum(options[name] * (size.entry + OVERHEAD) for name, size in SIZES.items() if size.entry and options[name])


def notes(view: View, options: Options) -> Iterator[str]:
    """What it takes of every node's memory, which the facts do not hold."""
    if options["ratio"] is not None:
        yield (f"Maps take {options['ratio']:.4g} of every node's memory by Cilium's count (94 bytes for an entry of "
               "conntrack and NAT, 24 for a neighbour), at most 16777216 entries each; with the kernel's own overhead, an "
               "estimate, about 1.7 times that, and once more where IPv6 is on. LRU maps take it at once: keep it free on "
               "the smallest node.")
        fixed = [size.key for name, size in SIZES.items()
                 if size.entry and options[name] is None and _configured(view, name)]
        if fixed:
            yield f"{', '.join(fixed)} of cilium-config win over the ratio."
    if _memory(options):
        yield (f"Conntrack, NAT and neighbours of these sizes take about {_memory(options) / 2 ** 20:.0f} MiB on every node "
               "for each address family: entries times key and value (94 or 24 bytes, Cilium's count) and about 68 bytes of "
               "the kernel, an estimate. LRU maps take it at once.")
    if options["policy"] is not None:
        yield "The policy map exists once for each endpoint."


# Charts up to 1.15 render whole numbers from a million on as 1e+06, which no agent reads; text passes as it is.
UNTIL_1_15 = Want({size.path: Text(name) for name, size in SIZES.items()},
                  {size.key: Text(name) for name, size in SIZES.items()}, until="1.15")
SINCE_1_16 = Want({size.path: Opt(name) for name, size in SIZES.items()},
                  {size.key: Text(name) for name, size in SIZES.items()}, since="1.16")

TUNING = Tuning(
    id="map_sizes",
    title="Sizes of BPF maps",
    phase=Phase.MAPS,
    risk=Risk.CONNECTIONS_LOST,
    reason="Conntrack and NAT maps of another size are created anew and empty: connections through NAT or a Service end, "
           "agent by agent.",
    undo="Put the former sizes back and restart the agents; maps are created anew and connections end in the same way.",
    options=(
        Number("ratio", 0.0001, 1, whole=False),
        *(Number(name, LEAST, MOST) for name in ("ct_tcp", "ct_any", "nat", "neigh")),
        Number("policy", POLICY_LEAST, POLICY_MOST),
        Number("lb", LEAST, MOST),
    ),
    absent={RATIO_PATH: 0.0025, "bpf.policyMapMax": 16384, "bpf.lbMapMax": 65536,
            "bpf-policy-map-max": "16384", "bpf-lb-map-max": "65536"},
    # No text leaves a size of conntrack, NAT or neighbours to the agents; a node can be given other ones.
    off={RATIO_KEY: "0.0025", "bpf-policy-map-max": "16384", "bpf-lb-map-max": "65536"},
    # The stage of every tuning that creates these maps anew has one name, so that they share a step.
    stages=(Stage("maps", live=(), wants=(
        Want({RATIO_PATH: Opt("ratio")}, {RATIO_KEY: Text("ratio")}), UNTIL_1_15, SINCE_1_16)),),
    profiles={"max": {"ratio": 0.08}},
)
