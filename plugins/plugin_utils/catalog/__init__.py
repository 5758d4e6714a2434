# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The catalogue: every tuning, found by scanning the packages beside this file. One file is a tuning's only home."""
from __future__ import annotations

import functools
import importlib
import pkgutil
from types import MappingProxyType, ModuleType

from ansible_collections.fastpath.cilium.plugins.plugin_utils.catalog._tuning import Catalogue, Entry

SCOPES = ("cluster",)


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


@functools.cache
def load() -> Catalogue:
    """Every tuning by its id, in the order in which they are applied."""
    entries = [_entry(module) for scope in SCOPES for module in _modules(scope)]
    entries.sort(key=lambda entry: (entry.tuning.phase, entry.tuning.id))
    return MappingProxyType({entry.tuning.id: entry for entry in entries})
