# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""IPv6 BIG TCP: packets of up to 192 KB inside the host and its network card, instead of 64 KB.

Why: a third of the packets means a third of the work per byte in the stack, on the way to the card and from it.
Cost: agents restart, and running pods go on with 64 KB until they are created anew. Programs that read packets (tcpdump,
packet sockets) see packets larger than an IPv6 length field can say.
Undo: enableIPv6BIGTCP false and restarted agents; pods created meanwhile keep the larger sizes until created anew.
Refuse when: there is a tunnel; BPF host routing or encryption stands in the way; the device mode is not veth up to 1.15, or
lb-only later; the DSR dispatch is ipip, or geneve, from 1.19 on. No meaning where IPv6 is off: it is never switched on.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#ipv6-big-tcp
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Options, Phase, Risk, Stage, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.cluster import _big_tcp as big_tcp

KEY, VALUE, LIVE = "enable-ipv6-big-tcp", "enableIPv6BIGTCP", "ipv6_big_tcp"


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """IPv6 that is off, and what agents exit on."""
    yield from big_tcp.not_applicable(view, "ipv6")
    yield from big_tcp.refusals(view)


def notes(view: View, options: Options) -> Iterator[str]:
    """The network cards."""
    yield from big_tcp.notes(view, LIVE)


TUNING = Tuning(
    id="ipv6_big_tcp",
    title="BIG TCP for IPv6",
    phase=Phase.PODS,
    risk=Risk.PODS_RECREATED,
    reason=big_tcp.REASON,
    undo=big_tcp.UNDO.format(value=VALUE),
    needs=big_tcp.NEEDS,
    left_off=big_tcp.LEFT_OFF,
    conflicts=big_tcp.CONFLICTS,
    absent={VALUE: False, KEY: "false"},
    kernel="5.19",
    off={KEY: "false"},
    since="1.13",
    pods=True,
    profiles={"throughput": {}, "max": {}},
    residue=big_tcp.RESIDUE,
    stages=(Stage("big", wants=(Want({VALUE: True}, {KEY: "true"}),), live=(Live(LIVE, "enabled", config=(KEY,)),)),),
)
