# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which pairs fail: the fewest scopes that hold all of them, such as one entry, or all large datagrams. Pure.

A scope explains failures only where everything in it fails: an entry through which something was reached is not to blame.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.pairs import FAMILIES, PROTOCOLS, Pair

Test = Callable[[Pair], bool]
MOST_NODES = 60  # that are looked at one by one


class Scope(NamedTuple):
    """`kind` of scope, its `pairs`, and where it has them its `node`, `protocol`, `family`, `room` (that fails still)."""

    kind: str
    pairs: frozenset[int]
    node: str | None = None
    protocol: str | None = None
    family: str | None = None
    room: int | None = None
    remote: bool = False


def explain(pairs: Sequence[Pair], special: Sequence[tuple[str, Test]] = ()) -> tuple[list[Scope], frozenset[int]]:
    """(scopes in the order of what they explain, what is left unexplained), as places in `pairs`.

    `special`: kinds of scopes that only the caller knows, which come before others of the same size.
    """
    asked = [number for number, pair in enumerate(pairs) if pair.asked]
    left = {number for number in asked if not pairs[number].reached}
    whole = [scope for scope in candidates(pairs, asked, special) if scope.pairs and scope.pairs <= left]
    found = []
    while left:
        best = max(whole, key=lambda scope: len(scope.pairs & left), default=None)
        if best is None or not best.pairs & left:
            break
        found.append(best)
        left -= best.pairs
    return found, frozenset(left)


def candidates(pairs: Sequence[Pair], asked: Sequence[int], special: Sequence[tuple[str, Test]]) -> Iterator[Scope]:
    """Every scope, the more telling one of two with the same pairs first."""
    def scope(kind: str, test: Test, **where: object) -> Scope:
        return Scope(kind, frozenset(number for number in asked if test(pairs[number])), **where)  # type: ignore[arg-type]

    yield scope("everything", lambda pair: True)
    for kind, test in special:
        yield scope(kind, test)
    # Of the same pairs in a ring, what is common to all nodes says more than a list of nodes.
    yield scope("remote", lambda pair: pair.remote, remote=True)
    yield from _by_kind(scope)
    yield from _by_node(pairs, scope)
    yield scope("local", lambda pair: not pair.remote)
    yield from _by_size(pairs, scope)
    lost = {(pair.entry, pair.backend) for pair in pairs if pair.remote and pair.asked and not pair.reached}
    for entry, backend in sorted(lost)[:MOST_NODES]:
        yield scope("pair", _between(entry, backend), node=f"{entry} -> {backend}", remote=True)
        for protocol in PROTOCOLS:
            yield scope("pair", _both(_between(entry, backend), _is("protocol", protocol)), node=f"{entry} -> {backend}",
                        protocol=protocol, remote=True)


def _by_kind(scope: Callable[..., Scope]) -> Iterator[Scope]:
    for remote in (False, True):
        for name, values in (("protocol", PROTOCOLS), ("family", FAMILIES)):
            for value in values:
                yield scope(name, _both(_is(name, value), _remote if remote else _any), remote=remote, **{name: value})
        for protocol in PROTOCOLS:
            for family in FAMILIES:
                both = _both(_is("protocol", protocol), _is("family", family))
                yield scope("protocol", _both(both, _remote if remote else _any), protocol=protocol, family=family,
                            remote=remote)


def _by_node(pairs: Sequence[Pair], scope: Callable[..., Scope]) -> Iterator[Scope]:
    for node in failing(pairs):
        yield scope("node", _at(node), node=node)
        for kind in ("entry", "backend"):
            here = _is(kind, node)
            yield scope(kind, here, node=node)
            # In a ring that one other node closes, this is the pair itself.
            others = {(pair.entry, pair.backend) for pair in pairs if here(pair) and pair.remote and pair.asked}
            if len(others) > 1:
                yield scope(kind, _both(here, _remote), node=node, remote=True)
            for family in FAMILIES:
                yield scope(kind, _both(here, _is("family", family)), node=node, family=family)
            for protocol in PROTOCOLS:
                yield scope(kind, _both(here, _is("protocol", protocol)), node=node, protocol=protocol)


def _by_size(pairs: Sequence[Pair], scope: Callable[..., Scope]) -> Iterator[Scope]:
    rooms = sorted({pair.room for pair in pairs if pair.room is not None}, reverse=True)
    for remote in (False, True):
        for room in rooms:
            for protocol in (None, *PROTOCOLS):
                for family in (None, *FAMILIES):
                    yield scope("size", _large(room, protocol, family, remote), protocol=protocol, family=family, room=room,
                                remote=remote)
    for kind in ("entry", "backend"):
        for node in failing(pairs):
            for room in rooms:
                yield scope("size", _both(_is(kind, node), _large(room, None, None, True)), node=node, room=room,
                            remote=True)


def failing(pairs: Sequence[Pair]) -> list[str]:
    """Nodes of pairs that fail; none where they are too many for any single one to be to blame."""
    lost = [pair for pair in pairs if pair.asked and not pair.reached]
    nodes = sorted({pair.entry for pair in lost} | {pair.backend for pair in lost})
    return nodes if len(nodes) <= MOST_NODES else []


def _large(room: int, protocol: str | None, family: str | None, remote: bool) -> Test:
    def test(pair: Pair) -> bool:
        return (pair.room is not None and pair.room <= room and protocol in (None, pair.protocol)
                and family in (None, pair.family) and (pair.remote or not remote))
    return test


def _between(entry: str, backend: str) -> Test:
    return _both(_is("entry", entry), _is("backend", backend))


def _at(node: str) -> Test:
    return lambda pair: node in (pair.entry, pair.backend)


def _is(name: str, value: str) -> Test:
    return lambda pair: getattr(pair, name) == value


def _both(one: Test, other: Test) -> Test:
    return lambda pair: one(pair) and other(pair)


def _remote(pair: Pair) -> bool:
    return pair.remote


def _any(_pair: Pair) -> bool:
    return True
