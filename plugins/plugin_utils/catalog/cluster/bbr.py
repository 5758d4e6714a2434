# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""BBR: congestion control that follows the measured bandwidth and delay of a path instead of its losses.

Why: on paths with loss or deep buffers, such as those to clients on the Internet, it gets several times the throughput and
keeps queues short.
Cost: agents restart. Running pods keep cubic until they are created anew. In one network BBR flows may take more than
their share from cubic flows. On the hosts, agents set net.ipv4.tcp_congestion_control to bbr and tcp_slow_start_after_idle to 0.
Undo: bandwidthManager.bbr false and restarted agents; pods that have BBR keep it until they are created anew. The sysctls are
put back on the hosts of the inventory; elsewhere tcp_slow_start_after_idle stays 0 until a reboot.
Refuse when: the bandwidth manager cannot be had; BPF host routing cannot be had (agents exit), except for scope
host_namespace, which needs 1.18.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/bandwidth-manager/#bbr-for-pods
"""
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Live, Need, Option, Phase, Residue, Risk, Stage, Sysctl, Tuning, Want)

# Older agents would ask for BPF host routing all the same.
HOST_ONLY = "1.18"


def _scope(name: str, host_only: bool) -> Want:
    return Want({"bandwidthManager.bbrHostNamespaceOnly": host_only}, {"enable-bbr-hostns-only": str(host_only).lower()},
                since=HOST_ONLY, when={"scope": (name,)})


TUNING = Tuning(
    id="bbr",
    title="BBR congestion control",
    phase=Phase.CONGESTION,
    risk=Risk.PODS_RECREATED,
    reason="Agents restart. With scope pods, running pods keep their congestion control until they are created anew.",
    undo="Put bandwidthManager.bbr back and restart the agents; pods that have BBR keep it until they are created anew.",
    needs=(Need("bandwidth_manager"), Need("host_routing", when={"scope": ("pods",)})),
    options=(Option("scope", ("pods", "host_namespace"), "pods", since={"host_namespace": HOST_ONLY}),),
    absent={"bandwidthManager.bbr": False, "enable-bbr": "false",
            "bandwidthManager.bbrHostNamespaceOnly": False, "enable-bbr-hostns-only": "false"},
    kernel="5.18",
    off={"enable-bbr": "false", "enable-bbr-hostns-only": "false"},
    since="1.12",
    pods=True,
    profiles={"throughput": {}, "max": {}},
    residue=Residue(sysctls=(Sysctl("net.ipv4.tcp_congestion_control", ("bbr", "cubic")),
                             Sysctl("net.ipv4.tcp_slow_start_after_idle", ("0",)))),
    disturbs=("tuned_profile",),
    stages=(
        Stage("bbr", wants=(Want({"bandwidthManager.bbr": True}, {"enable-bbr": "true"}),
                            _scope("pods", False), _scope("host_namespace", True)),
              # Without the bandwidth manager no congestion control is shown at all.
              live=(Live("congestion_control", "bbr", config=("enable-bbr",)), Live("bandwidth_manager", "enabled"))),
    ),
)
