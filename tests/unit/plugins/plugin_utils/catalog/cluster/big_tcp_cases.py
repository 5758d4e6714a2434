# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What holds for BIG TCP of either address family: one table of cases, and what a case comes to."""
from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning as one

GENEVE = {"bpf-lb-dsr-dispatch": "geneve"}
DSR = {"dsr": {"dispatch": "geneve"}}


class Family(NamedTuple):
    """One of the two: its tuning, key and value, the first version and kernel, and those just before."""

    id: str
    key: str
    value: str
    since: str
    kernel: str
    before: str
    older_kernel: str


class Case(NamedTuple):
    """A cluster as it differs from a sound one in which BIG TCP is off, and its verdict: state, words of reason and way out."""

    name: str
    state: str
    fixture: str = "1.16.19-snat-native"
    keys: dict[str, Any] = {}
    words: str = ""
    way_out: str = ""
    version: str | None = None
    running: dict[str, Any] = {}
    kernel: str = one.NEW_KERNEL
    beside: dict[str, Any] = {}


def cases(family: Family) -> list[Case]:
    """All that decides; `beside` are other tunings of the same policy."""
    own = "enable-" + family.id.partition("_")[0]
    return [
        Case("it is off", "DRIFT"),
        Case("its first version", "DRIFT", f"{family.since}-snat-native"),
        Case("the newest version", "DRIFT", "1.20.0-snat-native"),
        Case("a family that is off is not switched on", "NOT_APPLICABLE", keys={own: "false"}, way_out=f"{own[7:]}.enabled"),
        Case("WireGuard", "BLOCKED", keys={"enable-wireguard": "true"}, words="WireGuard", way_out="encryption.enabled"),
        Case("IPsec", "BLOCKED", "1.20.0-snat-native", {"enable-ipsec": "true"}, "IPsec", "encryption.enabled"),
        Case("netkit up to 1.15", "BLOCKED", f"{family.since}-snat-native", {"datapath-mode": "netkit"},
             "datapath-mode 'netkit'", "veth"),
        Case("netkit from 1.16", "DRIFT", keys={"datapath-mode": "netkit"}),
        Case("a load balancer alone", "BLOCKED", "1.17.18-snat-native", {"datapath-mode": "lb-only"}, "'lb-only'", "veth"),
        Case("dispatch ipip up to 1.18", "DRIFT", "1.18.12-snat-native", {"bpf-lb-dsr-dispatch": "ipip"}),
        Case("dispatch ipip from 1.19", "BLOCKED", "1.20.0-snat-native", {"bpf-lb-dsr-dispatch": "ipip"}, "'ipip'",
             "dsrDispatch to opt"),
        Case("dispatch geneve up to 1.18", "DRIFT", "1.18.12-snat-native", GENEVE),
        Case("dispatch geneve in 1.19", "BLOCKED", "1.20.0-snat-native", GENEVE, "'geneve'", "dsrDispatch to opt", "1.19.6"),
        Case("dispatch geneve in 1.20 is up to the kernel", "UNKNOWN", "1.20.0-snat-native", GENEVE, "kernel"),
        Case("a tunnel that takes it", "DRIFT", "1.20.0-snat-native", {**GENEVE, "enable-tunnel-big-tcp": "true"}),
        Case("DSR by geneve in 1.19", "BLOCKED", "1.18.12-snat-native", {"tunnel-protocol": "geneve"}, "dsr", version="1.19.6",
             beside=DSR),
        Case("DSR by geneve in 1.18", "DRIFT", "1.18.12-snat-native", {"tunnel-protocol": "geneve"}, beside=DSR),
        Case("a cloud's tunnel", "BLOCKED", keys={"routing-mode": "tunnel", "ipam": "eni"}, words="native_routing",
             way_out="guide for this cloud"),
        Case("a chained plugin", "BLOCKED", keys={"cni-chaining-mode": "portmap"}, words="host_routing",
             way_out="Leave host_routing"),
        Case("agents that left it off", "BLOCKED", keys={family.key: "true"}, words="something else all the same", way_out="log"),
        Case("no device", "BLOCKED", running={"devices": []}, words="no network device", way_out="devices"),
        Case("an old kernel", "BLOCKED", kernel=family.older_kernel, words=f"kernel {family.kernel}",
             way_out="Upgrade the kernel"),
        Case("an old version", "BLOCKED", "1.13.4-snat-native", words="from 1.1", way_out="Upgrade Cilium",
             version=family.before),
    ]


def cluster(family: Family, case: Case) -> dict[str, Any]:
    """The facts of a case."""
    both = {"enable-ipv4": "true", "enable-ipv6": "true", "enable-ipv6-masquerade": "false"}
    facts = one.cluster(case.fixture, config={**both, **case.keys}, running={family.id: "disabled", **case.running},
                        kernel=case.kernel)
    return one.of_version(facts, case.version) if case.version else facts


def check(family: Family, case: Case) -> None:
    """The verdict is the case's; nothing is planned for what is not drift, and what is planned brings it."""
    facts = cluster(family, case)
    verdicts = one.judge.judge(facts, one.policy.parse({family.id: {}, **case.beside}))
    found = next(verdict for verdict in verdicts if verdict["tuning"] == family.id)
    assert found["state"] == case.state, found
    assert case.words in found["reason"] and case.way_out in (found["way_out"] or ""), found
    if not case.beside:
        assert bool(one.steps(facts, family.id)) == (case.state == "DRIFT")


def check_step(family: Family, fixture: str) -> None:
    """What the step sets and says, and that it is in line afterwards."""
    facts = cluster(family, Case("it is off", "DRIFT", fixture))
    step, = one.steps(facts, family.id)
    assert (step["values"], step["config"]) == ({family.value: True}, {family.key: "true"})
    assert step["expect"] == {family.id: "enabled"} and step["pods"] is True
    assert step["risk"] == "pods_recreated" and "created anew" in step["reason"]
    after = one.after(facts, [step])
    assert one.verdict(after, family.id)["state"] == "OK" and one.verdict(after, family.id)["notes"] == []
    assert "mlx5" in one.verdict(facts, family.id)["notes"][0]


def check_order(family: Family) -> None:
    """Host routing comes first."""
    facts = cluster(family, Case("by the host's stack", "DRIFT", keys={"enable-host-legacy-routing": "true"},
                                 running={"host_routing": "legacy"}))
    one.model.put(facts["release"]["values"], "bpf.hostLegacyRouting", True)
    assert [step["tunings"] for step in one.steps(facts, family.id)] == [["host_routing"], [family.id]]
