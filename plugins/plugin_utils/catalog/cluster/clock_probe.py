# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""BPF clock probe: the data path takes the time of conntrack entries from jiffies, which are cheaper to read than ktime.

Why: every packet reads the clock; jiffies are one load from memory.
Cost: the two clocks count from different points. After a change, entries that are there look expired, or as if they would
last for months: connections end, or stale entries stay until the map is full.
Undo: the former value, with the same effect on entries, so better on freshly started nodes too.
Refuse when: never applied by itself, since neither the change nor its undo is clean on a node with connections; judged only.
The value is bpfClockProbe: charts list bpf.clockProbe as well, which nothing reads. It is on by default up to chart 1.13.4,
and off from 1.13.5 on.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import name_nodes, nested
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    OneOf, Options, Phase, Risk, Stage, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

PATH, KEY = "bpfClockProbe", "enable-bpf-clock-probe"


def notes(view: View, options: Options) -> Iterator[str]:
    """The value that looks right and is not, and what the status tells."""
    if nested(view.values or {}, "bpf.clockProbe")[0] is not None:
        yield "The release sets bpf.clockProbe, which no chart reads; the value that counts is bpfClockProbe."
    broken = view.agents_within("1.17.8", "1.17.8")
    if broken:
        yield f"Agents of 1.17.8 ({name_nodes(broken)}) fail to compile their programs with it and exit (issue 41862)."
    yield "Which clock an agent found is in `cilium-dbg status --verbose`, line Clock Source for BPF: jiffies or ktime."


TUNING = Tuning(
    id="clock_probe",
    title="Jiffies as the data path's clock",
    phase=Phase.MAPS,
    risk=Risk.CONNECTIONS_LOST,
    reason="Conntrack entries keep times of the other clock: they expire at once, or not for months.",
    undo="Put bpfClockProbe back and start the nodes afresh.",
    applies=False,
    way_out=(
        "Best on new nodes, with a CiliumNodeConfig (Cilium 1.13 or later) that sets enable-bpf-clock-probe for them. For "
        "nodes that run, one at a time: (1) drain the node; (2) set bpfClockProbe: true in the release's values once, with "
        "rollOutCiliumPods off; (3) restart the node, so that it starts with empty maps; (4) see that its agent says "
        "jiffies in `cilium-dbg status --verbose`, line Clock Source for BPF; (5) uncordon it. Let no agent restart before."
    ),
    stages=(Stage(
        "jiffies",
        wants=(
            # Up to 1.13.4 the chart's default is true: not set will do.
            Want({PATH: OneOf((True, None))}, {KEY: "true"}, until="1.13.4"),
            Want({PATH: True}, {KEY: "true"}, since="1.13.5"),
        ),
        live=(),
    ),),
    profiles={"max": {}},
)
