# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Bandwidth manager: fair queues and departure times set by BPF on the nodes' devices.

Why: pods' egress limits without the locks of token buckets, packets paced by fq instead of dropped, and BBR works with it
only.
Cost: agents restart. On every device the queueing discipline is replaced by fq, and packets queued at that moment are lost;
Cilium also sets net.core.default_qdisc to fq and net.ipv4.tcp_congestion_control to cubic on the hosts, and raises somaxconn,
netdev_max_backlog and tcp_max_syn_backlog (agents up to 1.12 may lower them).
Undo: bandwidthManager.enabled false (chart 1.11: bandwidthManager false) and restarted agents. These leave queueing
disciplines and sysctls as they are: on hosts of the inventory they are put back as they were, elsewhere a reboot does it.
Refuse when: IPsec is on, or an agent finds no devices: agents leave it off silently. BBR is set already and sleeps
while the bandwidth manager is off: with it on, agents may exit on BBR.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/bandwidth-manager/
"""
from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _clash as clash
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, Live, Options, Phase, Residue, Risk, Stage, State, Sysctl, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

KEY = "enable-bandwidth-manager"
ON = {KEY: "true"}


def _sleeping_bbr(view: View) -> Iterator[Finding]:
    """Charts write BBR only once the bandwidth manager is on, so the values say more than cilium-config."""
    asked = clash.on(view, "enable-bbr") or read.nested(view.values or {}, "bandwidthManager.bbr")[0] is True
    if asked and not clash.on(view, KEY) and view.agents_within("1.12"):
        yield Finding(
            State.BLOCKED, "BBR is set here and sleeps while the bandwidth manager is off; the one would wake the other, "
            "and agents exit on BBR with kernels before 5.18 or without BPF host routing.",
            "Set bandwidthManager.bbr to false first; the tuning bbr sets it again where it can be had.")


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What agents leave it off for, silently but for a line in their log."""
    yield from clash.excluded(view, "enable-ipsec", "Agents leave the bandwidth manager off with IPsec",
                              "Do without IPsec (encryption.enabled), or leave bandwidth_manager out of fastpath_tunings.")
    yield from _sleeping_bbr(view)
    yield from clash.no_devices(view, "the bandwidth manager")


TUNING = Tuning(
    id="bandwidth_manager",
    title="Bandwidth manager",
    phase=Phase.BANDWIDTH,
    risk=Risk.AGENT_RESTART,
    reason="Agents restart and put fq on the nodes' devices; packets queued there at that moment are sent again.",
    undo="Put bandwidthManager back and restart the agents; fq and the changed sysctls are put back on the hosts of the "
         "inventory, and stay elsewhere until a reboot.",
    absent={"bandwidthManager": False, "bandwidthManager.enabled": False, KEY: "false"},
    kernel="5.1",
    off={KEY: "false"},
    left_off="where the kernel has no fq (CONFIG_NET_SCH_FQ) or no device is found",
    profiles={"throughput": {}, "max": {}},
    # pkg/bandwidth of agents up to 1.13, pkg/datapath/linux/bandwidth of later ones. The numbers are written by agents up to
    # 1.12 whatever stands there, by later ones where less stands there.
    residue=Residue(
        sysctls=(Sysctl("net.core.netdev_max_backlog", ("1000",)), Sysctl("net.core.somaxconn", ("4096",)),
                 Sysctl("net.ipv4.tcp_max_syn_backlog", ("4096",)), Sysctl("net.core.default_qdisc", ("fq",)),
                 Sysctl("net.ipv4.tcp_congestion_control", ("cubic", "bbr"))),
        qdisc="fq"),
    disturbs=("tuned_profile",),
    stages=(
        # Charts from 1.12 on take a mapping; in 1.11 a mapping renders nonsense.
        Stage("fq", wants=(Want({"bandwidthManager": True}, ON, until="1.11"),
                           Want({"bandwidthManager.enabled": True}, ON, since="1.12")),
              live=(Live("bandwidth_manager", "enabled", config=(KEY,)),)),
    ),
)
