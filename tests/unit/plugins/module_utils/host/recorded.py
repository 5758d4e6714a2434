# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Recorded hosts, as the readers get them."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.fastpath.cilium.plugins.module_utils.host.facts import read_host
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import Recorded
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root
from ansible_collections.fastpath.cilium.tests.fixtures.hosts.models import MODELS


def root_of(folder: Path, model: str) -> Root:
    """A model written below a folder."""
    path = MODELS[model](folder)
    return Root(path, Recorded(path))


def facts_of(folder: Path, model: str) -> dict[str, Any]:
    """All facts of a model."""
    return read_host(root_of(folder, model))


def device(facts: dict[str, Any], name: str) -> dict[str, Any]:
    """One of its devices."""
    return next(entry for entry in facts["devices"] if entry["name"] == name)
