# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How devices stand upon each other: bonds, teams, VLANs, bridges and virtual functions down to the real ones. Pure."""
from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, Optional

REAL = ("physical", "vf")
BRIEF = ("veth", "netkit")
KINDS = frozenset(("bond", "team", "vlan", "bridge", "macvlan", "ipvlan", "veth", "netkit"))
ALIKE = {"macvtap": "macvlan", "ipvtap": "ipvlan"}
# The words of DEVTYPE and of the drivers, where netlink has no kind of its own.
LOOPBACK_TYPE = 772  # ARPHRD_LOOPBACK


def kind_of(link_kind: Optional[str], device_type: Optional[int], has_device: bool, is_function: bool) -> str:
    """The document's `kind`, from the kernel's word for it, the hardware type, and whether a bus has it."""
    word = ALIKE.get(link_kind or "", link_kind)
    if word in KINDS:
        return str(word)
    if is_function:
        return "vf"
    if has_device:
        return "physical"
    if device_type == LOOPBACK_TYPE:
        return "loopback"
    return "virtual" if word else "other"


def reals(name: str, lowers: Mapping[str, Iterable[str]], kinds: Mapping[str, str]) -> List[str]:
    """The names of the real devices at and below a device, in order."""
    seen: Dict[str, None] = {}
    waiting = [name]
    while waiting:
        here = waiting.pop()
        if here not in seen:  # a broken record may go in circles
            seen[here] = None
            waiting.extend(lowers.get(here, ()))
    return sorted(one for one in seen if kinds.get(one) in REAL)
