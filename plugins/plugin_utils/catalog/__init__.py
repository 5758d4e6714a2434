# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The catalogue: every tuning, found by scanning the packages beside this file. One file is a tuning's only home."""
from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._host_tuning import HostCatalogue, HostEntry
from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Catalogue, Entry


def _modules(scope: str) -> list[ModuleType]:
    package = importlib.import_module(f"{__name__}.{scope}")
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def _entry(module: ModuleType) -> Entry:
    return Entry(
        tuning=module.TUNING,
        doc=module.__doc__ or "",
        refusals=getattr(module, "refusals", None),
        notes=getattr(module, "notes", None),
        procedure=getattr(module, "procedure", None),
    )


def _host_entry(module: ModuleType) -> HostEntry:
    return HostEntry(
        tuning=module.TUNING,
        doc=module.__doc__ or "",
        settings=module.settings,
        refusals=getattr(module, "refusals", None),
        notes=getattr(module, "notes", None),
    )


@functools.cache
def load() -> Catalogue:
    """Every tuning of the cluster by its id, in the order in which they are applied."""
    return _ordered(map(_entry, _modules("cluster")))


@functools.cache
def hosts() -> HostCatalogue:
    """Every tuning of the hosts by its id, in the order in which they are applied."""
    return _ordered(map(_host_entry, _modules("node")))


@functools.cache
def everything() -> Mapping[str, Entry | HostEntry]:
    """Every tuning by its id: the cluster's, then the hosts'."""
    return MappingProxyType({**load(), **hosts()})


def _ordered(entries: Iterable[Any]) -> Mapping[str, Any]:
    ordered = sorted(entries, key=lambda entry: (entry.tuning.phase, entry.tuning.id))
    return MappingProxyType({entry.tuning.id: entry for entry in ordered})
