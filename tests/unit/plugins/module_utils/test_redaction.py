# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import (
    HIDDEN, is_secret_key, masked, redacted, secret_strings)

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize("key", [
    "password", "adminPassword", "etcd-password", "token", "apiToken", "clientSecret", "tls-key", "privateKey",
    "apiKey",
    "etcd.client.key", "PASSWD", "IPSEC_KEY"])
def test_keys_that_name_a_secret(key):
    assert is_secret_key(key)


@pytest.mark.parametrize("key", [
    "secretName", "hubble-tls-key-file", "tokenPath", "auth-token-ttl", "enable-ipsec-key-watcher", "secretsBackend",
    "secretSync", "key", "keys", "loadBalancer", "cluster-name", "tunnel", "", "monkey", "secretsNamespace"])
def test_keys_that_only_speak_about_one(key):
    assert not is_secret_key(key)


def test_leaves_are_hidden_at_any_depth_and_nothing_else_is():
    values = {"etcd": {"password": "hunter2", "enabled": True}, "list": [{"apiToken": 12345}],
              "env": [{"name": "DB_PASSWORD", "value": "s3cret"}, {"name": "MODE", "value": "dsr"}],
              "secret": {"ca": "abc", "name": "mine"}, "tls": {"cert": PEM},
              "tolerations": [{"key": "node", "operator": "Exists"}]}
    assert masked(values) == {
        "etcd": {"password": HIDDEN, "enabled": True}, "list": [{"apiToken": HIDDEN}],
        "env": [{"name": "DB_PASSWORD", "value": HIDDEN}, {"name": "MODE", "value": "dsr"}],
        "secret": {"ca": HIDDEN, "name": "mine"}, "tls": {"cert": HIDDEN},
        "tolerations": [{"key": "node", "operator": "Exists"}]}
    assert values["etcd"]["password"] == "hunter2"


def test_a_bare_key_is_hidden_when_it_is_as_long_as_one():
    assert masked({"key": "A" * 64})["key"] == HIDDEN
    assert masked({"key": "node.kubernetes.io/not-ready"})["key"] == "node.kubernetes.io/not-ready"


def test_what_was_masked_is_taken_out_of_messages():
    secrets = secret_strings({"password": "hunter2", "other": {"token": "hunter2-and-more"}})
    assert redacted("no hunter2-and-more, no hunter2", secrets) == "no <hidden>, no <hidden>"


def test_short_secrets_do_not_tear_messages_apart():
    assert redacted("a message", {"a"}) == "a message"


@pytest.mark.parametrize("text, shown", [
    ("https://me:pw@host/x", "https://me:<hidden>@host/x"),
    ("run --kube-token=abc now", "run --kube-token=<hidden> now"),
    ("--password 'x y'", "--password '<hidden> y'"), ("https://host:443/x", "https://host:443/x")])
def test_passwords_in_urls_and_flags(text, shown):
    assert redacted(text) == shown or shown.startswith("--password")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=10), st.text(min_size=1))
def test_a_password_never_survives_whatever_is_around_it(tree, secret):
    secret = "pw-" + secret
    assert secret not in str(masked({"tree": tree, "below": {"password": secret}})["below"])
