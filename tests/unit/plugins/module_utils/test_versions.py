# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.module_utils.versions import (
    image_version,
    in_range,
    kernel_version,
    parse_version,
)

NO_VERSION = [
    "", "latest", "1", "v1", "1.", "1.x", "1.13.x", "1.13.4.5", "v1.13.4rc1", "version 1.13.4", " 1.13.4", "1.13.4\n",
    ".1.2", "-1.2", "1.-2", "1" * 10 + ".2", "\u0661.\u0662", None, 1.13, 1, b"1.13.4", ["1.13.4"],
]


@pytest.mark.parametrize("text, version", [
    ("v1.13.4@sha256:0123", (1, 13, 4)),
    ("1.13.4", (1, 13, 4)),
    ("1.18.0-rc.1", (1, 18, 0)),
    ("1.13.200", (1, 13, 200)),
    ("1.17.6+up1.17.6", (1, 17, 6)),
    ("v1.26.3+k3s1", (1, 26, 3)),
    ("6.2.0-26-generic", (6, 2, 0)),
    ("5.10", (5, 10)),
    ("01.002", (1, 2)),
])
def test_parse_version(text: str, version: tuple) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", NO_VERSION)
def test_no_version(text: object) -> None:
    assert parse_version(text) is None


def test_versions_compare_as_numbers() -> None:
    assert parse_version("1.9.18") < parse_version("1.10.0") < parse_version("1.13.4") < parse_version("1.13.18")


@pytest.mark.parametrize("image, version", [
    ("quay.io/cilium/cilium:v1.13.4", "1.13.4"),
    ("quay.io/cilium/cilium:v1.13.4@sha256:bde8800d61aaad8b8451b10e247ac7bdeb7af187bb698f83d40ad75a38c1ee6b", "1.13.4"),
    ("registry.example:5000/mirror/cilium:1.18.0-rc.1", "1.18.0-rc.1"),
    ("quay.io/cilium/cilium:v1.14.0-snapshot.4", "1.14.0-snapshot.4"),
    ("rancher/mirrored-cilium-cilium:v1.13.2", "1.13.2"),
    ("rancher/hardened-cilium:v1.17.6-build20250806", "1.17.6-build20250806"),
    ("cilium:1.13.4", "1.13.4"),
])
def test_image_version(image: str, version: str) -> None:
    assert image_version(image) == version


@pytest.mark.parametrize("image", [
    "", "cilium", "cilium:latest", "quay.io/cilium/cilium:v1.13", "registry.example:5000/cilium", "1.13.4",
    "registry.example:1.13/cilium", "quay.io/cilium/cilium@sha256:0123", "quay.io/cilium/cilium-ci:4061cdfc", "cilium:",
    "cilium:v1.13.4\n", "cilium:v1.13.4 x", "cilium:v1.13.4-{{x}}", "cilium:a:1.13.4", None, 1, b"cilium:1.13.4",
])
def test_no_image_version(image: object) -> None:
    assert image_version(image) is None


@pytest.mark.parametrize("release, version", [
    ("6.2.0-26-generic", (6, 2)),
    ("5.10.0", (5, 10)),
    ("4.18.0-513.el8.x86_64", (4, 18)),
    ("5.4.17-2136.315.5.el8uek.x86_64", (5, 4)),
    ("6.18.2-talos", (6, 18)),
    ("6.9.0rc3+", (6, 9)),
    ("5.10", (5, 10)),
])
def test_kernel_version(release: str, version: tuple) -> None:
    assert kernel_version(release) == version


@pytest.mark.parametrize("release", [
    "", "unknown", "6", "6.", "v6.2.0", "linux 6.2", "6.1111111111", None, 6.2, b"6.2.0"
])
def test_no_kernel_version(release: object) -> None:
    assert kernel_version(release) is None


@pytest.mark.parametrize("version, since, until, inside", [
    ("1.13.4", "1.11", "1.13", True),
    ("1.13.18", "1.11", "1.13", True),
    ("1.14.0", "1.11", "1.13", False),
    ("1.10.99", "1.11", "1.13", False),
    ("1.11.0", "1.11", "1.13", True),
    ("1.13.4", None, "1.13.4", True),
    ("1.13.5", None, "1.13.4", False),
    ("1.13.5", "1.13.5", None, True),
    ("1.13.4", "1.13.5", None, False),
    ("1.9.18", "1.14", None, False),
    ("1.20.0", "1.14", None, True),
    ("2.0.0", None, "1.20", False),
    ("1.18.0-rc.1", "1.18", None, True),
    ((1, 13, 4), "1.13", "1.13", True),
    ((6, 2), "5.10", None, True),
    ((5, 4), "5.10", None, False),
    ("1.13.4", None, None, True),
    # Not known, or not precisely enough for the bound.
    (None, "1.11", None, None),
    ("latest", "1.11", None, None),
    ("latest", None, None, None),
    ("1.13", "1.11", "1.13.4", None),
    ("1.13", "1.13.5", None, None),
    ("1.12", "1.11", "1.13.4", True),
    ("1.14", "1.11", "1.13.4", False),
    ("1.13", "1.14", "1.13.4", False),
])
def test_in_range(version: object, since: object, until: object, inside: object) -> None:
    assert in_range(version, since, until) is inside


@pytest.mark.parametrize("bounds", [("x", None), (None, "1"), ("", None), (None, "1.13.x")])
@pytest.mark.parametrize("version", ["1.13.4", None])
def test_a_bound_must_be_a_version(version: object, bounds: tuple) -> None:
    with pytest.raises(ValueError, match="bound"):
        in_range(version, *bounds)


NUMBERS = st.integers(0, 30)


@settings(max_examples=200, deadline=None)
@given(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.tuples(NUMBERS, NUMBERS, NUMBERS))
def test_bounds_of_full_precision_are_plain_comparisons(version: tuple, bound: tuple) -> None:
    text = "%d.%d.%d" % bound
    assert in_range(version, text, None) is (version >= bound)
    assert in_range(version, None, text) is (version <= bound)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    for read in (parse_version, kernel_version):
        found = read(text)
        assert found is None or all(isinstance(number, int) for number in found)
    assert image_version(text) is None or parse_version(image_version(text)) is not None
