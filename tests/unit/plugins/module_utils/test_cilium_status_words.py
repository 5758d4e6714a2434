# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_status_words as words


@pytest.mark.parametrize("value, meaning", [
    ("DSR", "dsr"), ("dsr", "dsr"), ("DSR ", None), ("DS", None), ("", None), (None, None), (True, None),
    (["DSR"], None),
])
def test_whole(value: object, meaning: object) -> None:
    assert words.whole(value, words.NODEPORT_MODE) == meaning


@pytest.mark.parametrize("value, meaning", [
    ("netkit", "netkit"), ("netkit-l2", "netkit-l2"), ("netkit-l3", None), ("netkitx", None), ("netkit [x]", "netkit"),
    ("netkit,", "netkit"), (" netkit", None), ("", None), ("x" * 1000, None),
])
def test_leading(value: str, meaning: object) -> None:
    assert words.leading(value, words.DEVICE_MODE) == meaning


@pytest.mark.parametrize("name", [
    "eth0", "enp1s0f0np0", "bond0.100", "wg-k8s-admin", "tun159223122251", "br_x", "eth0@if7"
])
def test_device(name: str) -> None:
    assert words.device(name) == name


@pytest.mark.parametrize("name", [
    "", "a-name-of-16-chr", "eth 0", "eth0\n", "a/b", "a,b", "[a]", "\x1b", "\x80", "fe80::1", "{{x}}", None, 1, b"eth0"
])
def test_no_device(name: object) -> None:
    assert words.device(name) is None


@pytest.mark.parametrize("message, version", [
    ("1.13.4 (v1.13.4-4061cdfc)", "1.13.4"),
    ("   1.20.1", "1.20.1"),
    ("v1.20.1", "1.20.1"),
    ("1.17.6-cee.1 (v1.17.6-cee.1-a33b0b85)", "1.17.6-cee.1"),
    ("1.10.90 (v1.10.90-3e9722fd5c)    Stale status data", "1.10.90"),
    ("1.13", None), ("1.13.4.5", None), ("1.13.4(x)", None), ("OK", None), ("", None), (None, None), (1, None),
])
def test_version(message: object, version: object) -> None:
    assert words.version(message) == version


@pytest.mark.parametrize("name", ["service.cilium.io/type", "a/b"])
def test_annotation(name: str) -> None:
    assert words.annotation(name) == name


@pytest.mark.parametrize("name", ["type", "a/b/c", "a b/c", "{{x}}/y", "a/", "/b", "a/b\n", None, 1])
def test_no_annotation(name: object) -> None:
    assert words.annotation(name) is None
