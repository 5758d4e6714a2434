# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The vocabulary of host tunings: what one is, and what it wants of a host. Data only; judging and planning read it."""
from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Finding, FreeText, Need, Number, Option, Options, Risk, Word)

if TYPE_CHECKING:
    from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host import Host


class HostPhase(Word):
    """The order in which a host is tuned. tuned comes first, since it undoes what others wrote where it was asked to."""

    PROFILE = 10
    KERNEL = 20
    CPU = 30
    INTERRUPTS = 40
    LINK = 50
    HINT = 90


# Stands for something that could not be read, where None is a possible finding.
UNREAD: Any = enum.Enum("Unread", ["UNREAD"]).UNREAD


@dataclass(frozen=True)
class Setting:
    """One thing of a host that shall be so: `what` names it, `found` and `wanted` are compared by `fits` or as they are.

    `ops`: what host_apply does to bring it about (shapes: docs/design.md, Changing a host); none where another setting's op
    brings it along. `at_boot`: it is looked for in what the next boot reads, or shows only after one. `fact`: the place in the
    host's facts that it was read from, to say why it could not be.
    """

    what: str
    found: Any
    wanted: Any
    ops: tuple[Mapping[str, Any], ...] = ()
    at_boot: bool = False
    fact: str = ""
    fits: Callable[[Any], bool] | None = None

    @property
    def in_place(self) -> bool | None:
        """Whether it is as wanted; None where it could not be read."""
        if self.found is UNREAD:
            return None
        return self.fits(self.found) if self.fits else self.found == self.wanted


@dataclass(frozen=True)
class HostTuning:
    """One item that is tuned on a host. Fields of the same name mean what they mean for a cluster's tuning.

    `applies` False: judged only, `way_out` holds the procedure. `hint`: it makes no outcome, it only tells.
    """

    id: str
    title: str
    phase: HostPhase
    risk: Risk
    reason: str
    undo: str
    options: tuple[Option | Number | FreeText, ...] = ()
    needs: tuple[Need, ...] = ()
    excludes: tuple[str, ...] = ()
    applies: bool = True
    hint: bool = False
    way_out: str | None = None
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class HostEntry:
    """A file of the node catalogue as loaded: its tuning and its functions.

    `settings` yields what is wanted of a host. `refusals` yields what decides a verdict before anything is compared, in order.
    """

    tuning: HostTuning
    doc: str
    settings: Callable[[Host, Options], Iterator[Setting]]
    refusals: Callable[[Host, Options], Iterator[Finding]] | None = None
    notes: Callable[[Host, Options], Iterator[str]] | None = None


HostCatalogue = Mapping[str, HostEntry]
