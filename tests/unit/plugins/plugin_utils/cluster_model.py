# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A model of a cluster for tests: what charts render and what agents do with it, written from Cilium's documented
behaviour and sharing nothing with the catalogue."""
from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "facts"
FORWARDING_MODE = "service.cilium.io/forwarding-mode"
RENDERED = ("bpf-lb-mode", "bpf-lb-dsr-dispatch", "bpf-lb-mode-annotation", "tunnel-protocol", "tunnel", "routing-mode",
            "ipv4-native-routing-cidr", "auto-direct-node-routes", "kube-proxy-replacement")
NO_REPLACEMENT = {True: "false", False: "disabled"}
# What agents use that are given no address of the API: its Service's.
OWN_SERVICE = "default/kubernetes"
ALL = sorted(path.stem for path in FIXTURES.glob("*.json"))


class Exits(Exception):
    """The agent would log a fatal error and exit."""


def load(name: str) -> dict[str, Any]:
    """A recorded facts document."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def minor(version: str) -> int:
    return int(version.split(".")[1])


def value_at(values: Any, path: str) -> Any:
    for key in path.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    return values


def put(values: dict, path: str, value: Any) -> None:
    """Set a dotted path; None removes it and the mappings that become empty."""
    *parents, last = path.split(".")
    chain = [values]
    for key in parents:
        chain.append(chain[-1].setdefault(key, {}))
    if value is not None:
        chain[-1][last] = value
        return
    chain[-1].pop(last, None)
    for holder, key in reversed(list(zip(chain, parents))):
        if not holder[key]:
            del holder[key]


def render(chart: str, values: dict, former: dict[str, str]) -> dict[str, str]:
    """cilium-config of a chart, for the keys that matter here; every other key stays as it was."""
    data = {key: value for key, value in former.items() if key not in RENDERED}
    for path, key in (("loadBalancer.mode", "bpf-lb-mode"), ("loadBalancer.dsrDispatch", "bpf-lb-dsr-dispatch"),
                      ("ipv4NativeRoutingCIDR", "ipv4-native-routing-cidr")):
        if value_at(values, path) is not None:
            data[key] = value_at(values, path)
    data["auto-direct-node-routes"] = "true" if value_at(values, "autoDirectNodeRoutes") else "false"
    if minor(chart) <= 13:
        data["tunnel"] = value_at(values, "tunnel") or "vxlan"
    else:
        data["routing-mode"] = value_at(values, "routingMode") or "tunnel"
    replacement = value_at(values, "kubeProxyReplacement")
    words = {True: "true", False: "false", None: NO_REPLACEMENT[minor(chart) >= 14]}
    data["kube-proxy-replacement"] = words[replacement] if replacement in words else replacement
    if minor(chart) >= 17:
        data["bpf-lb-mode-annotation"] = "true" if value_at(values, "bpf.lbModeAnnotation") else "false"
    if minor(chart) >= 14:
        protocol = value_at(values, "tunnelProtocol")
        tunnelled = value_at(values, "routingMode") != "native"
        if protocol or tunnelled or minor(chart) >= 17:
            data["tunnel-protocol"] = protocol or "vxlan"
    return data


def boot(version: str, data: dict[str, str]) -> dict[str, Any]:
    """The lines of an agent's status that depend on these keys. Raises Exits where an agent refuses them."""
    number = minor(version)
    mode, dispatch = data.get("bpf-lb-mode", "snat"), data.get("bpf-lb-dsr-dispatch", "opt")
    annotation = number >= 17 and data.get("bpf-lb-mode-annotation") == "true"
    mode = _checked_mode(number, mode, dispatch, annotation, data)
    replacement = data.get("kube-proxy-replacement", NO_REPLACEMENT[number >= 14])
    if number >= 16 and replacement not in ("true", "false"):
        raise Exits("kube-proxy-replacement")
    off = replacement in NO_REPLACEMENT.values()
    tunnel = _tunnel(number, data)
    if tunnel and data.get("auto-direct-node-routes") == "true":
        raise Exits("direct routes beside a tunnel")
    if not tunnel and data.get("enable-ipv4-masquerade", "true") == "true" and "ipv4-native-routing-cidr" not in data:
        raise Exits("no range that is not masqueraded")
    status: dict[str, Any] = {"nodeport_mode": None if off else mode, "kube_proxy_replacement": replacement}
    if number >= 16:
        status.update(routing_mode="tunnel" if tunnel else "native", tunnel_protocol=tunnel)
    if number >= 15:
        status["dsr_dispatch"] = dispatch
    if number >= 17:
        status["annotations"] = [FORWARDING_MODE] if annotation else []
    return status


def _checked_mode(number: int, mode: str, dispatch: str, annotation: bool, data: dict[str, str]) -> str:
    tunnel = _tunnel(number, data)
    if annotation and (mode == "hybrid" or number == 17 and dispatch != "ipip"):
        raise Exits("the mode annotation")
    if mode == "snat" and not annotation:
        return mode
    if dispatch == "geneve" and (number < 14 or number >= 15 and data.get("tunnel-protocol", "vxlan") != "geneve"):
        raise Exits("dispatch geneve")
    if tunnel and number <= 12:
        return "snat"
    if tunnel and (tunnel != "geneve" or dispatch != "geneve"):
        raise Exits(f"{mode} over a tunnel")
    return mode


def _tunnel(number: int, data: dict[str, str]) -> str | None:
    if number <= 13:
        tunnel = data.get("tunnel", "vxlan")
        return None if tunnel == "disabled" else tunnel
    return None if data.get("routing-mode", "tunnel") == "native" else data.get("tunnel-protocol", "vxlan")


def upgrade(facts: dict, changes: dict[str, Any]) -> None:
    """helm upgrade: values, manifest and ConfigMap; agents go on with what they have."""
    release = facts["release"]
    for path, value in changes.items():
        put(release["values"], path, value)
    data = render(release["chart_version"], release["values"], facts["config"]["data"])
    facts["api"].update(server(release["values"]))
    if data != facts["config"]["data"]:
        for agent in facts["agents"]:
            agent["config_current"] = False
    facts["config"]["data"], facts["manifest_config"] = data, dict(data)
    release["revision"] += 1


def server(values: dict) -> dict[str, Any]:
    """Address of the API in the pod template."""
    host, port = value_at(values, "k8sServiceHost"), value_at(values, "k8sServicePort")
    return {"explicit": bool(host), "host": host or None, "port": str(port) if port else None}


def switch_kube_proxy(facts: dict, step: dict, off: bool) -> None:
    """The DaemonSet with another node selector, and its pods gone or back."""
    if "kube_proxy" not in step:
        return
    label, known = step["kube_proxy"]["node_selector"], facts["kube_proxy"]
    assert known["node_selector"] == (step["kube_proxy"]["former"] if off else {**step["kube_proxy"]["former"], **label})
    selector = {**known["node_selector"], **label} if off else step["kube_proxy"]["former"]
    count = 0 if off else len(facts["nodes"])
    known.update(node_selector=selector, desired=count, ready=count, nodes=[] if off else None)


def restart(facts: dict, nodes: list[str]) -> None:
    """New agents on these nodes; without kube-proxy they do not come up by the address of a Service."""
    given = facts["api"]
    if nodes and not given["explicit"] and facts["kube_proxy"]["kind"] == "daemonset" and not facts["kube_proxy"]["desired"]:
        raise Exits("no API")
    for agent in facts["agents"]:
        if agent["node"] in nodes:
            lines = boot(agent["version"], facts["config"]["data"])
            if "annotations" in lines:
                others = {name for name in agent["status"]["annotations"] or [] if name != FORWARDING_MODE}
                lines["annotations"] = sorted({*lines["annotations"], *others})
            agent["status"].update(lines)
            if minor(agent["version"]) < 16:
                tunnel = _tunnel(minor(agent["version"]), facts["config"]["data"])
                agent["options"]["routing_mode"] = "tunnel" if tunnel else "native"
            agent["uid"], agent["config_current"] = agent["uid"] + "+", True
            agent["options"].update(api_host=given["host"] or OWN_SERVICE, api_port=given["port"] or OWN_SERVICE)


def apply_step(facts: dict, step: dict) -> None:
    if step["values"]:
        upgrade(facts, step["values"])
    restart(facts, step["nodes"])
    switch_kube_proxy(facts, step, True)


def apply_plan(facts: dict, plan: dict) -> dict:
    """The facts after all steps."""
    after = copy.deepcopy(facts)
    for step in plan["steps"]:
        apply_step(after, step)
    return after


def revert_plan(facts: dict, plan: dict) -> dict:
    """The facts after every step was taken back, the last one first."""
    after = copy.deepcopy(facts)
    for step in reversed(plan["steps"]):
        switch_kube_proxy(after, step, False)
        if step["values"]:
            upgrade(after, step["former_values"])
        restart(after, step["nodes"])
    return after


def settings(facts: dict) -> dict[str, Any]:
    """What a change and its undo must leave alike: values, configuration, and what every agent runs."""
    return {
        "values": facts["release"]["values"], "config": facts["config"]["data"], "manifest": facts["manifest_config"],
        "running": {agent["node"]: [agent["status"], agent["options"]] for agent in facts["agents"]},
        "kube_proxy": facts["kube_proxy"],
    }
