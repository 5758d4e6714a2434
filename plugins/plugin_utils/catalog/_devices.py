# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The network devices that agents use, as their hosts' facts have them."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _nic as nic
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import Agent, View

Device = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What is known of one node: `fits` True or False for certain, None where it is not known, and the sentences why."""

    fits: bool | None
    why: tuple[str, ...]


def named(host: Mapping[str, Any]) -> dict[str, Device]:
    """Every device of a host by name."""
    records = filter(None, map(read.mapping, read.listing(host.get("devices")) or []))
    return {str(device["name"]): device for device in records if read.text(device.get("name"))}


def used(agent: Agent) -> list[str] | None:
    """The devices that an agent uses; None where its status does not say."""
    shown = read.listing(agent.live("devices"))
    return None if shown is None else [name for name in shown if isinstance(name, str)]


def of_agent(view: View, agent: Agent) -> tuple[list[Device], str | None]:
    """(the devices that an agent uses, why they are not all known or None)."""
    host, names = view.host(agent.node), used(agent)
    if host is None:
        return [], "nothing is known of its host" if view.host_name(agent.node) is None else "its host could not be read"
    if not names:
        return [], "its agent does not say which devices it uses"
    there = named(host)
    missing = [one_line(name, 40) for name in names if name not in there]
    problem = f"its host does not show {', '.join(missing)}, which the agent uses" if missing else None
    return [there[name] for name in names if name in there], problem


def native_xdp(view: View, agent: Agent) -> Answer:
    """Whether every device that an agent uses takes an XDP program in its driver, as it is now."""
    devices, problem = of_agent(view, agent)
    answers = [answer for device in devices for answer in _stack(view.host(agent.node) or {}, device)]
    wrong = tuple(text for fits, texts in answers if fits is False for text in texts)
    if wrong:
        return Answer(False, wrong)
    open_ = tuple(text for fits, texts in answers if fits is None for text in texts)
    return Answer(None, open_ + ((f"{problem}.",) if problem else ())) if open_ or problem else Answer(True, ())


def some_native_xdp(view: View, agent: Agent) -> bool | None:
    """Whether at least one of its devices takes it."""
    devices, problem = of_agent(view, agent)
    host = view.host(agent.node) or {}
    fits = [_all([fit for fit, _texts in _stack(host, device)]) for device in devices]
    if True in fits:
        return True
    return None if problem or None in fits else False


def _all(fits: list[bool | None]) -> bool | None:
    return False if False in fits else None if None in fits else True


def _stack(host: Mapping[str, Any], device: Device) -> Iterator[tuple[bool | None, list[str]]]:
    """A device, and below a bond its ports, which get the program too."""
    cpus = read.mapping(host.get("cpus")) or {}
    possible = read.listing(cpus.get("possible"))
    count = len(possible) if possible else read.number(cpus.get("count"))
    release = (read.mapping(host.get("kernel")) or {}).get("release")
    yield nic.xdp_obstacles(device, release, count)
    if device.get("kind") in ("bond", "team"):
        there = named(host)
        for name in read.listing(device.get("real")) or []:
            if isinstance(name, str) and name in there and name != device.get("name"):
                yield nic.xdp_obstacles(there[name], release, count)


def mtus(view: View) -> tuple[dict[int, list[str]], list[str]]:
    """({the least MTU among the devices of an agent: nodes}, nodes of which it is not known)."""
    found: dict[int, list[str]] = {}
    unknown = []
    for agent in view.agents:
        devices, problem = of_agent(view, agent)
        sizes = [read.number(device.get("mtu")) for device in devices]
        if problem or not sizes or None in sizes:
            unknown.append(agent.node)
        else:
            found.setdefault(min(size for size in sizes if size is not None), []).append(agent.node)
    return found, unknown


def strict_reverse_path(view: View, agent: Agent) -> list[str] | None:
    """Devices of an agent, besides that of direct routing, whose packets the kernel drops when their source is routed
    elsewhere (rp_filter 1); None where that is not known."""
    devices, problem = of_agent(view, agent)
    values = read.mapping((view.host(agent.node) or {}).get("sysctl")) or {}
    everywhere = read.text(values.get("net.ipv4.conf.all.rp_filter"))
    own = [read.number(device.get("rp_filter")) for device in devices]
    if problem or everywhere not in ("0", "1", "2") or None in own:
        return None
    # The kernel takes the greater of the two.
    return [str(device["name"]) for device, value in zip(devices, own)
            if max(value or 0, int(everywhere)) == 1 and device.get("name") != agent.live("direct_routing_device")]
