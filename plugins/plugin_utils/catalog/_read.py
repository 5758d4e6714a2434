# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading a facts document of any shape: what is not there, or is not what it should be, is None and never a default."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import HIDDEN
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

SHOWN_NODES = 5


def mapping(value: Any) -> Mapping | None:
    """The value when it is a mapping."""
    return value if isinstance(value, Mapping) else None


def listing(value: Any) -> list | None:
    """The value when it is a list."""
    return value if isinstance(value, list) else None


def text(value: Any) -> str | None:
    """The value when it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def number(value: Any) -> int | None:
    """The value when it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def truth(value: Any) -> bool | None:
    """The value when it is true or false."""
    return value if isinstance(value, bool) else None


def strings(value: Any) -> dict[str, str] | None:
    """The value when it is a mapping of text to text, as the data of a ConfigMap is."""
    found = mapping(value)
    if found is None or not all(isinstance(key, str) and isinstance(item, str) for key, item in found.items()):
        return None
    return dict(found)


def nested(tree: Mapping, path: str) -> tuple[Any, str | None]:
    """(value at a dotted path or None, what stands in the way of writing there or None)."""
    here: Any = tree
    for depth, key in enumerate(path.split(".")):
        if here is None:
            return None, None
        if not isinstance(here, Mapping):
            return None, ".".join(path.split(".")[:depth])
        here = here.get(key)
    return (None, path) if here == HIDDEN else (here, None)


def natural(name: str) -> tuple:
    """A sort key that puts node-2 before node-10."""
    digits = "".join(char if char.isascii() and char.isdigit() else " " for char in name).split()
    words = "".join(" " if char.isascii() and char.isdigit() else char for char in name).split(" ")
    return (words[0], [int(digit[:18]) for digit in digits], name)


def name_nodes(nodes: Iterable[str], limit: int = SHOWN_NODES) -> str:
    """`node-1, node-2 and 7 more`, fit to be shown."""
    ordered = sorted(set(nodes), key=natural)
    shown = ", ".join(one_line(node, 80) for node in ordered[:limit])
    return shown if len(ordered) <= limit else f"{shown} and {len(ordered) - limit} more"


def selects(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a Kubernetes label selector fits these labels; what cannot be understood is taken to fit."""
    return matcher(selector)(labels)


def matcher(selector: Any) -> Callable[[Mapping[str, str]], bool]:
    """`selects` of one selector, for many sets of labels."""
    found = mapping(selector)
    if found is None:
        return lambda labels: True
    exact = mapping(found.get("matchLabels"))
    rules = listing(found.get("matchExpressions"))
    if exact is None and rules is None:
        exact = found
    checks = [_expression(rule) for rule in rules or []]
    return lambda labels: all(labels.get(key) == value for key, value in (exact or {}).items()) and all(
        check(labels) for check in checks)


def _expression(rule: Any) -> Callable[[Mapping[str, str]], bool]:
    found = mapping(rule) or {}
    key = text(found.get("key")) or ""
    values = frozenset(value for value in listing(found.get("values")) or [] if isinstance(value, str))
    return {
        "In": lambda labels: labels.get(key) in values,
        "NotIn": lambda labels: labels.get(key) not in values,
        "Exists": lambda labels: key in labels,
        "DoesNotExist": lambda labels: key not in labels,
    }.get(str(found.get("operator")), lambda labels: True)
