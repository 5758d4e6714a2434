# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import re
import time

from pathlib import Path

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status import (
    STATUS_KEYS,
    NotAStatus,
    parse_status,
)

RECORDED = sorted((Path(__file__).parents[3] / "fixtures" / "status").glob("*.txt"))
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

WORDS = {
    "kube_proxy_replacement": {"disabled", "strict", "probe", "partial", "true", "false"},
    "nodeport_mode": {"snat", "dsr", "hybrid"},
    "dsr_dispatch": {"opt", "ipip", "geneve"},
    "xdp_acceleration": {"disabled", "native", "generic", "best-effort"},
    "lb_algorithm": {"random", "maglev"},
    "masquerading": {"bpf", "iptables", "disabled"},
    "host_routing": {"bpf", "legacy"},
    "routing_mode": {"native", "tunnel"},
    "tunnel_protocol": {"vxlan", "geneve"},
    "bandwidth_manager": {"enabled", "disabled"},
    "congestion_control": {"bbr", "cubic"},
    "ipv4_big_tcp": {"enabled", "disabled"},
    "ipv6_big_tcp": {"enabled", "disabled"},
    "socket_lb": {"enabled", "disabled"},
    "device_mode": {"veth", "netkit", "netkit-l2"},
    "attach_mode": {"tc", "tcx"},
    "health": {"ok", "warning", "failure"},
}


def told(text: str) -> dict:
    return {key: fact for key, fact in parse_status(text).items() if fact is not None}


def check_shape(status: dict) -> None:
    """What holds for any input at all: the keys, the words and the kinds of values."""
    assert tuple(status) == STATUS_KEYS
    for key, known in WORDS.items():
        assert status[key] is None or status[key] in known, key
    for key in ("devices", "annotations"):
        assert status[key] is None or all(isinstance(name, str) and name.isprintable() for name in status[key])
    for key in ("version", "direct_routing_device"):
        assert status[key] is None or (isinstance(status[key], str) and status[key].isprintable())


def survives(text: str) -> None:
    try:
        check_shape(parse_status(text))
    except NotAStatus as error:
        assert str(error).isprintable() and len(str(error)) < 300


# Recorded outputs


def test_recorded_cases_are_there() -> None:
    assert len(RECORDED) >= 25
    assert {".".join(path.name.split("-")[0].split(".")[:2]) for path in RECORDED} >= {
        "1.%d" % minor for minor in range(9, 21)
    }


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded(path: Path) -> None:
    case = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert case["source"]
    assert told(path.read_text(encoding="utf-8")) == case["expected"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
@pytest.mark.parametrize("dress", [
    "crlf", "cr", "tabs", "one-blank", "ansi", "bom", "no-break", "warnings", "indented"
])
def test_recorded_in_other_dress(path: Path, dress: str) -> None:
    """The same facts whatever a terminal, an editor or kubectl did to the text."""
    text = path.read_text(encoding="utf-8")
    assert parse_status(DRESS[dress](text)) == parse_status(text)


DRESS = {
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "cr": lambda text: text.replace("\n", "\r"),
    "tabs": lambda text: text.replace("   ", "\t"),
    "one-blank": lambda text: "\n".join(" ".join(line.split()) for line in text.split("\n")),
    "ansi": lambda text: "\n".join("\x1b[1;32m%s\x1b[0m" % line for line in text.split("\n")),
    "bom": lambda text: "\ufeff" + text,
    "no-break": lambda text: text.replace("  ", "\u00a0 "),
    "warnings": lambda text: "Warning: Use tokens instead of legacy service account tokens: Mode: x\n\n"
    + text + "command terminated with exit code 1\n",
    "indented": lambda text: "\n".join("        " + line for line in text.split("\n")),
}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_part_tells_no_more_and_nothing_else(path: Path) -> None:
    """Any run of lines from the start or to the end tells a part of the facts, and no other ones."""
    lines = path.read_text(encoding="utf-8").split("\n")
    whole = parse_status("\n".join(lines))
    for cut in range(1, len(lines)):
        for part in (lines[:cut], lines[cut:]):
            try:
                facts = told("\n".join(part))
            except NotAStatus:
                continue
            annotations = facts.pop("annotations", [])
            assert annotations == (whole["annotations"] or [])[:len(annotations)]
            assert facts == {key: whole[key] for key in facts}


# What is no status


OVERVIEW = """    /¯¯\\
 /¯¯\\__/¯¯\\    Cilium:             OK
 \\__/¯¯\\__/    Operator:           OK
 /¯¯\\__/¯¯\\    Envoy DaemonSet:    disabled (using embedded mode)
 \\__/¯¯\\__/    Hubble Relay:       disabled
    \\__/       ClusterMesh:        disabled

DaemonSet              cilium             Desired: 3, Ready: 3/3, Available: 3/3
Containers:            cilium             Running: 3
Image versions         cilium             quay.io/cilium/cilium:v1.13.4: 3
"""

NO_STATUS = {
    "overview": (OVERVIEW, "overview"),
    "empty": ("", "empty"),
    "blank": (" \r\n\t\u00a0\n", "empty"),
    "brief": ("OK\n", "not the status"),
    "html": ("<!DOCTYPE html><html><body><pre>\nMode: DSR\n</pre></body></html>", "web page"),
    "html-after-blanks": ("\n\n  <html>\nMode: DSR\n</html>", "web page"),
    "not-found": ('Error from server (NotFound): pods "cilium-x" not found', "error message"),
    "forbidden": ('Error from server (Forbidden): pods "cilium-x" is forbidden: User "x" cannot', "error message"),
    "no-container": ("error: unable to upgrade connection: container not found", "error message"),
    "agent-down": (
        'Get "http://localhost/v1/healthz": dial unix /var/run/cilium/cilium.sock: connect: no such file\n'
        "Is the agent running?\n", "error message"
    ),
    "other-json": ('{"kind": "Status", "status": "Failure", "message": "Unauthorized", "code": 401}', "JSON"),
    "json-list": ('[{"kind": "Status"}]', "JSON"),
    "cut-json": ('{\n  "kube-proxy-replacement": {\n    "mode": "True",\n', "JSON"),
    "config-map": ('{"kube-proxy-replacement": "true", "datapath-mode": "veth", "bpf-lb-mode": "dsr"}', "JSON"),
    "yaml": ("kube-proxy-replacement: strict\nrouting-mode: native\n", "not the status"),
    "prose": ("Once upon a time there was an agent in Mode DSR.", "not the status"),
}


@pytest.mark.parametrize("text, says", NO_STATUS.values(), ids=NO_STATUS)
def test_not_a_status(text: str, says: str) -> None:
    with pytest.raises(NotAStatus, match=says) as caught:
        parse_status(text)
    assert re.fullmatch(r"The text is [^:]+: save what .+ an agent's pod\.", str(caught.value))


@pytest.mark.parametrize("value", [None, b"Mode: SNAT", 1, ["Mode: SNAT"], {"mode": "SNAT"}, bytearray(b"Mode: SNAT")])
def test_only_text(value: object) -> None:
    with pytest.raises(NotAStatus, match="as text"):
        parse_status(value)


def test_a_message_repeats_nothing_of_the_text() -> None:
    with pytest.raises(NotAStatus) as caught:
        parse_status("Error: {{ 7*7 }} \x1b[31m token=abc")
    assert not any(part in str(caught.value) for part in ("{{", "\x1b", "token"))


def test_not_a_status_is_a_value_error() -> None:
    assert issubclass(NotAStatus, ValueError)


def test_nothing_hostile_comes_through() -> None:
    hostile = "{{lookup('pipe','id')}}"
    text = "Cilium: Ok %s\nKubeProxyReplacement: True [%s 192.0.2.1]\nAnnotations:\n- %s\n" % ((hostile,) * 3)
    assert told(text) == {"health": "ok", "kube_proxy_replacement": "true"}


# Fuzz: no other exception, no word that is not in the vocabulary


TEXTS = [path.read_text(encoding="utf-8") for path in RECORDED]
LABELS = {line.partition(":")[0] for text in TEXTS for line in text.split("\n") if ":" in line}
NOISE = st.sampled_from(
    ["\n", "\t", ":", "[", "]", ",", "-", " ", "{", '"', "\x00", "\x1b[", "\ud800", "Mode: DSR\n", "\u2028"]
)


@FUZZ
@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    survives(text)


@FUZZ
@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 40), NOISE), max_size=12))
def test_mutated_records(text: str, edits: list) -> None:
    for position, length, noise in edits:
        position %= len(text) + 1
        text = text[:position] + noise + text[position + length:]
    survives(text)


@FUZZ
@given(st.lists(st.sampled_from([line for text in TEXTS for line in text.split("\n")]), max_size=60))
def test_shuffled_lines_of_many_agents(lines: list) -> None:
    survives("\n".join(lines))


@FUZZ
@given(st.lists(st.tuples(st.sampled_from(sorted(LABELS)), st.text(max_size=40))))
def test_known_labels_with_any_value(fields: list) -> None:
    survives("\n".join("%s:%s" % field for field in fields))


# Size: these would take minutes or overflow the stack if reading were not linear and flat


MEGA = 10_000_000
HUGE = {
    "one-line": lambda: "x" * MEGA,
    "blanks": lambda: " " * MEGA,
    "blank-lines": lambda: "\n" * MEGA,
    "status-lines": lambda: "Mode: SNAT\n" * (MEGA // 11),
    "device-list": lambda: "KubeProxyReplacement: True [" + "a," * (MEGA // 2) + "a]",
    "blanks-before-a-word": lambda: "Routing: Network:" + " " * MEGA + "x",
    "annotations": lambda: "Annotations:\n" + "- a.b/c\n" * (MEGA // 8),
    "escapes": lambda: "\x1b[" * (MEGA // 2),
    "brackets": lambda: "[" * MEGA,
    "nested-json": lambda: '{"a":' * (MEGA // 5),
    "nested-json-lines": lambda: '{"a":\n' * (MEGA // 6),
    "json-lines": lambda: "{}\n" * (MEGA // 3),
    "cut-json-list": lambda: '{"a":[\n' + "{},\n" * (MEGA // 4),
    "long-number": lambda: '{"cilium": ' + "9" * MEGA + "}",
}


@pytest.mark.parametrize("make", HUGE.values(), ids=HUGE)
def test_ten_megabytes_finish(make) -> None:
    text = make()
    before = time.process_time()
    survives(text)
    assert time.process_time() - before < 30
