# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What items of the host and items of the cluster do to each other: who wins, and what is judged or told of it.

Where one item's own file judges it (XDP's limits, DSR's reverse path), the table says so and `told` is None; what a
cluster's step may undo on a host is looked at again after it (`disturbs` of its tuning).
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Options
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View


@dataclass(frozen=True)
class Meeting:
    """`host`: a tuning of hosts, or what else a host has; `cluster`: a tuning of the cluster; `wins` is one of the two.

    `told` yields notes for the verdict of the cluster's tuning.
    """

    host: str
    cluster: str
    wins: str
    what: str
    judged: str
    told: Callable[[View, Options], Iterator[str]] | None = None


def notes(view: View, tuning: str, options: Options) -> Iterator[str]:
    """What is to be told with the verdict of a cluster's tuning."""
    for meeting in MEETINGS:
        if meeting.cluster == tuning and meeting.told is not None:
            yield from meeting.told(view, options)


def _sysctl(host: Mapping[str, Any], name: str) -> str | None:
    return read.text((read.mapping(host.get("sysctl")) or {}).get(name))


def _number(view: View, node: str, name: str) -> int:
    """A sysctl as a number; 0 where it is none, or not known."""
    value = _sysctl(view.host(node) or {}, name) or ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0


def _profile(host: Mapping[str, Any]) -> str | None:
    return read.text((read.mapping(host.get("tuned")) or {}).get("active_profile"))


def _unlike(view: View, nodes: tuple[str, ...], name: str, wanted: str) -> dict[str, list[str]]:
    """Nodes by what a sysctl is there, where it is something else."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        value = _sysctl(view.host(node) or {}, name)
        if value is not None and value != wanted:
            found.setdefault(one_line(value, 40), []).append(node)
    return found


def _set_back(view: View, nodes: tuple[str, ...], name: str, wanted: str) -> Iterator[str]:
    """A sysctl that agents set when they start, and that is another one by now."""
    for value, where in _unlike(view, nodes, name, wanted).items():
        profiles = sorted({one_line(profile, 40) for node in where if (profile := _profile(view.host(node) or {}))})
        who = f"tuned's profile {', '.join(profiles)}, a file in /etc/sysctl.d" if profiles else "a file in /etc/sysctl.d"
        yield (f"Agents set {name} to {wanted} when they start, and it is {value} on {read.name_nodes(where)}: {who} or somebody "
               "set it back. Take it out there; the agents set it again at their next restart.")


def _bbr(view: View, _options: Options) -> Iterator[str]:
    yield from _set_back(view, view.running("congestion_control", "bbr"), "net.ipv4.tcp_congestion_control", "bbr")


def _discipline(view: View, _options: Options) -> Iterator[str]:
    yield from _set_back(view, view.running("bandwidth_manager", "enabled"), "net.core.default_qdisc", "fq")


def _backlog(view: View, _options: Options) -> Iterator[str]:
    """Agents up to 1.12 write their number over whatever stands there."""
    old = [node for node in view.agents_within(None, "1.12") if _number(view, node, "net.core.netdev_max_backlog") > 1000]
    if old:
        yield (f"Agents up to 1.12 set net.core.netdev_max_backlog to 1000 when they start, also where it is more, as on "
               f"{read.name_nodes(old)}: have it set again after them, or upgrade Cilium to 1.13 or later.")


def _fast_open(view: View, options: Options) -> Iterator[str]:
    """The server's half of TCP Fast Open: data in a SYN does not go well with DSR."""
    if options.get("mode") not in ("dsr", "hybrid"):
        return
    nodes = [agent.node for agent in view.agents if _number(view, agent.node, "net.ipv4.tcp_fastopen") & 2]
    if nodes:
        yield (f"TCP Fast Open is on for servers on {read.name_nodes(nodes)} (net.ipv4.tcp_fastopen), as tuned's profile "
               "network-latency has it, and DSR does not work well with it: set it to 1.")


MEETINGS = (
    Meeting("jumbo_mtu", "xdp", "jumbo_mtu", "XDP limits the MTU of a device, by its driver.",
            "Mode native is BLOCKED where an MTU is above the limit, mode best-effort says which devices are left out; the MTU "
            "is looked at again after a step of xdp."),
    Meeting("queues", "xdp", "queues", "Some drivers ask for spare queues, one for each in use or for each CPU.",
            "Mode native is BLOCKED where they are missing; their number is looked at again after a step of xdp."),
    Meeting("irq_affinity", "xdp", "irq_affinity", "Loading a program may make a device's queues anew, with interrupts on "
            "other CPUs.",
            "Interrupts and XPS are looked at again after a step of xdp, and what was lost is told."),
    Meeting("tuned_profile", "bbr", "bbr", "A profile, or a file of sysctls, may set another congestion control.",
            "Where BBR runs and the host says another one, the verdict says so; sysctls are compared after a step.", _bbr),
    Meeting("tuned_profile", "dsr", "dsr", "network-latency switches TCP Fast Open on for servers, which DSR does not go "
            "well with.",
            "The verdict names the hosts where it is on.", _fast_open),
    Meeting("sysctl files", "bandwidth_manager", "bandwidth_manager", "A file of sysctls, or a profile, may set another "
            "net.core.default_qdisc.", "Where the bandwidth manager runs and the host says another one, the verdict says so.",
            _discipline),
    Meeting("tuned_profile", "bandwidth_manager", "tuned_profile", "Profiles raise net.core.netdev_max_backlog, and agents up "
            "to 1.12 lower it.", "The verdict names hosts where that would be so; sysctls are compared after a step.", _backlog),
    Meeting("rp_filter", "dsr", "dsr", "With rp_filter 1 a node drops requests on all devices but that of direct routing.",
            "BLOCKED where a host says so, and noted where hosts are not known."),
    Meeting("jumbo_mtu", "pod_mtu", "jumbo_mtu", "Pods may send what the devices carry, and no more.",
            "BLOCKED where a device has less than pods shall have, or where nodes differ; UNKNOWN where hosts are not "
            "known."),
)
