# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The policy: which tunings are wanted, with which options. Unknown names are errors that list near ones."""
from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line
from ansible_collections.fastpath.cilium.plugins.plugin_utils import catalog
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import HostCatalogue, HostEntry, HostTuning
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import (
    Catalogue, Entry, FreeText, Number, Option, Options, Risk, Tuning, matches)

DEFAULT: Mapping[str, Any] = {"dsr": {"mode": "dsr", "dispatch": "opt"}}
VARIABLE = "fastpath_tunings"
# Not a tuning, but acknowledged like one: a Cilium that is newer than the catalogue is changed all the same.
NEWER_CILIUM = "newer_cilium"
PROFILES = ("recommended", "latency", "throughput", "max")
# What a policy may name: tunings of the cluster and of hosts.
Known = Mapping[str, Entry | HostEntry] | Catalogue | HostCatalogue


class PolicyError(ValueError):
    """What the user asked for cannot be meant; the message is one sentence with near names."""


@dataclass(frozen=True, eq=False)
class Group:
    """What a group of nodes has of one tuning: `options`, None to be left out. `nodes`: names, or labels that all fit."""

    number: int
    nodes: tuple[str, ...] | Mapping[str, str]
    options: Options | None

    @property
    def says(self) -> str:
        """Why a node of it is apart, as a part of a sentence."""
        what = "leaves it out" if self.options is None else "has options of its own"
        return f"group {self.number} of fastpath_groups {what}"

    def selects(self, name: str, labels: Mapping[str, Any]) -> bool:
        """Whether a node of this name and these labels belongs to it."""
        if isinstance(self.nodes, Mapping):
            return all(labels.get(key) == value for key, value in self.nodes.items())
        return name in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.nodes)


@dataclass(frozen=True)
class Choice:
    """A tuning of the policy with every option resolved.

    `selected` False: it is there because another one needs it. `named` False: only a profile brought it in, itself or by
    such a need; what cannot be done of that is left out and told, and does not keep the rest back. `groups`: what groups of
    nodes have instead; `everywhere` False: only they have it.
    """

    tuning: Tuning | HostTuning
    options: Options
    selected: bool
    named: bool = True
    groups: tuple[Group, ...] = ()
    everywhere: bool = True


Policy = Mapping[str, Choice]


def of_cluster(policy: Policy) -> Policy:
    """The part of a policy that is about the cluster."""
    return {name: choice for name, choice in policy.items() if isinstance(choice.tuning, Tuning)}


def of_hosts(policy: Policy) -> Policy:
    """The part of a policy that is about the hosts."""
    return {name: choice for name, choice in policy.items() if isinstance(choice.tuning, HostTuning)}


def near(name: Any, known: Iterable[str | int]) -> str:
    """The end of an error sentence: near names, else all of them."""
    names = [str(name) for name in sorted(known, key=lambda name: (isinstance(name, str), name))]
    close = difflib.get_close_matches(str(name)[:80].lower(), names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known are: {', '.join(names)}."


def parse(tunings: Any = None, catalogue: Known | None = None, profile: Any = None) -> Policy:
    """The policy that `fastpath_profile` and over it `fastpath_tunings` stand for, in the order of application.

    `tunings`: {id: {option: value} | true | false}; None means nothing over a profile, and without one the default policy.
    Raises PolicyError.
    """
    known: Known = catalog.everything() if catalogue is None else catalogue
    wanted = (DEFAULT if not profile else {}) if tunings is None else tunings
    if not isinstance(wanted, Mapping):
        raise PolicyError(f"{VARIABLE} must be a mapping such as {{dsr: {{mode: hybrid}}}}, not {one_line(wanted, 60)}.")
    chosen = {}
    for name, options in wanted.items():
        tuning = tuning_of(name, known)
        if options is not False:
            chosen[tuning.id] = Choice(tuning, options_of(tuning, options), True)
    _check_excludes(chosen)
    for choice in _of_profile(profile, known) if profile else ():
        if choice.tuning.id not in wanted and not _excluded(choice.tuning, chosen):
            chosen[choice.tuning.id] = choice
    _add_needed(chosen, known)
    return {name: chosen[name] for name in known if name in chosen}


def _of_profile(profile: Any, known: Known) -> list[Choice]:
    if not isinstance(profile, str) or profile not in PROFILES:
        raise PolicyError(f"fastpath_profile is {one_line(profile, 60)!r}; {near(profile, PROFILES)}")
    members = [entry.tuning for entry in known.values() if profile in entry.tuning.profiles]
    return [Choice(tuning, options_of(tuning, tuning.profiles[profile]), True, named=False) for tuning in members]


def _excluded(tuning: Tuning | HostTuning, chosen: Mapping[str, Choice]) -> bool:
    return any(name in tuning.excludes or tuning.id in choice.tuning.excludes for name, choice in chosen.items())


def acknowledged(names: Any, catalogue: Known | None = None) -> frozenset[str]:
    """The tunings whose risk the user accepted by name. Raises PolicyError."""
    known: Known = catalog.everything() if catalogue is None else catalogue
    if names is not None and not isinstance(names, (list, tuple)):
        raise PolicyError(f"fastpath_acknowledge must be a list of tunings such as [dsr], not {one_line(names, 60)}.")
    return frozenset(
        name if name == NEWER_CILIUM else tuning_of(name, known, "fastpath_acknowledge").id for name in names or ())


def must_be_acknowledged(risk: Risk) -> bool:
    """Whether a step of this risk is taken only when its tunings were acknowledged."""
    return risk >= Risk.CONNECTIONS_LOST


def tuning_of(name: Any, known: Known, variable: str = VARIABLE) -> Tuning | HostTuning:
    """The tuning of this name; PolicyError with near names where there is none. `variable`: what names it."""
    if not isinstance(name, str) or name not in known:
        raise PolicyError(f"{variable} names {one_line(name, 60)!r}, which is no tuning; {near(name, known)}")
    return known[name].tuning


def options_of(tuning: Tuning | HostTuning, given: Any, variable: str = VARIABLE) -> Options:
    """Every option of a tuning, as given or by default. Raises PolicyError. `variable`: where they stand."""
    if given is None or given is True:
        given = {}
    if not isinstance(given, Mapping):
        raise PolicyError(f"{variable}.{tuning.id} must be true, false or a mapping of options, not {one_line(given, 60)}.")
    names = [option.name for option in tuning.options]
    for name in given:
        if name not in names:
            known = near(name, names) if names else "it has none."
            raise PolicyError(f"{variable}.{tuning.id} has {one_line(name, 60)!r}, which is no option of it; {known}")
    return {option.name: _value(tuning, option, given.get(option.name, option.default), variable) for option in tuning.options}


def _value(tuning: Tuning | HostTuning, option: Option | Number | FreeText, value: Any, variable: str) -> Any:
    shown = f"{variable}.{tuning.id}.{option.name} is {one_line(value, 60)!r}"
    if isinstance(option, FreeText):
        return _free(option, value, shown)
    if isinstance(option, Number):
        return _number(option, value, shown)
    if isinstance(value, str) and value in option.refused:
        raise PolicyError(f"{shown}, which is not taken: {option.refused[value]}; {near('', option.allowed)}")
    found = [allowed for allowed in option.allowed if _same(value, allowed)]
    if not found:
        raise PolicyError(f"{shown}; {near(value, option.allowed)}")
    return found[0]


def _same(value: Any, allowed: str | int) -> bool:
    """`--extra-vars key=value` hands numbers over as text."""
    return isinstance(value, (str, int)) and not isinstance(value, bool) and str(value) == str(allowed)


def _number(option: Number, value: Any, shown: str) -> int | float | None:
    """`--extra-vars key=value` hands numbers over as text, so text that is one will do."""
    if value is None:
        return None
    number = _as_number(value)
    if number is None or not option.least <= number <= option.most or option.whole and number != int(number):
        kind = "whole number" if option.whole else "number"
        raise PolicyError(f"{shown}; it takes a {kind} from {option.least} to {option.most}.")
    return int(number) if option.whole else number


def _free(option: FreeText, value: Any, shown: str) -> str | None:
    if value is None:
        return option.default
    found = option.check(value) if isinstance(value, str) else None
    if found is None:
        raise PolicyError(f"{shown}; it takes {option.what}, for example {option.example}.")
    return found


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _check_excludes(chosen: Mapping[str, Choice]) -> None:
    for name, choice in chosen.items():
        for other in choice.tuning.excludes:
            if other in chosen:
                raise PolicyError(f"{VARIABLE} has {name} and {other}, which exclude each other: leave one out.")


def _add_needed(chosen: dict[str, Choice], known: Known) -> None:
    waiting = list(chosen)
    while waiting:
        choice = chosen[waiting.pop()]
        for need in choice.tuning.needs:
            if matches(need.when, choice.options) and _add(chosen, known[need.tuning].tuning, choice.named):
                waiting.append(need.tuning)


def _add(chosen: dict[str, Choice], needed: Tuning | HostTuning, named: bool) -> bool:
    """Whether that made a difference: what something named needs is as good as named itself."""
    there = chosen.get(needed.id)
    if there is None:
        chosen[needed.id] = Choice(needed, options_of(needed, None), False, named)
    elif named and not there.named:
        chosen[needed.id] = replace(there, named=True)
    else:
        return False
    return True
