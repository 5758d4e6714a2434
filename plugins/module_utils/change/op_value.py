# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Op `value`: the text of one file of /proc/sys or /sys. State: {text}.

`compare` says how two texts are compared: `text` (white space aside), `selected` (one word of those offered, marked as in
[none] or (none)), `mask` (CPU mask with commas), `cpus` (CPU list such as 0-3,8).
"""
from __future__ import annotations

import re
from typing import Any, Optional

from ansible_collections.fastpath.cilium.plugins.module_utils.change.errors import Garbled, Refused
from ansible_collections.fastpath.cilium.plugins.module_utils.change.op import Op, State, absolute, cpu_list, mask_number

PLACES = ("/proc/sys/", "/sys/")
MARKED = re.compile(r"[\[(]([^\])]+)[\])]")


def words(text: str) -> str:
    return " ".join(text.split())


def selected(text: str) -> str:
    """The marked word of those offered; the only one where none is marked. Raises ValueError."""
    found = MARKED.findall(text)
    if len(found) == 1:
        return str(found[0])
    if found or len(text.split()) != 1:
        raise ValueError("no single word is marked")
    return text.strip()


RULES = {"text": words, "selected": selected, "mask": mask_number, "cpus": cpu_list}


class Value(Op):
    kind = "value"
    FIELDS = {"path": str, "value": str, "compare": tuple(RULES)}
    REQUIRED = ("path", "value")

    def check(self) -> None:
        if not absolute(self.path).startswith(PLACES):
            raise Refused("{0} is no value of the kernel: it must be below /proc/sys or /sys.".format(self.path))
        if "\n" in self.spec["value"] or "\0" in self.spec["value"]:
            raise Refused("value must be one line.")
        self._meaning(self.spec["value"])

    @property
    def path(self) -> str:
        return str(self.spec["path"])

    @property
    def key(self) -> str:
        return "value " + self.path

    def _meaning(self, text: str) -> Any:
        rule = self.get("compare", "text")
        try:
            return RULES[rule](text)
        except ValueError:
            raise Garbled("{0}: {1!r} cannot be compared by the rule {2}.".format(self.path, text[:80], rule)) from None

    def read(self) -> State:
        text = self.node.read_text(self.path).strip()
        self._meaning(text)
        return {"text": text}

    def holds(self, state: State) -> bool:
        return bool(self._meaning(state["text"]) == self._meaning(self.spec["value"]))

    def apply(self, former: State) -> None:
        self.node.put(self.path, self.spec["value"])

    def restore(self, former: State) -> None:
        picked = self.get("compare") == "selected"
        self.node.put(self.path, selected(former["text"]) if picked else former["text"])

    def same(self, one: State, other: State) -> bool:
        return bool(self._meaning(one["text"]) == self._meaning(other["text"]))

    def shown(self, state: Optional[State]) -> Any:
        return None if state is None else state["text"]

    def wanted(self, _former: State) -> State:
        return {"text": self.spec["value"]}
