# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""For tests: documents with something else in one place."""
from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st


def garbage(words: Sequence[str], numbers: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """Anything that a document may hold; `words` and `numbers` are such as have a meaning somewhere."""
    return st.recursive(
        st.none() | st.booleans() | numbers | st.floats() | st.text(max_size=20) | st.sampled_from(words),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4), max_leaves=12)


def places(document: Any, path: tuple = ()) -> Iterator[tuple]:
    """The path of every value in a document."""
    yield path
    items = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def replaced(document: Any, path: tuple, value: Any) -> Any:
    """A copy with another value at a path."""
    changed = copy.deepcopy(document)
    if not path:
        return value
    here = changed
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return changed
