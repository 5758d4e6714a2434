# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The sysctls that decide something on the data path, or that the tools of this collection change."""
from __future__ import annotations

from typing import Dict, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread

NAMES = tuple(
    "{0}.{1}".format(prefix, name) for prefix, names in (
        ("net.core", "bpf_jit_enable bpf_jit_harden busy_poll busy_read default_qdisc dev_weight netdev_budget "
                     "netdev_budget_usecs netdev_max_backlog optmem_max rmem_default rmem_max rps_sock_flow_entries "
                     "somaxconn wmem_default wmem_max"),
        ("net.ipv4", "conf.all.forwarding conf.all.rp_filter conf.default.rp_filter ip_forward ip_local_port_range "
                     "ip_local_reserved_ports ip_no_pmtu_disc neigh.default.gc_thresh1 neigh.default.gc_thresh2 "
                     "neigh.default.gc_thresh3 tcp_available_congestion_control tcp_congestion_control tcp_early_retrans "
                     "tcp_fastopen tcp_max_syn_backlog tcp_mem tcp_mtu_probing tcp_notsent_lowat tcp_rmem tcp_sack "
                     "tcp_slow_start_after_idle tcp_timestamps tcp_window_scaling tcp_wmem udp_mem"),
        ("net.ipv6", "conf.all.disable_ipv6 conf.all.forwarding neigh.default.gc_thresh3"),
        ("net.netfilter", "nf_conntrack_max"),
        ("kernel", "hung_task_timeout_secs nmi_watchdog numa_balancing sched_autogroup_enabled sched_rt_runtime_us "
                   "timer_migration unprivileged_bpf_disabled"),
        ("vm", "dirty_background_ratio dirty_ratio stat_interval swappiness zone_reclaim_mode"),
    ) for name in names.split())


def read(root: Root, unread: Unread) -> Dict[str, Optional[str]]:
    """{name: text}, None where this kernel (or network namespace) has no such name."""
    return {name: unread.attempt("sysctl/" + name, root.word, "/proc/sys/" + name.replace(".", "/")) for name in NAMES}
