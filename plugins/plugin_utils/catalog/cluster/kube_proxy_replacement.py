# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Kube-proxy replacement: Cilium's BPF programs balance all Services; kube-proxy is kept off the nodes.

Why: no walk through iptables or IPVS for each connection, and DSR, XDP and Maglev exist only with it.
Cost: agents must reach the Kubernetes API without Service rules. Connections through kube-proxy's NAT end. Its KUBE-*
rules stay on each host until it reboots or `kube-proxy --cleanup` runs there. With the API's address, the operator and
(from 1.16 on) Envoy's own DaemonSet restart by themselves.
Undo: kube-proxy back on every node and Ready there, then the former value and the agents restarted, then the former address.
Refuse when: kube-proxy is not a DaemonSet (K3s and RKE2 run it themselves: the procedure is told); agents have no address of
the API of their own and none is given; that address is one of a Service; options of the load balancer would begin in the same restart.
Evidence: https://docs.cilium.io/en/stable/network/kubernetes/kubeproxy-free/
"""
from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.kube_proxy_switch import KEPT_OFF
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._read import (
    listing, mapping, name_nodes, number, strings, text)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Beside, Either, Finding, FreeText, Live, Number, OneOf, Opt, Options, Phase, Risk, Stage, State, Text, Tuning, Want,
    accepts)
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.cluster import _woken

KEY = "kube-proxy-replacement"
# Up to 1.13 the mode is a word; 1.14 and 1.15 take both; from 1.16 on an agent exits on anything but true and false.
WORD, BOTH, TRUE = OneOf(("strict",)), OneOf(("true", "strict")), OneOf(("true",))
SET_BOTH, SET_TRUE = OneOf((True, "true", "strict")), OneOf((True, "true"))
HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*\Z")
# Names by which pods know a Service; `kubernetes` alone is one by the search list of pods.
SERVICE_NAME = re.compile(r"kubernetes(\.default)?\Z|.*\.svc(\.|\Z)")
# The chart's own word, from 1.16 on: take the address that kubeadm left in kube-public.
AUTO = "auto"
CHOOSE = ("Choose an address of the API server that every host reaches without Service rules: that of a load balancer or "
          "a virtual address in front of all API servers, on K3s and RKE2 also 127.0.0.1 with its own port; one API "
          "server alone only where there is no other. Give it in fastpath_tunings: {kube_proxy_replacement: {api_host: "
          "..., api_port: ...}}.")


def host(value: str) -> str | None:
    """An IP address or host name in its usual spelling."""
    try:
        return str(ipaddress.ip_address(value.strip()))
    except ValueError:
        name = value.strip().lower()
        # Four numbers with dots that are no address, and the chart's own word, are no names either.
        known = HOST_NAME.match(name) and not name.replace(".", "").isdigit() and name != AUTO
        return name if known else None


def configured(view: View) -> bool:
    """Whether an agent that starts runs the replacement."""
    return accepts(BOTH, view.config_value(KEY, {}))


def replaced(view: View) -> bool:
    """Whether every agent runs the replacement, and would again after a restart."""
    said = [agent.live("kube_proxy_replacement") for agent in view.agents]
    return bool(said) and all(accepts(BOTH, word) for word in said) and configured(view)


def settled(view: View) -> bool:
    """Whether nobody but Cilium serves Services."""
    return replaced(view) and view.kube_proxy_runs is False


def _api(view: View) -> Mapping[str, Any]:
    return mapping(view.facts.get("api")) or {}


def address(view: View, options: Options) -> tuple[str | None, str | None]:
    """(host, port) that agents reach the API by once the options are in place; None where nothing of their own names it."""
    values, running = view.values or {}, _api(view)
    host_found = options["api_host"] or text(running.get("host")) or text(values.get("k8sServiceHost"))
    port = options["api_port"] or running.get("port") or values.get("k8sServicePort")
    return host_found, str(port) if text(port) or number(port) else None


def refusals(view: View, options: Options) -> Iterator[Finding]:
    """A value that agents exit on, and what would take the API away from agents."""
    yield from _words(view)
    if not configured(view):
        yield from _woken.find(view)
    met = replaced(view)
    yield from _labelled(view, met)
    if view.kube_proxy_runs is None:
        yield Finding(State.UNKNOWN, f"It is not known whether kube-proxy runs, and how{view.why_unread('kube_proxy')}.",
                      "Give the account list on daemonsets and pods of kube-system and on nodes, and run again.", met=met)
    elif (given(view, options) or not settled(view)) and procedure(view, options) is None:
        yield from _no_address(view, options, met)
        yield from _address_of_a_service(view, options, met)


def _words(view: View) -> Iterator[Finding]:
    nodes = view.agents_within("1.16")
    value = view.config_value(KEY, {})
    if nodes and value not in (None, "true", "false"):
        yield Finding(
            State.BLOCKED,
            f"cilium-config has {KEY} '{value}', and agents from 1.16 on ({name_nodes(nodes)}) exit at their next restart "
            "on anything but true and false.",
            "Set the Helm value kubeProxyReplacement to true or false, upgrade the release, then run again.",
            nodes,
        )


def _labelled(view: View, met: bool) -> Iterator[Finding]:
    """The node selector that keeps kube-proxy off is meant to fit no node."""
    found = [node["name"] for node in view.nodes or () if KEPT_OFF.items() <= (strings(node.get("labels")) or {}).items()]
    if found and view.kube_proxy_runs is True:
        label = ", ".join(f"{key}={value}" for key, value in KEPT_OFF.items())
        yield Finding(State.BLOCKED, f"kube-proxy is kept off all nodes but those with the label {label}, which "
                      f"{name_nodes(found)} {'has' if len(found) == 1 else 'have'}: it would go on there.",
                      f"kubectl label node {found[0]} {'- '.join(KEPT_OFF)}- takes it away; then run again.", tuple(found), met=met)


def _no_address(view: View, options: Options, met: bool) -> Iterator[Finding]:
    found, port = address(view, options)
    values = view.values or {}
    if options["api_host"] and text((mapping(values.get("k8sServiceHostRef")) or {}).get("name")):
        yield Finding(State.BLOCKED, "The release has k8sServiceHostRef, and the chart takes no k8sServiceHost beside it.",
                      "Leave api_host and api_port out, or remove k8sServiceHostRef from the release's values.", met=met)
    elif not found and _api(view).get("explicit") is None:
        yield Finding(State.UNKNOWN, f"It is not known how agents reach the Kubernetes API{view.why_unread('daemonset')}.",
                      "Give the account list on daemonsets, and run again.", met=met)
    elif not found and _api(view).get("explicit") is not True:
        yield Finding(State.BLOCKED, "Agents reach the Kubernetes API through its Service, which kube-proxy serves: "
                      "without it the next agent that starts would find no API.", f"{CHOOSE}{_candidates(view)}", met=met)
    elif options["api_host"] and not port:
        yield Finding(State.BLOCKED, f"The API's address is to be {options['api_host']}, and its port is not given.",
                      f"Give api_port beside api_host, which for most API servers is 6443.{_candidates(view)}", met=met)


def _candidates(view: View) -> str:
    found = [one_line(one, 80) for one in listing(_api(view).get("endpoints")) or [] if text(one)]
    return f" The API servers themselves are at {', '.join(found[:5])}." if found else ""


def _address_of_a_service(view: View, options: Options, met: bool) -> Iterator[Finding]:
    found, _port = address(view, options)
    if not found:
        return
    known = listing(view.facts.get("service_addresses"))
    if SERVICE_NAME.match(found.lower()) or known is not None and _same(found) in {_same(one) for one in known if text(one)}:
        yield Finding(State.BLOCKED, f"{one_line(found, 80)}, by which agents are to reach the Kubernetes API, stands for a "
                      "Service: it answers only while somebody serves Services, which would be the agents themselves.",
                      f"{CHOOSE}{_candidates(view)}", met=met)
    elif known is None:
        yield Finding(State.UNKNOWN, f"It is not known whether {one_line(found, 80)} is the address of a Service"
                      f"{view.why_unread('service_addresses')}.",
                      "Give the account list on services in all namespaces, and run again.", met=met)


def _same(name: str) -> str:
    return host(name) or name


def notes(view: View, options: Options) -> Iterator[str]:
    """What comes back by itself, and what no fact can tell."""
    found, _port = address(view, options)
    endpoints = [one.rpartition(":")[0].strip("[]") for one in listing(_api(view).get("endpoints")) or [] if text(one)]
    if not settled(view) and len(set(endpoints)) > 1 and found in endpoints:
        yield (f"{found} is one of {len(set(endpoints))} API servers: while it is down no agent that starts comes up; a "
               "load balancer or virtual address in front of all is safer.")
    selector = strings((view.kube_proxy or {}).get("node_selector")) or {}
    if KEPT_OFF.items() <= selector.items():
        yield ("kube-proxy is kept off the nodes by its node selector. `kubeadm upgrade apply` (without "
               "--skip-phases=addon/kube-proxy) and add-on managers of clouds put it back. Its KUBE-* rules stay on each "
               "host until it reboots or kube-proxy --cleanup runs there.")


FIRST = ("In a maintenance window: (1) set k8sServiceHost and k8sServicePort to an address of the API server that every "
         "host reaches without Service rules (not that of a Service{candidates}), and wait until every agent has "
         "restarted and is Ready; (2) set kubeProxyReplacement: strict up to chart 1.13, or true from chart 1.14 on, and "
         "restart the agents one at a time; (3) ")
LAST = ("; (4) KUBE-* rules stay on each host until it reboots or kube-proxy --cleanup runs there; then run again. On "
        "the way back kube-proxy comes first.")
BY_KIND = {
    "k3s": "K3s runs kube-proxy itself: put disable-kube-proxy: true into /etc/rancher/k3s/config.yaml of every server, "
           "restart the servers one at a time and then the agents, which take it from them",
    "static_pod": "kube-proxy is a static pod: on RKE2 put disable-kube-proxy: true into /etc/rancher/rke2/config.yaml of "
                  "every server, restart rke2-server one server at a time and then the agents, which take it from them; "
                  "elsewhere take its manifest out of the kubelet's folder of static pods, node by node",
    "none": "kube-proxy was found neither as a DaemonSet nor as a static pod nor in K3s: stop it where it is started, on "
            "the hosts or by your platform",
}


def procedure(view: View, options: Options) -> str | None:
    """What is to be done by hand where kube-proxy is no DaemonSet."""
    kind = str((view.kube_proxy or {}).get("kind"))
    found = BY_KIND.get(kind)
    # Where it is configured and nobody else serves Services, agents are left to be restarted at most.
    if found is None or settled(view) or kind == "none" and configured(view):
        return None
    candidates = _candidates(view).removeprefix(" ").removesuffix(".")
    return FIRST.format(candidates=f"; {candidates[:1].lower()}{candidates[1:]}" if candidates else "") + found + LAST


def adapt(view: View, options: Options) -> Options:
    """The options, with what cilium-config says already."""
    return {**options, "configured": configured(view)}


def given(view: View, options: Options) -> bool:
    """Whether the API's address is among the options."""
    return options["api_host"] is not None or options["api_port"] is not None


def runs(view: View, options: Options) -> bool:
    """Whether kube-proxy is known to run."""
    return view.kube_proxy_runs is True


def kept_off(view: View, options: Options) -> Beside | None:
    """kube-proxy, where it runs: what keeps its DaemonSet off the nodes, and what its node selector is now."""
    found = view.kube_proxy or {}
    former = strings(found.get("node_selector")) or {}
    document = {"namespace": found.get("namespace"), "name": found.get("name"), "node_selector": dict(KEPT_OFF),
                "former": former}
    return Beside("kube_proxy", document, f"kube-proxy still runs ({one_line(found.get('evidence'), 120)})")


ADDRESS = Want({"k8sServiceHost": Opt("api_host"), "k8sServicePort": Either("api_port")}, {}, template=True)
# Where it is configured, the values mean that, wherever they come from.
UNSET = {"configured": (False, None)}
REPLACED = (
    Want({}, {KEY: WORD}, until="1.13"),
    Want({}, {KEY: BOTH}, since="1.14", until="1.15"),
    Want({}, {KEY: TRUE}, since="1.16"),
    Want({"kubeProxyReplacement": WORD}, {}, until="1.13", when=UNSET),
    Want({"kubeProxyReplacement": SET_BOTH}, {}, since="1.14", until="1.15", when=UNSET),
    Want({"kubeProxyReplacement": SET_TRUE}, {}, since="1.16", when=UNSET),
)
REACHED = (Live("api_host", Opt("api_host")), Live("api_port", Text("api_port")))
RUNS = (
    Live("kube_proxy_replacement", WORD, until="1.13", config=(KEY,)),
    Live("kube_proxy_replacement", BOTH, since="1.14", until="1.15", config=(KEY,)),
    Live("kube_proxy_replacement", TRUE, since="1.16", config=(KEY,)),
)

TUNING = Tuning(
    id="kube_proxy_replacement",
    title="Kube-proxy replacement, full",
    phase=Phase.SERVICES,
    risk=Risk.CONNECTIONS_LOST,
    reason="Connections through kube-proxy's address translation end, and the API is out of reach if its address is wrong.",
    undo="Put kube-proxy and the former value back and restart the agents.",
    adapt=adapt,
    options=(
        FreeText("api_host", "an IP address or a host name by which every host reaches the Kubernetes API without Service "
                             "rules",
                 "10.0.0.10", host),
        Number("api_port", 1, 65535),
    ),
    stages=(
        Stage("api-address", wants=(ADDRESS,), live=REACHED, when=given, risk=Risk.AGENT_RESTART,
              reason="Proves the API's address from every host while kube-proxy still serves Services: each agent in "
                     "turn restarts with it and must come up. The operator, and from 1.16 on Envoy's own DaemonSet, "
                     "restart with it by themselves.",
              undo="Put the former address back and restart the agents."),
        Stage("full", wants=(ADDRESS, *REPLACED), live=(*REACHED, *RUNS),
              reason="Connections that kube-proxy translated end as soon as the agent of their node balances the Service "
                     "itself.",
              undo="Put the former value back and restart the agents, with kube-proxy back in place before."),
        Stage("kube-proxy-off", wants=(ADDRESS, *REPLACED), live=(*REACHED, *RUNS), when=runs, beside=kept_off,
              reason="kube-proxy leaves all nodes at once, and what only it served is served no more. Its DaemonSet "
                     "stays, with a node selector that no node fits.",
              undo="Take the label out of the node selector again and wait until kube-proxy is Ready on every node."),
    ),
)
