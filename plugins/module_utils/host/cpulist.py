# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sets of CPUs as the kernel writes them: lists ("0-3,8") and masks ("ff,00000001"). Pure."""
from __future__ import annotations

from typing import List

MOST_CPUS = 8192  # the kernel's own limit (NR_CPUS)


def parse_list(text: str) -> List[int]:
    """[0, 1, 2, 3, 8] for "0-3,8"; empty for "" and "(null)". ValueError for anything else.

    The strides that boot arguments may have ("0-15:2/4") are understood.
    """
    found: set = set()
    for part in filter(None, text.strip().split(",")):
        if part != "(null)":  # nohz_full of kernels that know it and do not use it
            found.update(_range(part))
    return sorted(found)


def _range(part: str) -> List[int]:
    span, _colon, stride = part.partition(":")
    first, dash, last = span.partition("-")
    start, end = _cpu(first), _cpu(last if dash else first)
    if end < start:
        raise ValueError("no list of CPUs")
    if not stride:
        return list(range(start, end + 1))
    used, _slash, group = stride.partition("/")
    return [cpu for cpu in range(start, end + 1) if (cpu - start) % max(_cpu(group), 1) < _cpu(used)]


def _cpu(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or int(text) >= MOST_CPUS:
        raise ValueError("no CPU")
    return int(text)


def parse_mask(text: str) -> List[int]:
    """[0, 32, 33] for "3,00000001": groups of 32 bits, the highest first. ValueError for anything else."""
    groups = text.strip().lower().replace("0x", "").split(",")
    if any(len(group) > 8 for group in groups[1:]):
        raise ValueError("no mask of CPUs")
    digits = groups[0] + "".join(group.rjust(8, "0") for group in groups[1:])
    if len(digits) > MOST_CPUS // 4 or not digits or set(digits) - set("0123456789abcdef"):
        raise ValueError("no mask of CPUs")
    value = int(digits, 16)
    return [cpu for cpu in range(value.bit_length()) if value >> cpu & 1]
