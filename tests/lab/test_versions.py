# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's chart and agents of every minor go together: with the lab's values, and with the chart's own defaults."""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from front.own_charts import own_charts
from labkit import Lab, started

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("versions")]

VERSIONS = sorted(path.name[len("cilium-"):] for path in own_charts().glob("cilium-*"))
NODE = "node-1"


def minor(version: str) -> int:
    return int(version.split(".")[1])


@pytest.fixture(name="site", scope="module", params=VERSIONS)
def fixture_site(request: pytest.FixtureRequest, tools: dict[str, str]) -> Iterator[tuple[Lab, str]]:
    version = request.param
    short = version.rsplit(".", 1)[0]
    with started(f"versions-{minor(version)}", "--nodes", "1", "--cilium", short, "--helm", tools["helm4"]) as lab:
        yield lab, version


def status(lab: Lab, version: str) -> dict[str, Any]:
    program = "cilium" if minor(version) < 15 else "cilium-dbg"
    return json.loads(lab.agent_exec(NODE, program, "status", "-o", "json").out)


def host_routing(answer: dict[str, Any]) -> str:
    """1.16 moved it."""
    return answer["routing"]["intra-host-routing-mode"] if "routing" in answer else answer["host-routing"]["mode"]


def test_an_agent_runs_the_example_cluster(site: tuple[Lab, str]) -> None:
    lab, version = site
    answer = status(lab, version)
    replacement = answer["kube-proxy-replacement"]
    assert replacement["mode"] == ("Strict" if minor(version) < 14 else "True")
    assert replacement["features"]["nodePort"]["mode"] == "SNAT"
    assert answer["masquerading"]["mode"] == "BPF" and host_routing(answer) == "BPF"
    assert lab.agents()[NODE].spec.containers[0].image == f"quay.io/cilium/cilium:v{version}"


def test_an_agent_starts_with_the_defaults_of_its_chart(site: tuple[Lab, str], tools: dict[str, str]) -> None:
    lab, version = site
    chart = str(own_charts() / f"cilium-{version}")
    # By default it asks for the API at its Service, which nobody serves where neither it nor kube-proxy does.
    api = urlsplit(lab.api().configuration.host)
    lab.helm("upgrade", "cilium", chart, "--reset-values", "--set", f"k8sServiceHost={api.hostname}", "--set",
             f"k8sServicePort={api.port}", version=tools["helm4"])
    lab.restart_agent(NODE)
    assert lab.wait_agent_ready(NODE).restart_count == 0
    answer = status(lab, version)
    assert answer["kube-proxy-replacement"]["mode"] == ("Disabled" if minor(version) < 14 else "False")
    assert host_routing(answer) == "Legacy"
    assert answer["bpf-maps"]["dynamic-size-ratio"] == 0.0025
