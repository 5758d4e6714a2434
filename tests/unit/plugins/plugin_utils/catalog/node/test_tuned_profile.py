# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import configparser

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils import machine_model as model


def ops_of(found, options=True, **more):
    return model.planned("tuned_profile", found, options, **more)["hosts"]["node-1"]["ops"]


def profile(ops):
    parsed = configparser.ConfigParser()
    parsed.read_string(next(op["content"] for op in ops if op.get("path", "").endswith("/tuned.conf")))
    return {section: dict(parsed[section]) for section in parsed.sections()}


def test_our_profile_includes_tuneds_and_is_chosen_by_tuned_itself():
    ops = ops_of(model.facts(), {"profile": "network-latency"})
    assert profile(ops)["main"]["include"] == "network-latency"
    assert [op.get("path") for op in ops if op["kind"] == "file"][0] == "/etc/tuned/fastpath-network-latency/tuned.conf"
    assert ops[-1] == {"kind": "tuned_profile", "profile": "fastpath-network-latency"}


def test_from_2_24_on_profiles_have_a_folder_of_their_own():
    found = model.changed(model.facts(), "tuned.version", "2.24.1")
    assert ops_of(found)[0]["path"] == "/etc/tuned/profiles/fastpath-network-throughput/tuned.conf"


def test_a_profile_of_the_site_goes_on_to_hold_also_when_it_is_asked_again():
    found = model.changed(model.facts(), "tuned.active_profile", "our-database")
    ops = ops_of(found)
    assert profile(ops)["main"]["include"] == "network-throughput,our-database"
    after = model.apply(found, ops)
    assert model.judged("tuned_profile", after)["state"] == "OK"
    assert "our-database" in model.judged("tuned_profile", found)["notes"][0]


def test_fast_open_is_kept_from_hosts_whose_pods_answer_directly():
    assert profile(ops_of(model.facts(), others={"dsr": {"mode": "dsr"}}))["sysctl"] == {"net.ipv4.tcp_fastopen": "1"}
    assert "sysctl" not in profile(ops_of(model.facts(), others={"dsr": {"mode": "snat"}}))
    assert "sysctl" not in profile(ops_of(model.facts(), others={"dsr": {"mode": "dsr"}}, node=None))


def test_the_daemon_is_started_before_the_profile_is_chosen():
    found = model.facts()
    found["tuned"].update(running=False, enabled=False, active_profile=None)
    ops = ops_of(found)
    assert [op["kind"] for op in ops][-2:] == ["unit", "tuned_profile"]
    assert model.judged("tuned_profile", model.apply(found, ops))["state"] == "OK"


def test_rp_filter_is_kept_on_nodes_only():
    paths = [op.get("path") for op in ops_of(model.facts())]
    assert "/etc/sysctl.d/99-zzz-fastpath-cilium.conf" in paths
    assert "/etc/sysctl.d/99-zzz-fastpath-cilium.conf" not in [op.get("path") for op in ops_of(model.facts(), node=None)]


@pytest.mark.parametrize("path, value, state, words", [
    ("tuned.installed", False, "NOT_APPLICABLE", "not installed"),
    ("tuned.profiles", ["balanced"], "BLOCKED", "no profile network-throughput"),
    ("tuned.options", {"daemon": "0"}, "BLOCKED", "daemon"),
    ("tuned.profiles", None, "UNKNOWN", "not known"),
    ("os.immutable", True, "NOT_APPLICABLE", "Ubuntu"),
])
def test_hosts_that_cannot_have_it(path, value, state, words):
    verdict = model.judged("tuned_profile", model.changed(model.facts(), path, value))
    assert verdict["state"] == state and words in verdict["reason"] and verdict["way_out"]


def test_another_profile_than_ours_is_drift():
    found = model.apply(model.facts(), ops_of(model.facts()))
    assert model.judged("tuned_profile", found)["state"] == "OK"
    found["tuned"]["active_profile"] = "balanced"
    assert "balanced" in model.judged("tuned_profile", found)["reason"]
