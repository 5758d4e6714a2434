# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Native routing: pods' packets travel as they are, without a tunnel around them.

Why: a tunnel costs 50 bytes of every packet and the work of wrapping and unwrapping it; DSR with IP options, BIG TCP and
others work without a tunnel only.
Cost: the network between the nodes must know the way to every pod. Pods on changed and unchanged nodes do not reach each
other until the last agent has restarted; a larger batch makes that shorter. With routes auto every node gets a route to
every other one, which takes one layer 2 segment for all of them; with fabric the routers know pods' ranges (BGP, a cloud).
Undo: the former routing mode, routes and ranges, with the same interruption.
Refuse when: the range of pods is not known, or not all in the one that is given; nodes cannot share a segment (routes auto
on Google Cloud or Azure, or in several zones of AWS); a cloud gives pods their addresses, or Cilium is chained to another
plugin; the cluster belongs to a mesh; VTEP integration is on; DSR with another dispatch than opt sleeps in the tunnel up to
1.12; health checks are off, so that agents could not prove that they reach each other afterwards. A cluster that routes
natively already is left as it is, whoever knows the routes.
Evidence: https://docs.cilium.io/en/stable/network/concepts/routing/
"""
from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _clash as clash
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog import _read as read
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, FreeText, Live, Opt, Option, Options, Phase, Risk, Stage, State, Tuning, Want)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View, within

FAMILIES = {"ipv4": "cidr", "ipv6": "cidr_v6"}
KEYS = {family: f"{family}-native-routing-cidr" for family in FAMILIES}
ABSENT = {"tunnel": "vxlan", "routing-mode": "tunnel", "autoDirectNodeRoutes": False, "auto-direct-node-routes": "false"}
# Pods' addresses are those of the cloud's own network there.
CLOUD_ADDRESSES = {"eni": "AWS", "azure": "Azure", "alibabacloud": "Alibaba Cloud"}
# Every packet passes the cloud's own routers there, whichever nodes it travels between.
WITHOUT_SEGMENTS = {"gce": "Google Cloud", "azure": "Azure"}
ZONE = "topology.kubernetes.io/zone"
DSR_MODES = ("dsr", "hybrid")
PROBES = ("enable-health-checking", "enable-endpoint-health-checking")
BY_HAND = ("In a maintenance window, change the routing yourself and see that pods of every pair of nodes reach each other; "
           "then run again.")


def _range(version: int, text: str) -> str | None:
    try:
        found = ipaddress.ip_network(text.strip(), strict=True)
    except ValueError:
        return None
    return str(found) if found.version == version and "/" in text else None


def ipv4_range(text: str) -> str | None:
    """The range in its usual spelling; None for what is none."""
    return _range(4, text)


def ipv6_range(text: str) -> str | None:
    """The range in its usual spelling; None for what is none."""
    return _range(6, text)


def as_is(view: View, options: Options) -> bool:
    """Whether cilium-config says native routing already, in the words of this chart."""
    if within(view.chart, None, "1.13"):
        return view.config_value("tunnel", ABSENT) == "disabled"
    return view.config_value("routing-mode", ABSENT) == "native"


def from_tunnel(view: View, options: Options) -> bool:
    """Whether there is a tunnel to be left."""
    return not as_is(view, options)


def _pool(view: View, family: str) -> list[str]:
    """The ranges that pods get their addresses from, where Cilium gives them."""
    if view.config_value("ipam", {"ipam": "cluster-pool"}) != "cluster-pool":
        return []
    return (view.config_value(f"cluster-pool-{family}-cidr", {}) or "").replace(",", " ").split()


def _needed(view: View, family: str) -> bool:
    """Whether agents exit without a range: it is what they do not masquerade."""
    return clash.on(view, f"enable-{family}") and clash.on(view, f"enable-{family}-masquerade")


def adapt(view: View, options: Options) -> Options:
    """A range that was not given is the one that cilium-config has, or that of the only pool."""
    found = dict(options)
    for family, option in FAMILIES.items():
        pool = _pool(view, family)
        told = view.config_value(KEYS[family], {}) or (pool[0] if len(pool) == 1 and _needed(view, family) else None)
        found[option] = options[option] or (_range(4 if family == "ipv4" else 6, told) if told else None)
    return found


def _ranges(view: View, options: Options) -> Iterator[Finding]:
    for family, option in FAMILIES.items():
        if _needed(view, family) and options[option] is None and not (family == "ipv6" and within(view.chart, None, "1.11")):
            pool = ", ".join(_pool(view, family)) or "none"
            yield Finding(
                State.BLOCKED, f"The range of all pods' {family.replace('ip', 'IP')} addresses is not known: cilium-config "
                f"has no {KEYS[family]} that is one, and not exactly one pool ({pool}). Agents exit without it while they "
                "masquerade.",
                f"Add it to the options of native_routing as {option}.")
        outside = [text for text in _pool(view, family) if options[option] and not _covers(options[option], text)]
        if outside:
            yield Finding(
                State.BLOCKED, f"Pods get addresses from {', '.join(outside)}, which is not within {options[option]}: "
                "packets between pods would be masqueraded.", f"Give a {option} that all pools are part of.")


def _covers(wide: str, narrow: str) -> bool:
    try:
        return ipaddress.ip_network(narrow, strict=False).subnet_of(ipaddress.ip_network(wide))
    except (ValueError, TypeError):
        return False


def _other_routers(view: View) -> Iterator[Finding]:
    cloud = CLOUD_ADDRESSES.get(view.config_value("ipam", {}) or "")
    if cloud:
        yield Finding(State.BLOCKED, f"Pods have addresses of {cloud} itself (ipam '{view.config_value('ipam', {})}'), "
                      "which routes them; how is not changed here.", "Follow Cilium's guide for this cloud, then run again.")
    plugin = clash.chained(view)
    if plugin:
        yield Finding(State.BLOCKED, f"Cilium is chained to another CNI plugin ({plugin}), which routes pods' packets.",
                      "Change the routing there, then run again.")
    if read.nested(view.values or {}, "aksbyocni.enabled")[0] is True:
        yield Finding(State.BLOCKED, "The release has aksbyocni.enabled, with which the chart takes a tunnel only.",
                      "Leave native_routing out of fastpath_tunings, and what needs it.")


def _beyond(view: View) -> Iterator[Finding]:
    """What reaches past the nodes of this cluster, and would be left in a tunnel."""
    if view.config_value("cluster-id", {}) not in (None, "", "0"):
        yield Finding(State.BLOCKED, "The cluster belongs to a mesh (cluster-id is not 0), whose clusters all route alike.",
                      BY_HAND)
    yield from clash.excluded(view, "enable-vtep", "VTEP integration is part of the VXLAN tunnel",
                              "Set vtep.enabled to false, or leave native_routing out of fastpath_tunings.")


def _unproved(view: View) -> Iterator[Finding]:
    off = [key for key in PROBES if view.config_value(key, {key: "true"}) == "false"]
    if off:
        yield Finding(State.BLOCKED, f"cilium-config has {' and '.join(off)} 'false', so agents could not prove that pods "
                      "reach each other after the change.",
                      f"Set healthChecking and endpointHealthChecking.enabled to true, then run again. Or: {BY_HAND}")


def _segments(view: View, options: Options) -> Iterator[Finding]:
    if options["routes"] != "auto":
        return
    places = [(str(node.get("provider_id") or "").partition("://")[0],
               (read.mapping(node.get("labels")) or {}).get(ZONE)) for node in view.nodes or ()]
    fabric = "See that the routers know every node's pods, and set the options of native_routing to {routes: fabric}."
    for name in sorted({WITHOUT_SEGMENTS[cloud] for cloud, _zone in places if cloud in WITHOUT_SEGMENTS}):
        yield Finding(State.BLOCKED, f"The nodes are instances of {name}, whose network has no layer 2 segments, so no node "
                      "can send to another one's pods by itself.", fabric)
    zones = {str(zone) for cloud, zone in places if cloud == "aws" and zone}
    if len(zones) > 1:
        yield Finding(State.BLOCKED, f"The nodes are in {len(zones)} zones of AWS ({', '.join(sorted(zones))}), each with "
                      "subnets of its own, so they do not share one layer 2 segment.", fabric)


def _words_of_agents(view: View) -> Iterator[Finding]:
    """Chart and agents on either side of 1.14 have different keys for it, and each ignores the other's."""
    new = within(view.chart, "1.14")
    nodes = view.agents_within(None, "1.13") if new else view.agents_within("1.14")
    if nodes:
        yield Finding(
            State.BLOCKED, f"The chart ({view.chart}) and the agents on {read.name_nodes(nodes)} are on either side of "
            "1.14, which renamed the key for the routing mode.", "Bring chart and agents to one version, then run "
            "again.", nodes)


def _awakened(view: View) -> Iterator[Finding]:
    """DSR that a tunnel keeps off in old agents, whatever its dispatch says."""
    nodes = view.agents_within(None, "1.12")
    mode, dispatch = view.config_value("bpf-lb-mode", {}), view.config_value("bpf-lb-dsr-dispatch", clash.AGENT_DEFAULTS)
    if nodes and mode in DSR_MODES and dispatch != "opt":
        yield Finding(
            State.BLOCKED, f"cilium-config has bpf-lb-mode '{mode}' with dispatch '{dispatch}', which agents up to 1.12 "
            f"({read.name_nodes(nodes)}) leave off in a tunnel and exit on without one.",
            "Set loadBalancer.dsrDispatch to opt, or loadBalancer.mode to snat, then run again.", nodes)


def _former_name(view: View, options: Options) -> Iterator[Finding]:
    former = read.nested(view.values or {}, "nativeRoutingCIDR")[0]
    if within(view.chart, None, "1.11") and former and former != options["cidr"]:
        yield Finding(State.BLOCKED, "The release has nativeRoutingCIDR, which wins over ipv4NativeRoutingCIDR in chart "
                      "1.11 and says something else.", "Remove nativeRoutingCIDR from the release's values, then run again.")


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """What must not be changed, and what could not be proved; nothing of it where all route natively already."""
    if as_is(view, options) and not view.running("routing_mode", "tunnel"):
        return
    yield from _words_of_agents(view)
    yield from _other_routers(view)
    yield from _beyond(view)
    yield from _unproved(view)
    if from_tunnel(view, options):
        yield from _segments(view, options)
        yield from _former_name(view, options)
        yield from _awakened(view)
    yield from _ranges(view, options)


def notes(view: View, options: Options) -> Iterator[str]:
    """What no fact tells beforehand, and what is left alone."""
    if as_is(view, options):
        now = view.config_value(KEYS["ipv4"], {})
        if now and options["cidr"] not in (None, now):
            yield (f"Pods' addresses are {now} by cilium-config, which is left as it is where routing is native already: "
                   "set ipv4NativeRoutingCIDR yourself to change what is masqueraded.")
        return
    if options["routes"] == "auto":
        found = {str(address) for node in view.nodes or () for address in read.listing(node.get("addresses")) or ()}
        addresses = ", ".join(sorted(found)[:4])
        yield (f"Whether all nodes share one layer 2 segment is not in the facts (addresses: {addresses}, ...). Where they "
               "do not, the agents' own probes tell after the last restart, and all goes back; until then pods of different "
               "nodes are cut off from each other.")
    else:
        yield ("Whether the routers know the way to every node's pods is not in the facts. Where they do not, the agents' "
               "own probes tell after the last restart, and all goes back; until then pods are cut off from each other.")
    mode = view.config_value("bpf-lb-mode", {})
    if mode in DSR_MODES and view.agents_within(None, "1.12"):
        yield (f"cilium-config has bpf-lb-mode '{mode}', which agents up to 1.12 leave off in a tunnel: without one they "
               "turn it on in the same restart.")
    yield (f"Pods on changed and unchanged nodes do not reach each other until the last of {len(view.agents)} agents has "
           "restarted: fastpath_batch says how many restart at a time, and the larger it is, the shorter that lasts.")


MODE = (Want({"tunnel": "disabled"}, {"tunnel": "disabled"}, until="1.13"),
        Want({"routingMode": "native"}, {"routing-mode": "native"}, since="1.14"))
SHOWN = (Live("routing_mode", "native", config=("tunnel", "routing-mode")),)

TUNING = Tuning(
    id="native_routing",
    title="Native routing, no tunnel",
    phase=Phase.ROUTING,
    risk=Risk.CONNECTIONS_LOST,
    reason="Pods on changed and unchanged nodes do not reach each other until the last agent has restarted.",
    undo="Put the former routing mode, routes and ranges back and restart the agents; pods are cut off from each other "
         "meanwhile.",
    options=(
        Option("routes", ("auto", "fabric"), "auto"),
        FreeText("cidr", "the range of all pods' IPv4 addresses", "10.0.0.0/8", ipv4_range),
        FreeText("cidr_v6", "the range of all pods' IPv6 addresses", "fd00::/104", ipv6_range),
    ),
    adapt=adapt,
    absent=ABSENT,
    reach=True,
    stages=(
        # Who routes, and what is masqueraded, is the site's own where there is no tunnel to leave.
        Stage("as_is", tuple(Want({}, want.config, want.since, want.until) for want in MODE), SHOWN, when=as_is),
        Stage(
            "native",
            wants=(
                *MODE,
                Want({"autoDirectNodeRoutes": True}, {"auto-direct-node-routes": "true"}, when={"routes": ("auto",)}),
                Want({"autoDirectNodeRoutes": False}, {"auto-direct-node-routes": "false"}, when={"routes": ("fabric",)}),
                Want({"ipv4NativeRoutingCIDR": Opt("cidr")}, {KEYS["ipv4"]: Opt("cidr")}),
                Want({"ipv6NativeRoutingCIDR": Opt("cidr_v6")}, {KEYS["ipv6"]: Opt("cidr_v6")}, since="1.12"),
            ),
            live=SHOWN, when=from_tunnel,
        ),
    ),
)
