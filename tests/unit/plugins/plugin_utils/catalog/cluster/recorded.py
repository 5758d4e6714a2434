# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""one_tuning for tests that name the tuning first and the version with the cluster."""
from __future__ import annotations

from typing import Any

from ansible_collections.fastpath.cilium.tests.unit.plugins.plugin_utils.catalog.cluster import one_tuning


def cluster(fixture: str, values: dict | None = None, config: dict | None = None, live: dict | None = None,
            version: str | None = None) -> dict[str, Any]:
    """The fixture with Helm values (dotted), keys of cilium-config and what every agent shows; `version` is the chart's and
    every agent's."""
    facts = one_tuning.cluster(fixture, config, values, live)
    return one_tuning.of_version(facts, version) if version else facts


def verdict(name: str, facts: Any, options: dict | None = None) -> dict[str, Any]:
    """The verdict on this tuning."""
    return one_tuning.verdict(facts, name, options)


def step(name: str, facts: Any, options: dict | None = None) -> dict[str, Any]:
    """The one step of its plan."""
    found, = one_tuning.steps(facts, name, options)
    return found


def is_refused(found: dict[str, Any], state: str, words: str, way_out: str) -> bool:
    """Whether a verdict has this state, with these words in its reason and in its way out."""
    return found["state"] == state and words in found["reason"] and way_out in (found["way_out"] or "")
