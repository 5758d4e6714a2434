# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What all ops have in common: fields, a key, and the five things a node can do with one."""
from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.node import Node

State = Dict[str, Any]
Spec = Dict[str, Any]

DEVICE = re.compile(r"[^\s/:]{1,15}\Z")


class Op:
    """One primitive of a node. A state is a JSON document that `read` returns; its shape is the kind's own.

    Subclasses name their fields in FIELDS (name -> type, or a tuple of allowed values) and REQUIRED.
    """

    kind = ""
    runtime = True  # the running kernel or a daemon holds it: a reboot resets it by itself
    cuts_off = False  # it can take away the way to the node
    FIELDS: Dict[str, Any] = {}
    REQUIRED: Tuple[str, ...] = ()

    def __init__(self, spec: Spec, node: Node) -> None:
        self.node = node
        self.spec = spec
        self.persist = bool(spec.get("persist"))
        if spec.get("cuts_off"):
            self.cuts_off = True
        self._check_fields()
        self.check()

    def _check_fields(self) -> None:
        fields = dict(self.FIELDS, kind=str, persist=bool, cuts_off=bool)
        for name, value in self.spec.items():
            if name not in fields:
                raise Refused("{0} is no field of {1}; there are {2}.".format(name, self.kind, ", ".join(sorted(fields))))
            if value is not None and not fits(value, fields[name]):
                raise Refused("{0} cannot be {1}: {2}.".format(name, json.dumps(value)[:80], wanted_words(fields[name])))
        for name in self.REQUIRED:
            if self.spec.get(name) is None:
                raise Refused("{0} is missing.".format(name))

    def get(self, name: str, default: Any = None) -> Any:
        value = self.spec.get(name)
        return default if value is None else value

    def check(self) -> None:
        """What no look at the node is needed for. Raises Refused."""

    @property
    def key(self) -> str:
        """What it changes: two ops with one key are about the same thing."""
        raise NotImplementedError

    def read(self) -> State:
        """The present state. Raises ChangeError; whoever cannot read cannot undo either."""
        raise NotImplementedError

    def holds(self, state: State) -> bool:
        """Whether the state is the wanted one."""
        raise NotImplementedError

    def wanted(self, former: State) -> State:
        """The state that `apply` is to reach from `former`; what it cannot know stays as it is."""
        raise NotImplementedError

    def apply(self, former: State) -> None:
        """From the former state to the wanted one."""
        raise NotImplementedError

    def restore(self, former: State) -> None:
        """To a former state, from any, also from the middle of `apply` or of another `restore`."""
        raise NotImplementedError

    def same(self, one: State, other: State) -> bool:
        """Whether two states are the same to this kind."""
        return one == other

    def near(self, state: State, former: State) -> bool:
        """Whether a state is as near to the former one as `restore` can come."""
        return self.same(state, former)

    def settle(self, former: State) -> None:
        """What follows a change and a kill may have kept from happening; `former` is what was there before it."""

    def settle_back(self) -> None:
        """Likewise, after the former state came back."""

    def edited(self, present: State, ours: State) -> bool:
        """Whether somebody else has changed it since it was ours."""
        return not self.same(present, ours)

    def sweep(self) -> None:
        """Removes what a killed process may have left behind."""

    def shown(self, state: Optional[State]) -> Any:
        """A state for results: small, and without anything secret."""
        return state

    def text(self, state: Optional[State]) -> str:
        """A state as --diff shows it."""
        found = self.shown(state)
        return found if isinstance(found, str) else json.dumps(found, sort_keys=True)


def fits(value: Any, kind: Any) -> bool:
    if isinstance(kind, tuple):
        return value in kind
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(kind, list):
        return isinstance(value, list) and all(fits(one, kind[0]) for one in value)
    return isinstance(value, kind)


def wanted_words(kind: Any) -> str:
    if isinstance(kind, tuple):
        return "one of {0} is wanted".format(", ".join(map(str, kind)))
    if kind == [str]:
        return "a list of texts is wanted"
    return {"int": "a whole number is wanted", "bool": "true or false is wanted", "str": "text is wanted"}.get(
        getattr(kind, "__name__", ""), "a list of whole numbers is wanted")


def line(text: str) -> str:
    """Text that ends its last line, as a diff wants it."""
    return text if text.endswith("\n") or not text else text + "\n"


def absolute(path: str) -> str:
    """The path, if it is a plain absolute one. Raises Refused."""
    parts = path.split("/")
    if not path.startswith("/") or path.endswith("/") or "\0" in path or {".", "..", ""} & set(parts[1:]):
        raise Refused("{0!r} is no plain absolute path.".format(path[:120]))
    return path


def device_name(name: str) -> str:
    if not DEVICE.match(name) or name in (".", ".."):
        raise Refused("{0!r} is no name of a network device.".format(name[:40]))
    return name


def cpu_list(text: str) -> List[int]:
    """CPU numbers of a list such as 0-3,8. Raises ValueError."""
    found: List[int] = []
    for part in filter(None, text.strip().split(",")):
        first, _dash, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return sorted(set(found))


def mask_number(text: str) -> int:
    """Bits of a CPU mask, which has a comma after each 32 of them. Raises ValueError."""
    return int(text.strip().replace(",", "") or "0", 16)


def mask_text(cpus: List[int]) -> str:
    """A CPU mask as the kernel writes it: groups of 32 bits."""
    number = sum(1 << cpu for cpu in set(cpus))
    groups = []
    while number or not groups:
        groups.append("{0:08x}".format(number & 0xFFFFFFFF))
        number >>= 32
    return ",".join(reversed(groups))
