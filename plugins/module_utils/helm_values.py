# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Helm values by dotted path: read, set, remove, compare. Pure functions over nested data."""
from __future__ import annotations

import copy
import json
import re
from typing import Any, Dict, List, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Failed
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import masked

SEPARATOR = re.compile(r"(?<!\\)\.")


class BadPath(Failed):
    """A dotted path that does not fit the values it is used on."""


def split_path(path: str) -> List[str]:
    r"""Keys of a dotted path; a dot inside a key is written `\.` as in Helm's --set."""
    keys = [key.replace("\\.", ".") for key in SEPARATOR.split(path)]
    if not all(keys):
        raise BadPath("'{0}' is no path of a Helm value: write keys with dots between them, such as "
                      "loadBalancer.mode.".format(path))
    return keys


def lookup(values: dict, path: str) -> Tuple[bool, Any]:
    """(True, value) when the user set this path, else (False, None)."""
    here: Any = values
    for key in split_path(path):
        if not isinstance(here, dict) or key not in here:
            return False, None
        here = here[key]
    return True, here


def with_changes(values: dict, changes: Dict[str, Any]) -> dict:
    """A copy of user values with each dotted path set to its value; None removes what the user set there."""
    result = copy.deepcopy(values)
    for path in sorted(changes):
        if changes[path] is None:
            remove(result, split_path(path))
        else:
            put(result, path, changes[path])
    return result


def put(values: dict, path: str, value: Any) -> None:
    """Sets one path in place."""
    keys = split_path(path)
    for depth, key in enumerate(keys[:-1]):
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise BadPath("{0} cannot be set: the release's values have no mapping at {1}. Change that value "
                          "first.".format(path, ".".join(keys[:depth + 1])))
    values[keys[-1]] = copy.deepcopy(value)


def remove(values: Any, keys: List[str]) -> None:
    """Removes one path in place, and the mappings that became empty by it."""
    if not isinstance(values, dict) or keys[0] not in values:
        return
    if len(keys) == 1:
        del values[keys[0]]
        return
    below = values[keys[0]]
    was_empty = below == {}
    remove(below, keys[1:])
    if below == {} and not was_empty:
        del values[keys[0]]


def same(one: Any, other: Any) -> bool:
    """Equality as Helm sees it: True is not 1, 5.0 is 5, and the order of keys says nothing."""
    return json.dumps(_plain(one), sort_keys=True) == json.dumps(_plain(other), sort_keys=True)


def _plain(tree: Any) -> Any:
    """Numbers as Helm writes them: whole ones without a fraction."""
    if isinstance(tree, dict):
        return {str(key): _plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_plain(item) for item in tree]
    return int(tree) if isinstance(tree, float) and tree.is_integer() else tree


def changed_values(former: dict, new: dict) -> List[dict]:
    """[{path, former, value}] for every leaf that differs, sorted by path; None = absent or null; secrets masked."""
    before, after = _leaves(masked(former)), _leaves(masked(new))
    raw_before, raw_after = _leaves(former), _leaves(new)
    paths = sorted(path for path in set(before) | set(after) if not same(raw_before.get(path), raw_after.get(path)))
    return [{"path": path, "former": before.get(path), "value": after.get(path)} for path in paths]


def _leaves(values: dict, prefix: str = "") -> Dict[str, Any]:
    """Dotted path -> leaf; lists and empty mappings are leaves."""
    result: Dict[str, Any] = {}
    for key, value in values.items():
        path = prefix + str(key).replace(".", "\\.")
        if isinstance(value, dict) and value:
            result.update(_leaves(value, path + "."))
        else:
            result[path] = value
    return result


def touches(changes: Dict[str, Any], top: str) -> bool:
    """True when one of these dotted paths is this top-level value or below it."""
    return any(split_path(path)[0] == top for path in changes)
