# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog.cluster import kube_proxy_replacement
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import judge, plan
from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import cluster_model as model

ID = "kube_proxy_replacement"


def verdict(facts):
    return judge.judge(facts, policy.parse({"kube_proxy_replacement": True}))[0]


def facts_with(fixture, configured, running):
    facts = model.load(fixture)
    for place in (facts["config"]["data"], facts["manifest_config"]):
        place["kube-proxy-replacement"] = configured
    for agent in facts["agents"]:
        agent["status"]["kube_proxy_replacement"] = running
    return facts


@pytest.mark.parametrize("fixture, configured, running, state", [
    ("1.13.4-snat-native", "strict", "strict", "OK"),
    ("1.13.4-snat-native", "partial", "partial", "DRIFT"),
    ("1.13.4-snat-native", "disabled", "strict", "DRIFT"),
    ("1.14.19-snat-native", "strict", "strict", "OK"),
    ("1.14.19-snat-native", "true", "true", "OK"),
    ("1.14.19-snat-native", "false", "false", "DRIFT"),
    ("1.16.19-snat-native", "true", "true", "OK"),
    ("1.16.19-snat-native", "strict", "true", "BLOCKED"),
    ("1.16.19-snat-native", "true", None, "UNKNOWN"),
])
def test_full_is_spelled_differently_by_version(fixture, configured, running, state):
    assert verdict(facts_with(fixture, configured, running))["state"] == state


ADDRESS = {"api_host": "10.0.0.10", "api_port": 6443}
KINDS = {"k3s": "/etc/rancher/k3s/config.yaml", "static_pod": "/etc/rancher/rke2/config.yaml", "none": "by your platform"}
OFF = "1.14.19-kpr-off"


def of_policy(facts, wanted, acknowledged=(ID, "dsr")):
    chosen = policy.parse(wanted)
    verdicts = judge.judge(facts, chosen)
    return {found["tuning"]: found for found in verdicts}, plan.plan(facts, verdicts, chosen, acknowledged)


def given(options=None, acknowledged=(ID, "dsr"), fixture=OFF, **changes):
    """(verdict, plan) of this tuning alone."""
    facts = model.load(fixture)
    for path, value in changes.items():
        model.put(facts, path.replace("__", "."), value)
    verdicts, made = of_policy(facts, {ID: options or {}}, acknowledged)
    return verdicts[ID], made


def with_address(fixture=OFF):
    """Agents have an address of the API already."""
    facts = model.load(fixture)
    facts["api"].update(explicit=True, host="10.0.0.10", port="6443")
    facts["release"]["values"].update(k8sServiceHost="10.0.0.10", k8sServicePort=6443)
    for agent in facts["agents"]:
        agent["options"].update(api_host="10.0.0.10", api_port="6443")
    return facts


def running_beside(fixture="1.16.19-snat-native"):
    """Cilium serves all Services, and kube-proxy still runs."""
    facts = model.load(fixture)
    facts["kube_proxy"] = model.load(OFF)["kube_proxy"]
    return facts


def test_the_address_is_proved_then_services_are_taken_over_then_kube_proxy_goes():
    found, made = given(ADDRESS)
    assert (found["state"], found["stage"], found["applies"], found["met"]) == ("DRIFT", "api-address", True, False)
    first, second, third = made["steps"]
    assert [step["id"] for step in made["steps"]] == [f"{n}-{ID}-{stage}" for n, stage in
                                                      ((1, "api-address"), (2, "full"), (3, "kube-proxy-off"))]
    assert first["values"] == {"k8sServiceHost": "10.0.0.10", "k8sServicePort": "6443"} and first["config"] == {}
    assert first["expect"] == {"api_host": "10.0.0.10", "api_port": "6443"} and first["risk"] == "agent_restart"
    assert second["values"] == {"kubeProxyReplacement": True} and second["risk"] == "connections_lost"
    assert second["config"] == {"kube-proxy-replacement": "true"} and second["expect"]["kube_proxy_replacement"] == "true"
    assert first["nodes"] == second["nodes"] == ["node-2", "node-3", "node-1"]
    assert (third["values"], third["nodes"], third["risk"]) == ({}, [], "connections_lost")
    assert third["kube_proxy"] == {"namespace": "kube-system", "name": "kube-proxy", "former": {"kubernetes.io/os": "linux"},
                                   "node_selector": {"fastpath.cilium/kube-proxy": "kept-off"}}
    assert "kube_proxy" not in first and "kube_proxy" not in second
    assert made["outcome"] == "drift" and made["unacknowledged"] == []


def test_it_asks_for_a_word():
    made = given(ADDRESS, acknowledged=())[1]
    assert [entry["tuning"] for entry in made["unacknowledged"]] == [ID] and ID in plan.refusal(made)


def test_an_address_that_agents_have_is_kept():
    facts = with_address()
    made = of_policy(facts, {ID: {}})[1]
    assert [step["stage"] for step in made["steps"]] == ["full", "kube-proxy-off"]
    again = of_policy(facts, {ID: ADDRESS})[1]
    assert [step["values"] for step in again["steps"]] == [{"kubeProxyReplacement": True}, {}], "one port in two spellings"


def test_a_port_alone_is_an_address_too():
    found = of_policy(with_address(), {ID: {"api_port": 443}})[1]["steps"][0]
    assert found["values"] == {"k8sServicePort": "443"} and found["expect"] == {"api_port": "443"}


def test_without_an_address_it_is_refused_with_those_of_the_api_servers():
    found, made = given()
    assert found["state"] == "BLOCKED" and made["steps"] == [] and "api_host" in found["way_out"]
    assert "10.0.0.10:6443" in found["way_out"] and "load balancer" in found["way_out"]


def test_a_host_without_a_port_is_refused():
    found, _made = given({"api_host": "10.0.0.10"})
    assert found["state"] == "BLOCKED" and "api_port" in found["way_out"]


def test_a_reference_to_a_config_map_is_not_set_beside():
    found, _made = given(ADDRESS, **{"release__values__k8sServiceHostRef": {"name": "a", "key": "b"}})
    assert found["state"] == "BLOCKED" and "k8sServiceHostRef" in found["way_out"]


def test_a_reference_to_a_config_map_is_an_address():
    facts = model.load(OFF)
    facts["api"].update(explicit=True)
    for agent in facts["agents"]:
        agent["options"].update(api_host=None)
    assert [step["stage"] for step in of_policy(facts, {ID: {}})[1]["steps"]] == ["full", "kube-proxy-off"]


def test_the_charts_own_word_for_the_address_stays():
    facts = with_address("1.16.19-snat-native")
    facts["kube_proxy"] = model.load(OFF)["kube_proxy"]
    facts["release"]["values"]["k8sServiceHost"] = "auto"
    assert [step["stage"] for step in of_policy(facts, {ID: {}})[1]["steps"]] == ["kube-proxy-off"]


@pytest.mark.parametrize("host", [
    "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "api.x.svc.cluster.local"])
def test_an_address_of_a_service_is_refused(host):
    found, made = given({"api_host": host, "api_port": 443})
    assert found["state"] == "BLOCKED" and "stands for a Service" in found["reason"] and made["steps"] == []


def test_an_address_of_a_service_is_refused_where_all_is_done_too():
    found = of_policy(model.load("1.16.19-snat-native"), {ID: {"api_host": "10.96.0.1", "api_port": 443}})
    assert found[0][ID]["state"] == "BLOCKED" and found[1]["steps"] == []


def test_a_port_without_an_address_is_refused():
    assert given({"api_port": 6443})[0]["state"] == "BLOCKED"


def test_an_address_of_a_service_in_another_spelling_is_refused():
    facts = model.load(OFF)
    facts["service_addresses"].append("FD00:0::1")
    found = of_policy(facts, {ID: {"api_host": "fd00::1", "api_port": 443}})[0][ID]
    assert found["state"] == "BLOCKED" and "stands for a Service" in found["reason"]


def test_an_address_of_a_service_that_agents_have_is_refused():
    facts = with_address()
    facts["service_addresses"].append("10.0.0.10")
    assert of_policy(facts, {ID: {}})[0][ID]["state"] == "BLOCKED"


def test_unread_services_leave_it_open_and_nothing_else():
    facts = model.load(OFF)
    denied = {"what": "service_addresses", "class": "denied", "reason": "You may not list services."}
    facts.update(service_addresses=None, unread=[denied])
    found = of_policy(facts, {ID: ADDRESS})[0][ID]
    assert found["state"] == "UNKNOWN" and "may not list services" in found["reason"] and "services" in found["way_out"]
    done = {**model.load("1.16.19-snat-native"), "service_addresses": None}
    assert of_policy(done, {ID: {}})[0][ID]["state"] == "OK"


@pytest.mark.parametrize("kube_proxy", [None, "x", {}, {"kind": "daemonset", "desired": None}, {"kind": "other"}])
def test_unread_kube_proxy_leaves_it_open_and_nothing_else(kube_proxy):
    for fixture, met in ((OFF, False), ("1.16.19-snat-native", True)):
        facts = {**model.load(fixture), "kube_proxy": kube_proxy}
        found = of_policy(facts, {ID: {}})[0][ID]
        assert (found["state"], found["met"]) == ("UNKNOWN", met)
    verdicts, made = of_policy(facts, {"dsr": {}})
    assert verdicts["dsr"]["state"] == "DRIFT" and [step["tunings"] for step in made["steps"]] == [["dsr"]]


def test_kube_proxy_that_still_runs_beside_is_the_last_step_alone():
    verdicts, made = of_policy(running_beside(), {ID: {}})
    assert (verdicts[ID]["state"], verdicts[ID]["stage"], verdicts[ID]["met"]) == ("DRIFT", "kube-proxy-off", True)
    assert "ube-proxy still runs (DaemonSet kube-system/kube-proxy)" in verdicts[ID]["reason"]
    assert [step["stage"] for step in made["steps"]] == ["kube-proxy-off"] and made["steps"][0]["nodes"] == []
    assert plan.refusal(of_policy(running_beside(), {ID: {}}, ())[1])


def test_what_needs_the_replacement_does_not_ask_for_kube_proxy_to_go():
    verdicts, made = of_policy(running_beside(), {"dsr": {}}, ("dsr",))
    assert verdicts[ID]["state"] == "DRIFT" and verdicts["dsr"]["state"] == "DRIFT"
    assert [step["tunings"] for step in made["steps"]] == [["dsr"]] and made["unacknowledged"] == []


def test_kube_proxy_that_was_kept_off_is_in_line_and_says_what_may_bring_it_back():
    facts = running_beside()
    facts["kube_proxy"].update(desired=0, ready=0, nodes=[], node_selector={"fastpath.cilium/kube-proxy": "kept-off"})
    verdicts, made = of_policy(facts, {ID: {}})
    assert verdicts[ID]["state"] == "OK" and made["steps"] == [] and "kubeadm upgrade" in verdicts[ID]["notes"][0]


def test_pods_that_are_left_count_as_running():
    facts = running_beside()
    facts["kube_proxy"].update(desired=0, ready=0, nodes=["node-2"])
    assert of_policy(facts, {ID: {}})[0][ID]["state"] == "DRIFT"


def test_what_needs_it_comes_after_the_take_over_in_one_plan():
    verdicts, made = of_policy(model.load(OFF), {ID: ADDRESS, "dsr": {}})
    assert verdicts["dsr"]["state"] == "DRIFT" and made["outcome"] == "drift"
    assert [step["stage"] for step in made["steps"]] == ["api-address", "full", "kube-proxy-off", "switch"]


@pytest.mark.parametrize("fixture, keys, words", [
    (OFF, {"bpf-lb-mode": "dsr"}, "ask for dsr"), (OFF, {"bpf-lb-dsr-dispatch": "geneve"}, "loadBalancer.dsrDispatch to opt"),
    (OFF, {"bpf-lb-acceleration": "native"}, "ask for xdp"), (OFF, {"bpf-lb-algorithm": "maglev"}, "ask for maglev"),
    (OFF, {"enable-ipsec": "true"}, "1.16 or later"),
    ("1.13.4-snat-native", {"kube-proxy-replacement": "disabled", "enable-ipv6": "true"}, "enableIPv6Masquerade to false"),
])
def test_what_would_begin_with_it_unproved_is_refused(fixture, keys, words):
    facts = with_address(fixture)
    facts["kube_proxy"] = model.load(OFF)["kube_proxy"]
    for place in (facts["config"]["data"], facts["manifest_config"]):
        place.update(keys)
    found = of_policy(facts, {ID: {}})[0][ID]
    assert found["state"] == "BLOCKED" and words in found["way_out"], found


def test_what_a_waiting_restart_brings_is_not_called_unknown():
    facts = model.load("1.13.4-dsr-native")
    late = facts["agents"][2]
    late["status"].update(kube_proxy_replacement="disabled", nodeport_mode=None)
    late["config_current"] = False
    verdicts, made = of_policy(facts, {ID: {}, "dsr": {}})
    assert [verdicts[name]["state"] for name in (ID, "dsr")] == ["DRIFT", "DRIFT"]
    assert verdicts["dsr"]["reason"] == f"No agent shows it before {ID} is in place." and verdicts["dsr"]["nodes"] == ["node-3"]
    assert [(step["tunings"], step["nodes"]) for step in made["steps"]] == [([ID], ["node-3"])]


def test_what_comes_by_itself_comes_with_the_take_over_and_not_with_the_end_of_kube_proxy():
    facts = model.load(OFF)
    for agent in facts["agents"]:
        agent["status"]["host_routing"] = "legacy"
    made = of_policy(facts, {ID: ADDRESS, "host_routing": {}}, [ID])[1]
    assert [step["tunings"] for step in made["steps"]] == [[ID], [ID, "host_routing"], [ID]]
    assert made["steps"][2]["nodes"] == [] and made["steps"][1]["expect"]["host_routing"] == "bpf"


@pytest.mark.parametrize("kind", KINDS)
def test_where_it_is_no_daemonset_the_procedure_is_told_and_nothing_done(kind):
    facts = model.load(OFF)
    facts["kube_proxy"] = {**dict.fromkeys(facts["kube_proxy"]), "kind": kind, "nodes": ["node-1"], "evidence": "this"}
    verdicts, made = of_policy(facts, {ID: {}, "dsr": {}})
    found = verdicts[ID]
    assert (found["state"], found["applies"], made["outcome"], made["steps"]) == ("DRIFT", False, "blocked", [])
    for words in (KINDS[kind], "k8sServiceHost", "10.0.0.10:6443", "KUBE-*", "kubeProxyReplacement"):
        assert words in found["way_out"]
    assert verdicts["dsr"]["state"] == "BLOCKED" and verdicts["dsr"]["reason"].startswith(f"It needs {ID}")


def test_k3s_that_runs_kube_proxy_beside_is_told_and_stops_nobody_else():
    facts = running_beside()
    facts["kube_proxy"].update(kind="k3s", evidence="K3s server node-1 is without disable-kube-proxy")
    verdicts, made = of_policy(facts, {ID: {}, "dsr": {}})
    assert (verdicts[ID]["state"], verdicts[ID]["applies"], verdicts["dsr"]["state"]) == ("DRIFT", False, "DRIFT")
    assert "node-1 is without disable-kube-proxy" in verdicts[ID]["reason"] and made["outcome"] == "blocked"
    assert of_policy(facts, {"dsr": {}}, ["dsr"])[1]["outcome"] == "drift"


def test_one_of_several_api_servers_is_warned_of():
    facts = with_address()
    facts["api"]["endpoints"].append("10.0.0.11:6443")
    assert any("one of 2 API servers" in note for note in of_policy(facts, {ID: {}})[0][ID]["notes"])


def test_words_that_agents_run_already_are_not_changed():
    facts = with_address("1.14.19-snat-native")
    facts["kube_proxy"] = model.load(OFF)["kube_proxy"]
    facts["release"]["values"]["kubeProxyReplacement"] = "strict"
    for place in (facts["config"]["data"], facts["manifest_config"]):
        place["kube-proxy-replacement"] = "strict"
    for agent in facts["agents"]:
        agent["status"]["kube_proxy_replacement"] = "strict"
    made = of_policy(facts, {ID: {"api_host": "10.0.0.9"}})[1]
    assert [step["stage"] for step in made["steps"]] == ["api-address", "kube-proxy-off"]
    assert made["steps"][1]["config"] == {"kube-proxy-replacement": "strict"}
    assert made["steps"][1]["expect"]["kube_proxy_replacement"] == "strict"


@pytest.mark.parametrize("given, wanted", [
    ("10.0.0.10", "10.0.0.10"), (" FD00::0:1 ", "fd00::1"), ("API.example.org", "api.example.org"), ("api", "api"),
    ("auto", None), ("10.0.0.256", None), ("https://api:6443", None), ("api:6443", None), ("-api", None), ("a" * 64, None),
    ("a." * 127, None), ("", None), ("a b", None), ("api\n", "api"),
])
def test_addresses_in_their_usual_spelling(given, wanted):
    assert kube_proxy_replacement.host(given) == wanted


def test_an_address_that_cannot_be_one_is_refused():
    with pytest.raises(policy.PolicyError, match="api_host is .*for example 10.0.0.10"):
        policy.parse({ID: {"api_host": "https://api:6443"}})
    with pytest.raises(policy.PolicyError, match="api_port"):
        policy.parse({ID: {"api_port": 70000}})


def test_what_is_configured_need_not_stand_among_the_users_values():
    facts = model.load("1.16.19-snat-native")
    del facts["release"]["values"]["kubeProxyReplacement"]
    verdicts, made = of_policy(facts, {ID: {}})
    assert verdicts[ID]["state"] == "OK" and made["steps"] == []


def test_a_node_that_the_selector_would_fit_is_named():
    facts = running_beside()
    facts["nodes"][1]["labels"]["fastpath.cilium/kube-proxy"] = "kept-off"
    found = of_policy(facts, {ID: {}})[0][ID]
    assert found["state"] == "BLOCKED" and found["nodes"] == [facts["nodes"][1]["name"]] and found["met"]
    assert "which node-2 has: it would go on there" in found["reason"] and "kubectl label node node-2" in found["way_out"]
    facts["kube_proxy"] = model.load("1.16.19-snat-native")["kube_proxy"]
    assert of_policy(facts, {ID: {}})[0][ID]["state"] == "OK", "nobody starts kube-proxy there"
