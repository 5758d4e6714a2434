# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""run_lock on a real control plane."""
from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from accounts import AUDIT, account  # noqa: E402
from labkit import Lab, started  # noqa: E402

from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module  # noqa: E402

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lock")]
LOCK_RIGHTS = (("coordination.k8s.io", "get create update", "leases"),)


@pytest.fixture(scope="module", name="lab")
def fixture_lab() -> Iterator[Lab]:
    with started("test-lock", "--nodes", "1", "--cilium", "none") as running:
        yield running


def lock(config: Any, run_id: str, **given: Any) -> dict:
    return run_module("run_lock", kubeconfig=str(config), run_id=run_id, **given)


def test_of_many_runs_that_start_at_the_same_moment_one_goes_on(lab: Lab) -> None:
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda number: lock(lab.kubeconfig, "run-{0}".format(number)), range(6)))
    winners = [result for result in results if not result.get("failed")]
    assert len(winners) == 1 and all(result["error_class"] == "conflict" for result in results if result.get("failed"))
    holder = winners[0]["lock"]["holder"]
    assert lock(lab.kubeconfig, holder)["renewed"]
    assert lock(lab.kubeconfig, holder, state="released")["changed"]


def test_a_killed_runs_lock_is_taken_over_by_name_only(lab: Lab) -> None:
    assert lock(lab.kubeconfig, "dead", ttl=1)["changed"]
    refused = lock(lab.kubeconfig, "next")
    assert refused["error_class"] == "conflict" and "takeover=dead" in refused["msg"]
    assert lock(lab.kubeconfig, "next", takeover="dead")["lock"]["holder"] == "next"
    assert lock(lab.kubeconfig, "dead", state="released")["error_class"] == "conflict"
    assert lock(lab.kubeconfig, "next", state="released")["changed"]


def test_rights(lab: Lab, tmp_path: Path) -> None:
    config = account(lab, "runner", tmp_path, LOCK_RIGHTS)
    assert lock(config, "run")["changed"] and lock(config, "run", state="released")["changed"]
    refused = lock(account(lab, "test-auditor", tmp_path, AUDIT), "run")
    assert refused["error_class"] == "denied" and "leases in namespace kube-system" in refused["msg"]
