# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Garbled
from ansible_collections.fastpath.cilium.plugins.module_utils.manifests import (
    certificates_reissued, changed_resources, config_map_of, documents, equal_but_certificates, names_of,
    rendering_changes, resource_of)

CONFIG = """---
# Source: cilium/templates/cilium-configmap.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: cilium-config
  namespace: kube-system
data:
  bpf-lb-mode: {mode}
  debug-verbose: ""
  vtep-mac: 11:22:33:44:55:10
  since: 2026-01-01
---
# an empty document
"""


def pem(text: str) -> str:
    return base64.b64encode("-----BEGIN CERTIFICATE-----\n{0}\n-----END".format(text).encode()).decode()


def secret(certificate: str, password: str) -> str:
    return "---\n" + json.dumps({"apiVersion": "v1", "kind": "Secret",
                                 "metadata": {"name": "certs", "namespace": "kube-system"},
                                 "data": {"tls.crt": pem(certificate), "password": password}}) + "\n"


def workload(annotation: str, image: str = "x") -> str:
    return "---\n" + json.dumps({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "cilium"}, "spec": {
        "template": {"metadata": {"annotations": {"cilium.io/cilium-configmap-checksum": annotation}},
                     "spec": {"containers": [{"name": "c", "image": image, "env": [
                         {"name": "API_TOKEN", "value": "s3cret-value"}]}]}}}}) + "\n"


def test_config_map_of_reads_text_as_helm_does():
    assert config_map_of(CONFIG.format(mode="dsr")) == {
        "bpf-lb-mode": "dsr", "debug-verbose": "", "vtep-mac": "11:22:33:44:55:10", "since": "2026-01-01"}


def test_config_map_of_is_none_without_one_and_empty_without_data():
    assert config_map_of("") is None
    assert config_map_of(secret("a", "b")) is None
    assert config_map_of("{kind: ConfigMap, metadata: {name: cilium-config}}") == {}


def test_numbers_and_booleans_are_what_they_are():
    assert config_map_of("{kind: ConfigMap, metadata: {name: c}, data: {a: 5, b: true, c: 0.5, d: 08}}", "c") == {
        "a": 5, "b": True, "c": 0.5, "d": "08"}


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\x00", "- 1\n- 2", "just text", "a: !!python/object:os.system {}",
                                  "? {a: b}\n: c", "[" * 3000, "0x: &a *a"])
def test_what_is_no_manifest_is_garbled(text):
    with pytest.raises(Garbled):
        documents(text)


@given(st.text())
def test_no_other_exception_whatever_the_text(text):
    try:
        documents(text)
    except Garbled:
        pass


def test_a_change_is_shown_as_a_diff_of_its_resource_alone():
    changes = changed_resources(CONFIG.format(mode="snat") + workload("1"), CONFIG.format(mode="dsr") + workload("1"))
    assert [(one["kind"], one["namespace"], one["name"], one["change"]) for one in changes] == [
        ("ConfigMap", "kube-system", "cilium-config", "changed")]
    assert changes[0]["diff"].splitlines()[:2] == [
        "--- former/ConfigMap/kube-system/cilium-config", "+++ new/ConfigMap/kube-system/cilium-config"]
    assert "-  bpf-lb-mode: snat" in changes[0]["diff"] and "+  bpf-lb-mode: dsr" in changes[0]["diff"]
    assert names_of(changes) == "ConfigMap cilium-config"


def test_comments_and_order_are_no_change():
    assert equal_but_certificates(CONFIG.format(mode="dsr") + secret("a", "b"),
                                  secret("a", "b") + CONFIG.format(mode="dsr"))


def test_added_and_removed_resources_are_shown_without_their_secrets():
    gone, = changed_resources(secret("a", "hidden-word"), "")
    new, = changed_resources("", workload("1"))
    assert (gone["change"], new["change"]) == ("removed", "added")
    assert "hidden-word" not in gone["diff"] and pem("a") not in gone["diff"]
    assert "-  password: <hidden>" in gone["diff"]
    assert "s3cret-value" not in new["diff"] and "+kind: DaemonSet" in new["diff"]


def test_reissued_certificates_are_named_and_no_change():
    former, new = secret("one", "same"), secret("two", "same")
    assert changed_resources(former, new) == [] and equal_but_certificates(former, new)
    assert certificates_reissued(former, new) == ["certs"]
    assert certificates_reissued(former, former) == []


def test_a_changed_password_is_a_change_that_does_not_show_it():
    change, = changed_resources(secret("one", "former-word"), secret("two", "other-word"))
    assert "former-word" not in change["diff"] and "other-word" not in change["diff"]
    assert "+  password: <hidden> (changed)" in change["diff"]


def test_a_webhooks_authority_counts_as_a_certificate():
    text = "{{kind: W, metadata: {{name: hook}}, webhooks: [{{clientConfig: {{caBundle: {0}}}}}]}}"
    assert certificates_reissued(text.format(pem("a")), text.format(pem("b"))) == ["hook"]
    assert equal_but_certificates(text.format(pem("a")), text.format(pem("b")))


def test_a_multi_line_text_is_compared_by_line():
    text = "{{kind: ConfigMap, metadata: {{name: c}}, data: {{script: \"one\\n{0}\\nthree\"}}}}"
    change, = changed_resources(text.format("two"), text.format("2"))
    assert "-    two" in change["diff"] and "     three" in change["diff"]


def test_what_helm_4_renders_otherwise_than_helm_3_is_no_foreign_change():
    stored = CONFIG.format(mode="dsr") + workload("checksum-1").replace('"image"', '"args": ["--urls=", "-v"], "image"')
    again = CONFIG.format(mode="dsr").replace('  debug-verbose: ""\n', "")
    again += workload("checksum-2").replace('"image"', '"args": ["-v"], "image"')
    assert changed_resources(stored, again) != [] and rendering_changes(stored, again) == []


@pytest.mark.parametrize("again", [
    CONFIG.format(mode="snat") + workload("1"), CONFIG.format(mode="dsr") + workload("1", "patched"),
    CONFIG.format(mode="dsr") + workload("1").replace('"image"', '"args": ["--urls=x"], "image"'),
    CONFIG.format(mode="dsr"), CONFIG.format(mode="dsr") + workload("1") + secret("a", "b")])
def test_any_other_difference_is_one(again):
    assert rendering_changes(CONFIG.format(mode="dsr") + workload("1"), again) != []


def test_resource_of_needs_kind_and_name():
    text = workload("1") + CONFIG.format(mode="dsr")
    assert resource_of(text, "DaemonSet", "cilium")["kind"] == "DaemonSet"
    assert resource_of(text, "Deployment", "cilium") is None and resource_of(text, "DaemonSet", "other") is None
