# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Version strings of agents, charts, images and kernels as tuples that compare."""

from __future__ import annotations

import re

from typing import Optional, Tuple, Union

Version = Tuple[int, ...]

# Nine digits are more than any version has, and keep hostile text from becoming huge numbers.
_NUMBER = "[0-9]{1,9}"
_VERSION = re.compile(r"v?({0})\.({0})(?:\.({0}))?(?=[-+@~_]|\Z)".format(_NUMBER))
_TAG = re.compile(r"v?({0}\.{0}\.{0}(?:[-+_][0-9A-Za-z._+-]{{1,100}})?)".format(_NUMBER))
_KERNEL = re.compile(r"({0})\.({0})(?![0-9])".format(_NUMBER))


def parse_version(text: object) -> Optional[Version]:
    """(1, 13, 4) for "v1.13.4", "1.13.4-rc.1" or "v1.13.4@sha256:...", (5, 10) for "5.10"; None for what is no version.

    What follows the numbers is left out: a release candidate of 1.18.0 prints and accepts what 1.18 does.
    """
    match = _VERSION.match(text) if isinstance(text, str) else None
    return tuple(int(number) for number in match.groups() if number is not None) if match else None


def image_version(image: object) -> Optional[str]:
    """The version that an image reference names by its tag, "1.13.4" for "quay.io/cilium/cilium:v1.13.4@sha256:...".

    None where there is no tag or the tag is no full version ("latest", "v1.13", a commit): it may be any version.
    """
    if not isinstance(image, str):
        return None
    name = image.partition("@")[0].rpartition("/")[2]
    match = _TAG.fullmatch(name.partition(":")[2])
    return match.group(1) if match else None


def kernel_version(release: object) -> Optional[Tuple[int, int]]:
    """(6, 2) for "6.2.0-26-generic" (uname -r, kernelVersion of a node); None for what is no kernel release."""
    match = _KERNEL.match(release) if isinstance(release, str) else None
    return (int(match.group(1)), int(match.group(2))) if match else None


def in_range(
    version: Union[str, Version, None], since: Optional[str] = None, until: Optional[str] = None
) -> Optional[bool]:
    """Whether a version lies between two bounds, both inclusive and each as precise as it is written.

    Until "1.13" takes in all of 1.13, until "1.13.4" ends with 1.13.4, and None is open.
    None when the version is unknown or less precise than a bound that would decide.
    Raises ValueError for a bound that is no version: that is a mistake of the caller.
    """
    parts = parse_version(version) if not isinstance(version, tuple) else version
    verdicts = (_compare(parts, since, -1), _compare(parts, until, 1))
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _compare(version: Optional[Version], bound: Optional[str], outside: int) -> Optional[bool]:
    """False when the version lies on the `outside` (-1 below, 1 above) of the bound, None when that is not known."""
    if version is None:
        _limit(bound)
        return None
    limit = _limit(bound)
    common = min(len(version), len(limit))
    head, end = version[:common], limit[:common]
    if head != end:
        return (head > end) != (outside == 1)
    return None if len(version) < len(limit) else True


def _limit(bound: Optional[str]) -> Version:
    limit = () if bound is None else parse_version(bound)
    if limit is None:
        raise ValueError("A version bound must be like 1.14 or 1.13.4.")
    return limit
