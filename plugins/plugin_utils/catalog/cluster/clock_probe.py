# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Clock of the datapath: jiffies instead of the monotonic clock, where the kernel has them for BPF.

Why: reading jiffies is cheaper than reading the clock, and the datapath reads it for every packet that it tracks.
Cost: agents restart, and the times in the connection tracking map change their unit: entries of before seem to have ended
or to last for ever, so established connections are lost.
Undo: bpfClockProbe as it was and restarted agents; connections are lost in the same way.
Refuse when: never applied by itself, since Cilium's documentation wants it on new nodes only; judged only. The path
bpf.clockProbe, which charts list among their values, is read by none of them.
Evidence: https://docs.cilium.io/en/stable/operations/performance/tuning/#bpf-clock-probe
"""
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Phase, Risk, Stage, Tuning, Want

VALUE, KEY = "bpfClockProbe", "enable-bpf-clock-probe"

TUNING = Tuning(
    id="clock_probe",
    title="Clock of the datapath",
    phase=Phase.MAPS,
    risk=Risk.CONNECTIONS_LOST,
    reason="Times in the connection tracking map change their unit: established connections are lost, node by node.",
    undo="Put bpfClockProbe back and restart the agents; connections are lost in the same way.",
    applies=False,
    way_out=(
        "Best on nodes that join anew: (1) set the Helm value bpfClockProbe to true (not bpf.clockProbe, which no chart reads) "
        "and upgrade the release; (2) node by node, cordon and drain the node, reboot it, and uncordon it; (3) see with "
        "`cilium-dbg status --verbose` that the Clock Source for BPF is jiffies; then run again."
    ),
    # Up to 1.13.4 charts write true by themselves, later ones false; agents without the key do not probe.
    absent={KEY: "false"},
    profiles={"max": {}},
    stages=(Stage("jiffies", wants=(Want({}, {KEY: "true"}),), live=()),),
)
