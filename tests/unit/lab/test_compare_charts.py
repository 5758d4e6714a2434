# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The comparison of the lab's charts with real ones, and that the lab's charts render at all."""
from __future__ import annotations

import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

LAB = Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

import chart_render  # noqa: E402
import compare_charts  # noqa: E402
from chart_render import Rendering  # noqa: E402
from compare_charts import Case  # noqa: E402
from front.own_charts import own_charts  # noqa: E402

LAB_CHARTS = own_charts()

VERSIONS = sorted(path.name[len("cilium-"):] for path in LAB_CHARTS.glob("cilium-*"))
DSR = {"loadBalancer": {"mode": "dsr"}}


def copy_of(version: str, folder: Path) -> Path:
    """A lab chart as a folder of its own, to be spoilt by a test."""
    return Path(shutil.copytree(LAB_CHARTS / f"cilium-{version}", folder / f"cilium-{version}"))


def replace_in(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file} has changed: {old!r} is not there to be spoilt"
    file.write_text(text.replace(old, new))


def found(helm: str, chart: Path, version: str, cases: list[Case]) -> list[tuple[str, str, str, str]]:
    """Differences between the lab's chart as the real one and a spoilt copy of it as the lab's."""
    true = LAB_CHARTS / f"cilium-{version}"
    differences = compare_charts.compare_version(helm, version, true, chart, cases)
    return [(d.case, d.what, d.real, d.lab) for d in differences]


# --- a wrong chart is reported ----------------------------------------------------------------------------------------


def test_an_equal_chart_has_no_differences(helm, tmp_path):
    cases = [Case("dsr", DSR), Case("no hubble", {"hubble": {"enabled": False}}), Case("refused", {"tunnel": "vxlan"})]
    assert found(helm, copy_of("1.18.12", tmp_path), "1.18.12", cases) == []


def test_a_wrong_default_is_reported_for_every_case(helm, tmp_path):
    chart = copy_of("1.13.4", tmp_path)
    replace_in(chart / "values.yaml", "lbMapMax: 65536", "lbMapMax: 65535")
    assert found(helm, chart, "1.13.4", [Case("dsr", DSR)]) == [
        ("defaults", "config/bpf-lb-map-max", "65536", "65535"),
        ("dsr", "config/bpf-lb-map-max", "65536", "65535"),
    ]


def test_a_key_that_the_lab_does_not_know_is_reported_where_values_change_it(helm, tmp_path):
    chart = copy_of("1.16.19", tmp_path)
    replace_in(chart / "files/cilium-config.yaml", "- {key: bpf-lb-mode,", "- {key: bpf-lb-modus,")
    assert found(helm, chart, "1.16.19", [Case("dsr", DSR), Case("mtu", {"MTU": 9000})]) == [
        ("dsr", "config/bpf-lb-mode", "dsr", "(absent)"),
        ("dsr", "config/bpf-lb-modus", "(absent)", "dsr"),
    ]


def test_what_a_case_ignores_is_not_reported(helm, tmp_path):
    chart = copy_of("1.16.19", tmp_path)
    replace_in(chart / "files/cilium-config.yaml", "- {key: bpf-lb-mode,", "- {key: bpf-lb-modus,")
    assert found(helm, chart, "1.16.19", [Case("dsr", DSR, ignore=("config/bpf-lb-mod*",))]) == []


def test_a_missing_rule_is_reported_with_the_message_of_the_other_chart(helm, tmp_path):
    chart = copy_of("1.20.0", tmp_path)
    replace_in(chart / "templates/_validate.tpl", '{{- include "lab.validate.hubble" . -}}', "")
    values = {"hubble": {"enabled": False, "relay": {"enabled": True}}}
    [(case, what, real, lab)] = found(helm, chart, "1.20.0", [Case("relay", values)])
    assert (case, what, lab) == ("relay", "refused", "(rendered)")
    assert real == "hubble.relay.enabled needs hubble.enabled"


def test_a_rule_too_many_is_reported(helm, tmp_path):
    chart = copy_of("1.20.0", tmp_path)
    replace_in(chart / "templates/validate.tpl", '{{- include "lab.validate" . -}}',
               '{{- if eq (default "" .Values.loadBalancer.mode) "dsr" }}{{ fail "no dsr" }}{{ end }}')
    assert found(helm, chart, "1.20.0", [Case("dsr", DSR)]) == [("dsr", "refused", "(rendered)", "no dsr")]


def test_a_pod_template_that_follows_the_configuration_is_reported(helm, tmp_path):
    chart = copy_of("1.13.4", tmp_path)
    replace_in(chart / "templates/daemonset.tpl", "{{- if .Values.rollOutCiliumPods }}", "{{- if true }}")
    reported = found(helm, chart, "1.13.4", [Case("dsr", DSR)])
    assert ("dsr", "DaemonSet/template changed", "false", "true") in reported
    assert ("defaults", "DaemonSet/checksum", "false", "true") in reported


def test_another_update_strategy_container_or_api_address_is_reported(helm, tmp_path):
    chart = copy_of("1.18.12", tmp_path)
    replace_in(chart / "values.yaml", "maxUnavailable: 2", "maxUnavailable: 3")
    replace_in(chart / "templates/daemonset.tpl", "- name: cilium-agent", "- name: agent")
    reported = found(helm, chart, "1.18.12", [Case("host", {"k8sServiceHost": "192.0.2.1"})])
    assert {what for case, what, _real, _lab in reported if case == "host"} == {
        "DaemonSet/updateStrategy", "DaemonSet/containers", "DaemonSet/env", "DaemonSet/image"}


def test_a_lost_object_is_reported(helm, tmp_path):
    chart = copy_of("1.13.4", tmp_path)
    replace_in(chart / "templates/hubble.tpl", "name: hubble-server-certs", "name: other-certs")
    assert {what for _case, what, _real, _lab in found(helm, chart, "1.13.4", [])} == {"object/Secret/other-certs"}


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_case(monkeypatch):
    monkeypatch.setattr(compare_charts, "load_cases", lambda: [Case("dsr", DSR)])


def test_the_command_prints_a_table_and_fails_on_a_difference(helm, tmp_path, capsys, one_case):
    chart = copy_of("1.13.4", tmp_path)
    replace_in(chart / "values.yaml", "lbMapMax: 65536", "lbMapMax: 65535")
    assert compare_charts.main([str(tmp_path), "--helm", helm]) == 1
    lines = capsys.readouterr().out.splitlines()
    told = lines[lines.index("cilium 1.13.4: 1 cases, 2 differences") + 1:]
    assert told[0].split() == ["CASE", "WHAT", "REAL", "LAB"]
    assert told[2].split() == ["dsr", "config/bpf-lb-map-max", "65535", "65536"]
    assert "cilium 1.20.0: not compared, no real chart of this version there" in lines


def test_the_command_reads_archives_and_prints_json(helm, tmp_path, capsys, one_case):
    with tarfile.open(tmp_path / "c.tgz", "w:gz") as archive:
        archive.add(copy_of("1.16.19", tmp_path / "in"), "cilium")
    assert compare_charts.main([str(tmp_path / "c.tgz"), "--helm", helm, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["1.16.19"] == {"missing": False, "cases": 1, "differences": []}
    assert result["1.13.4"]["missing"] is True


def test_the_command_says_when_nothing_can_be_compared(tmp_path, capsys):
    other = tmp_path / "other"
    other.mkdir()
    (other / "Chart.yaml").write_text("name: cilium\nversion: 9.9.9\n")
    assert compare_charts.main([str(tmp_path), "--helm", sys.executable]) == 2
    assert "has the version of a lab chart" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["missing", "broken.tgz"])
def test_the_command_names_a_chart_that_cannot_be_read(tmp_path, capsys, given):
    (tmp_path / "broken.tgz").write_bytes(b"\x1f\x8b no archive")
    assert compare_charts.main([str(tmp_path / given), "--helm", sys.executable]) == 2
    error = capsys.readouterr().err
    assert given in error and "Traceback" not in error


def test_the_command_says_when_there_is_no_helm(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("LAB_HELM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compare_charts.main([str(tmp_path)]) == 2
    assert "No Helm found" in capsys.readouterr().err


# --- parts that need no Helm ------------------------------------------------------------------------------------------


def test_find_charts_takes_charts_named_cilium_only(tmp_path):
    for name, folder in (("cilium", "a"), ("tetragon", "b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Chart.yaml").write_text(f"name: {name}\nversion: 1.13.4\n")
    (tmp_path / "notes.txt").write_text("no chart")
    assert chart_render.find_charts(tmp_path) == {"1.13.4": tmp_path / "a"}


@pytest.mark.parametrize(("since", "until", "concerned"), [
    ("0.0", "999.0", True), ("1.16", "999.0", True), ("1.17", "999.0", False), ("0.0", "1.16", True), ("0.0", "1.9", False)])
def test_a_case_concerns_whole_minors_compared_as_numbers(since, until, concerned):
    assert Case("c", {}, since, until).concerns("1.16.19") is concerned


def test_plain_text_has_no_control_characters_and_is_short():
    assert compare_charts.plain("a\x1b[31m\r\nb\u202e") == "a [31m b"
    assert compare_charts.plain({"b": 1, "a": None}) == '{"a": null, "b": 1}'
    assert len(compare_charts.plain("x" * 1_000_000)) == 70


def test_null_in_the_config_is_the_empty_string_that_the_api_server_makes_of_it():
    config = {"kind": "ConfigMap", "metadata": {"name": "cilium-config"}, "data": {"a": None, "b": "null"}}
    assert compare_charts.config(Rendering([config])) == {"a": "", "b": "null"}


def test_a_number_in_the_config_differs_from_its_text():
    real, lab = ({"refused": False, "config/mtu": value} for value in (9000, "9000"))
    assert len(compare_charts.differences("c", real, lab, {"config/mtu"}, ("", ""))) == 1


def test_a_chart_without_a_daemonset_is_compared_all_the_same():
    empty = compare_charts.picture(Rendering([]), Rendering([]))
    assert empty["DaemonSet/containers"] == [] and empty["refused"] is False


@pytest.mark.parametrize(("stderr", "message"), [
    ('walk.go:75: found symbolic link in path: /a\n\nError: no\nlevel=INFO msg="found symbolic link"\n', "no"),
    ("Error: execution error at (cilium/templates/validate.yaml:1:2): no dsr\n\nUse --debug flag to render\n", "no dsr"),
    ("Error: values don't meet the schema:\n- at '/MTU': got string\n", "values don't meet the schema: - at '/MTU': got string"),
    ("", "Helm failed without a message")])
def test_a_refusal_is_the_chart_s_own_message(stderr, message):
    assert chart_render.refusal(stderr) == message


def test_cases_have_names_of_their_own_and_a_version_to_go_to():
    cases = compare_charts.load_cases()
    assert len({case.name for case in cases}) == len(cases)
    assert not [case.name for case in cases if not any(case.concerns(version) for version in VERSIONS)]


# --- the lab's charts -------------------------------------------------------------------------------------------------


def lab_chart(version: str) -> Path:
    return LAB_CHARTS / f"cilium-{version}"


def rendered(helm: str, version: str, values: dict) -> Rendering:
    rendering = chart_render.render(helm, lab_chart(version), values)
    assert rendering.refusal is None
    return rendering


def test_there_is_a_chart_for_each_version_that_the_lab_offers():
    assert [version.rsplit(".", 1)[0] for version in VERSIONS] == [f"1.{minor}" for minor in range(11, 21)]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_lab_chart_says_its_version_and_has_no_dependencies(version):
    metadata = yaml.safe_load((lab_chart(version) / "Chart.yaml").read_text())
    assert metadata["name"] == "cilium" and metadata["version"] == metadata["appVersion"] == version
    assert "dependencies" not in metadata


@pytest.mark.parametrize("version", VERSIONS)
def test_a_lab_chart_renders_with_its_defaults(helm, version):
    rendering = rendered(helm, version, {})
    picture = compare_charts.picture(rendering, rendering)
    assert picture["DaemonSet/containers"] == ["cilium-agent"]
    assert picture["DaemonSet/image"] == f"quay.io/cilium/cilium:v{version}"
    assert picture["DaemonSet/updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    assert picture["DaemonSet/checksum"] is False
    config = compare_charts.config(rendering)
    assert "bpf-lb-mode" not in config and config["enable-hubble"] == "true"
    assert all(isinstance(value, str) for value in config.values())


@pytest.mark.parametrize("version", VERSIONS)
def test_the_pod_template_follows_the_configuration_only_with_roll_out(helm, version):
    def template(values: dict) -> dict:
        return compare_charts.template(rendered(helm, version, values).find("DaemonSet", "cilium"))

    roll = {"rollOutCiliumPods": True}
    assert template(DSR) == template({})
    assert template({**roll, **DSR}) != template(roll)
    assert template(roll) == template(roll)


@pytest.mark.parametrize("version", VERSIONS)
def test_certificates_are_new_in_every_render_without_a_cluster(helm, version):
    def secret(name: str) -> dict:
        return rendered(helm, version, {}).find("Secret", name)["data"]

    authority = "hubble-ca-secret" if version.startswith("1.11.") else "cilium-ca"
    for name, key in ((authority, "ca.key"), ("hubble-server-certs", "tls.key")):
        assert secret(name)[key] != secret(name)[key]


@pytest.mark.parametrize("version", VERSIONS)
def test_hubble_off_changes_the_pod_template_and_takes_the_certificates_along(helm, version):
    rendering = rendered(helm, version, {"hubble": {"enabled": False}})
    picture = compare_charts.picture(rendering, rendered(helm, version, {}))
    assert picture["DaemonSet/template changed"] is True
    assert not rendering.find("Secret", "hubble-server-certs") and not rendering.find("Service", "hubble-peer")
    assert not [key for key in compare_charts.config(rendering) if key.startswith("hubble-")]


def test_an_unknown_word_in_the_table_of_keys_stops_the_render(helm, tmp_path):
    chart = copy_of("1.13.4", tmp_path)
    replace_in(chart / "files/cilium-config.yaml", "value: MTU, when: truthy", "value: MTU, when: sometimes")
    assert 'mtu: when is "sometimes"' in (chart_render.render(helm, chart, {}).refusal or "")
