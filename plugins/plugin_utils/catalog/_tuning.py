# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The vocabulary of the catalogue: what a tuning is, wants and refuses. Data only; judging and planning read it."""
from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._view import View

Options = Mapping[str, Any]


class Word(enum.IntEnum):
    """A word with a rank."""

    @property
    def word(self) -> str:
        """The word used in documents and on the terminal."""
        return self.name.lower()


class Risk(Word):
    """What a step costs while it is taken, least first. From CONNECTIONS_LOST on it is acknowledged by name."""

    NONE = 0
    AGENT_RESTART = 1
    PODS_RECREATED = 2
    NETWORK_BLIP = 3
    CONNECTIONS_LOST = 4
    REBOOT = 5


class Phase(Word):
    """The order in which tunings are applied; what a tuning needs belongs to an earlier phase."""

    ROUTING = 10
    SERVICES = 20
    MASQUERADING = 30
    HOST_PATH = 40
    LOAD_BALANCER = 50
    BANDWIDTH = 60
    CONGESTION = 70
    PODS = 80
    MAPS = 90
    OBSERVABILITY = 100


class State(enum.StrEnum):
    """What can be said of a tuning. UNKNOWN never counts as OK."""

    OK = "OK"
    DRIFT = "DRIFT"
    BLOCKED = "BLOCKED"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Opt:
    """Stands for the value of an option of the policy, wherever a wanted value is written.

    Where the option was not given and has no default (None), nothing is wanted there.
    """

    name: str


@dataclass(frozen=True)
class Text(Opt):
    """The same, written as cilium-config has it: all of its values are text."""


@dataclass(frozen=True)
class Either(Opt):
    """The same, for what a chart takes as text and as a number alike: it is set as text."""


@dataclass(frozen=True)
class OneOf:
    """Any of these values will do; the first is the one to name."""

    values: tuple[str | bool | int, ...]


@dataclass(frozen=True)
class Has:
    """The status shows a list, and this is in it."""

    item: str


@dataclass(frozen=True)
class Unlike:
    """Anything but this value: what an agent shows that was left out of a tuning."""

    value: Any


@dataclass(frozen=True)
class Option:
    """An option of a tuning; `refused` holds values that Cilium knows and this tuning does not take, with the reason.

    `since`: values that chart and agents know from a later version on than the tuning itself.
    """

    name: str
    allowed: tuple[str | int, ...]
    default: str | int
    refused: Mapping[str, str] = field(default_factory=dict)
    since: Mapping[str | int, str] = field(default_factory=dict)

    def known_since(self, value: Any) -> str | None:
        """The first version of chart and agents that knows this value, where it is later than that of the tuning."""
        return self.since.get(value)

    def instead(self) -> str:
        """What older charts and agents take in its place, in words."""
        return " or ".join(str(value) for value in self.allowed if self.known_since(value) is None)


@dataclass(frozen=True)
class Number:
    """An option that is a number between two bounds, both inclusive. Without a default it may be left out.

    `since`: the first version of chart and agents that knows it, where it is later than that of the tuning.
    """

    name: str
    least: float
    most: float
    default: float | None = None
    whole: bool = True
    since: str | None = None

    def known_since(self, value: Any) -> str | None:
        """The first version of chart and agents that knows this value, where it is later than that of the tuning."""
        return None if value is None else self.since

    def instead(self) -> str:
        """What older charts and agents take in its place, in words."""
        return "null"


@dataclass(frozen=True)
class FreeText:
    """An option whose value is not one of a few. Without a default it may be left out.

    `check` returns the value in its usual spelling, None for what cannot be one; `what` names what it takes, for the error
    sentence, and `example` is one of it.
    """

    name: str
    what: str
    example: str
    check: Callable[[str], str | None]
    default: str | None = None

    def known_since(self, value: Any) -> str | None:
        """Every version that knows the tuning knows it."""
        return None


@dataclass(frozen=True)
class Need:
    """Another tuning that must be in place, where the options are among those of `when` (empty: always)."""

    tuning: str
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Conflict:
    """Another tuning of the same policy that this one does not go with: options of each, agents' versions, one sentence."""

    tuning: str
    reason: str
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    theirs: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Want:
    """Wanted Helm values (dotted) and cilium-config keys, for charts since..until and options `when`.

    All wants of a stage that match are taken together. `template`: the values stand in the agents' pod template, so that
    each agent takes them in by a restart although nothing in cilium-config changes.
    """

    values: Mapping[str, Any]
    config: Mapping[str, Any]
    since: str | None = None
    until: str | None = None
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    template: bool = False


@dataclass(frozen=True)
class Live:
    """What a running agent must show under a key of its parsed status, printed so by agents since..until.

    `config` names the cilium-config keys that this proves. Up to `certain_until` an agent has one possible value only,
    so nothing needs to be proved. `when` as in Want.
    """

    key: str
    value: Any
    since: str | None = None
    until: str | None = None
    config: tuple[str, ...] = ()
    certain_until: str | None = None
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Beside:
    """Something that a stage changes outside of Helm's values, or waits for others to change.

    `part` is its key in a step of the plan, `document` what stands there, `difference` one clause that says what is not as
    it is wanted.
    """

    part: str
    document: Mapping[str, Any]
    difference: str


@dataclass(frozen=True)
class Stage:
    """One step of a tuning towards its end; `when` decides from facts and options whether it is one for this cluster.

    Risk, reason and undo are those of the tuning unless given here. `beside` says what there is to change besides values;
    None where that is as it is wanted.
    """

    id: str
    wants: tuple[Want, ...]
    live: tuple[Live, ...]
    when: Callable[[View, Options], bool] | None = None
    risk: Risk | None = None
    reason: str | None = None
    undo: str | None = None
    beside: Callable[[View, Options], Beside | None] | None = None


@dataclass(frozen=True)
class Finding:
    """Something that decides a verdict before any value is compared: a state, one sentence why, and the way out.

    `local`: it lies in these nodes alone (their devices), whatever is configured; where they can be left out of the tuning,
    the others may have it.
    `cured_by`: a tuning that takes this away, where the policy has it and it is about to be applied.
    `met`: all the same, what needs this tuning has all of it that it needs.
    """

    state: State
    reason: str
    way_out: str | None = None
    nodes: tuple[str, ...] = ()
    local: bool = False
    cured_by: str | None = None
    met: bool = False


@dataclass(frozen=True)
class Sysctl:
    """A sysctl that agents set when they start with a tuning, and leave so when it is gone; any of `values` may be theirs."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Residue:
    """What agents, or drivers for them, change on a host with a tuning and do not put back themselves.

    `qdisc`: the queueing discipline that agents give their devices. `watched`: places in a device's facts (dotted) that
    drivers may change; they are compared and told, since what a driver takes back is the driver's to say.
    """

    sysctls: tuple[Sysctl, ...] = ()
    qdisc: str | None = None
    watched: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tuning:
    """One item that can be tuned. The stages that apply are walked in order; the last one is the end that is wanted.

    `absent` says what a key means that is missing from values or from a configuration that was read. `applies` False: judged
    only, `way_out` holds the procedure. `kernel` is the least version, None where Cilium's own minimum does. `since`: the
    first version of chart and agents that knows it. `left_off`: why agents that started with all of it leave it off all the
    same, and tell their log alone; a restart then changes nothing. `pods`: running pods take it on only when they are
    created anew, which is left to the user. `reach`: pods' packets take another way between nodes, so after it every agent
    must reach every node and its pods as before. `profiles`: the profiles it belongs to, each with the options it has there.
    `adapt`: the options as they are meant on this cluster, where the facts tell what the user left open. `off`: the keys of
    cilium-config, with the text that leaves a single node out of it through a CiliumNodeConfig; None where all nodes must be
    alike. What needs a tuning is left out of a node together with it. `residue`: what agents change on their hosts with it
    and do not put back. `disturbs`: tunings of hosts that may be lost where it is turned on or off, so that they are looked
    at again after its step.
    """

    id: str
    title: str
    phase: Phase
    risk: Risk
    reason: str
    undo: str
    stages: tuple[Stage, ...]
    options: tuple[Option | Number | FreeText, ...] = ()
    needs: tuple[Need, ...] = ()
    excludes: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    applies: bool = True
    way_out: str | None = None
    absent: Mapping[str, Any] = field(default_factory=dict)
    kernel: str | None = None
    since: str | None = None
    pods: bool = False
    reach: bool = False
    left_off: str | None = None
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    off: Mapping[str, str] | None = None
    adapt: Callable[[View, Options], Options] | None = None
    residue: Residue | None = None
    disturbs: tuple[str, ...] = ()

    def options_on(self, view: View, given: Options) -> Options:
        """The options as they are meant on this cluster."""
        return given if self.adapt is None else self.adapt(view, given)


@dataclass(frozen=True)
class Entry:
    """A catalogue file as loaded: its tuning and the functions it may add.

    `procedure` returns what is to be done by hand where this cluster does not allow the tuning to be applied, else None.
    """

    tuning: Tuning
    doc: str
    refusals: Callable[[View, Options], Iterator[Finding]] | None = None
    notes: Callable[[View, Options], Iterator[str]] | None = None
    procedure: Callable[[View, Options], str | None] | None = None


Catalogue = Mapping[str, Entry]


def matches(when: Mapping[str, tuple[Any, ...]], options: Options) -> bool:
    """Whether the options are among those of `when`."""
    return all(options.get(name) in allowed for name, allowed in when.items())


def resolve(value: Any, options: Options) -> Any:
    """The wanted value with references to options replaced."""
    if not isinstance(value, Opt):
        return value
    found = options[value.name]
    if isinstance(value, Either) and found is not None:
        return OneOf((as_text(found) or "", found))
    return as_text(found) if isinstance(value, Text) else found


def as_text(value: Any) -> str | None:
    """A value as cilium-config has it; None stays None."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else f"{value:.15g}"


def asked(value: Any, options: Options) -> bool:
    """Whether something is wanted there: an option that was not given wants nothing."""
    return not isinstance(value, Opt) or options[value.name] is not None


def accepts(wanted: Any, found: Any) -> bool:
    """Whether a found value is the wanted one."""
    if isinstance(wanted, OneOf):
        return any(accepts(value, found) for value in wanted.values)
    if isinstance(wanted, Has):
        return isinstance(found, list) and wanted.item in found
    if isinstance(wanted, Unlike):
        return not accepts(wanted.value, found)
    if _is_number(wanted):
        return _is_number(found) and wanted == found
    return isinstance(found, type(wanted)) and wanted == found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def plain(wanted: Any) -> Any:
    """The wanted value as it stands in a document: a list means that all of it must be there."""
    if isinstance(wanted, OneOf):
        return wanted.values[0]
    return [wanted.item] if isinstance(wanted, Has) else wanted
