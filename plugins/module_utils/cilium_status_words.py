# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The words an agent prints in its status, in text and JSON alike, and what they are called here.

A word that is not listed is unknown: it reads as None, never as the nearest one.
"""

from __future__ import annotations

import re

from typing import Mapping, Optional


def _same(*words: str) -> Mapping[str, str]:
    return {word: word for word in words}


REPLACEMENT = _same("disabled", "strict", "probe", "partial", "true", "false")
SWITCH = _same("enabled", "disabled")
NODEPORT_MODE = _same("snat", "dsr", "hybrid")
DSR_DISPATCH = {"ip option/extension": "opt", "ipip": "ipip", "geneve": "geneve"}
XDP = _same("disabled", "native", "generic", "best-effort")
LB_ALGORITHM = _same("random", "maglev")
MASQUERADING = _same("bpf", "iptables", "disabled")
HOST_ROUTING = _same("bpf", "legacy")
ROUTING_MODE = _same("native", "tunnel")
TUNNEL_PROTOCOL = _same("vxlan", "geneve")
CONGESTION_CONTROL = _same("bbr", "cubic")
ATTACH_MODE = {"legacy tc": "tc", "tc": "tc", "tcx": "tcx"}
DEVICE_MODE = _same("veth", "netkit", "netkit-l2")

# Case matters: the command line tool's own overview says "Cilium: OK", an agent says "Ok".
HEALTH = {"Ok": "ok", "Warning": "warning", "Failure": "failure"}

# The kernel takes more characters than these; no driver, bond or CNI is known to use them.
_DEVICE = re.compile(r"[\w.@+=#%~-]{1,15}", re.ASCII)
_VERSION = re.compile(r"\s*v?([0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,6}(?:-[0-9A-Za-z.-]{1,64})?)(?=\s|$)")
_ANNOTATION = re.compile(r"[a-z0-9.-]{1,253}/[A-Za-z0-9._-]{1,63}")
_LONGEST_WORD = 64


def whole(value: object, words: Mapping[str, str]) -> Optional[str]:
    """The meaning of a value that is one word and nothing else (a JSON field)."""
    return words.get(value.lower()) if isinstance(value, str) else None


def leading(value: str, words: Mapping[str, str]) -> Optional[str]:
    """The meaning of the word that a value begins with (a text line; details may follow it)."""
    start = value[:_LONGEST_WORD].lower()
    for word in words:
        if start.startswith(word) and not re.match(r"[\w/-]", start[len(word):]):
            return words[word]
    return None


def device(value: object) -> Optional[str]:
    """The value where it can be the name of a network device, else None."""
    return value if isinstance(value, str) and _DEVICE.fullmatch(value) else None


def annotation(value: object) -> Optional[str]:
    """The value where it can be the name of a Service annotation, else None."""
    return value if isinstance(value, str) and _ANNOTATION.fullmatch(value) else None


def version(message: object) -> Optional[str]:
    """The agent version a health message begins with, "1.13.4" for "1.13.4 (v1.13.4-4061cdfc)"."""
    match = _VERSION.match(message) if isinstance(message, str) else None
    return match.group(1) if match else None
