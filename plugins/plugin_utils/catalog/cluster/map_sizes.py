# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sizes of the BPF maps: as many entries for connections and address translation as the traffic needs.

Why: a full connection tracking or NAT map drops new connections, or forgets the oldest ones, while memory lies idle.
Cost: agents restart and make the maps anew that change their size: what was tracked and translated there is forgotten, so
established connections through Services and to the outside are lost or reset. Memory, see the note in the audit.
Undo: the former values and restarted agents; connections are lost in the same way.
Refuse when: the NAT map would be larger than two thirds of both connection tracking maps, on which agents exit, or that
cannot be told. No meaning where no size is asked for.
Evidence: https://docs.cilium.io/en/stable/network/ebpf/maps/
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Number, Opt, Options, Phase, Risk, Stage, State, Text, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

RATIO_KEY, RATIO_VALUE = "bpf-map-dynamic-size-ratio", "bpf.mapDynamicSizeRatio"
# Option: Helm value, key of cilium-config, what agents take where it is missing, bytes of an entry and its share of overhead.
MAPS: Mapping[str, tuple[str, str, int, int]] = {
    "ct_tcp": ("bpf.ctTcpMax", "bpf-ct-global-tcp-max", 524288, 94),
    "ct_any": ("bpf.ctAnyMax", "bpf-ct-global-any-max", 262144, 94),
    "nat": ("bpf.natMax", "bpf-nat-global-max", 524288, 94),
    "neigh": ("bpf.neighMax", "bpf-neigh-global-max", 524288, 24),
    "policy": ("bpf.policyMapMax", "bpf-policy-map-max", 16384, 52),
    "lb": ("bpf.lbMapMax", "bpf-lb-map-max", 65536, 40),
}
LEAST, MOST = 1024, 16777216
# Agents keep a policy map for each endpoint, with at most this many entries.
MOST_POLICIES = 65536


def _size(view: View, options: Options, name: str) -> int | None:
    """A map's size after the change, None where it follows from the share of memory or is not to be read."""
    if options[name] is not None:
        return int(options[name])
    written = view.config_value(MAPS[name][1], {})
    if written is not None:
        return int(written) if written.isdecimal() and len(written) < 12 else None
    return None if _ratio(view, options) else MAPS[name][2]


def _ratio(view: View, options: Options) -> bool:
    """Whether sizes that nobody wrote follow from a share of memory."""
    return options["ratio"] is not None or view.config_value(RATIO_KEY, {}) not in (None, "", "0", "0.0")


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """A NAT map that agents exit on."""
    if all(options[name] is None for name in (*MAPS, "ratio")):
        yield Finding(State.NOT_APPLICABLE, "No size is asked for.",
                      "Give map_sizes one of its options, such as {ratio: 0.005} or {ct_tcp: 1000000, nat: 800000}.")
    tcp, other, nat = (_size(view, options, name) for name in ("ct_tcp", "ct_any", "nat"))
    written = [options[name] is not None or view.config_value(MAPS[name][1], {}) is not None for name in ("ct_tcp", "ct_any", "nat")]
    if not any(written):
        return
    if None in (tcp, other, nat):
        yield Finding(
            State.UNKNOWN, "Some of the sizes of the connection tracking and NAT maps are given and others follow from a share of "
            "memory, so whether the NAT map stays within two thirds of the others is not known; agents exit where it does not.",
            "Give all three of ct_tcp, ct_any and nat, or none of them.")
    elif 3 * (nat or 0) > 2 * ((tcp or 0) + (other or 0)):
        yield Finding(
            State.BLOCKED, f"The NAT map would have {nat} entries, more than two thirds of the {(tcp or 0) + (other or 0)} of both "
            "connection tracking maps, on which agents exit.",
            f"Set nat to {2 * ((tcp or 0) + (other or 0)) // 3} or less, or ct_tcp and ct_any larger.")


def notes(view: View, options: Options) -> Iterator[str]:
    """What it takes of memory, as an estimate."""
    if options["ratio"] is not None:
        yield f"Up to {options['ratio']:.2%} of each node's memory is taken for connection tracking, NAT and neighbour maps."
    given = {name: options[name] * MAPS[name][3] for name in MAPS if options[name] is not None}
    if given:
        yield (f"The sizes given take about {sum(given.values()) / 2**20:.0f} MiB on every node when full (estimated from the "
               "sizes of keys and values; a policy map counts once for each endpoint).")


def _want(name: str) -> tuple[Want, ...]:
    """Up to 1.15 charts write whole numbers from a million on as 1e+06, which agents cannot read, so text is given there."""
    value, key = MAPS[name][:2]
    return (Want({value: Text(name)}, {key: Text(name)}, until="1.15"), Want({value: Opt(name)}, {key: Text(name)}, since="1.16"))


ABSENT: dict[str, Any] = {RATIO_VALUE: 0.0025, "bpf.policyMapMax": 16384, "bpf.lbMapMax": 65536}

TUNING = Tuning(
    id="map_sizes",
    title="Sizes of the BPF maps",
    phase=Phase.MAPS,
    risk=Risk.CONNECTIONS_LOST,
    reason="Maps that change their size are made anew: connections tracked or translated there are lost, node by node.",
    undo="Put the former sizes back and restart the agents; connections are lost in the same way.",
    options=(
        Number("ratio", 0.0001, 0.5, whole=False),
        *(Number(name, LEAST, MOST_POLICIES if name == "policy" else MOST) for name in MAPS),
    ),
    absent=ABSENT,
    stages=(
        Stage("sized", wants=(Want({RATIO_VALUE: Opt("ratio")}, {RATIO_KEY: Text("ratio")}),
                              *(want for name in MAPS for want in _want(name))), live=()),
    ),
)
