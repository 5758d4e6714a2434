# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Do judging and planning grow with the nodes, and no faster? Prints the time at n and 2n nodes for each policy, and the ratio.

Run from the checkout: `python tests/benchmarks/judge_and_plan.py [n]` (5000 by default is 2n). A ratio near 2 is linear, near
4 quadratic. Exit code 1 when a ratio is above 3 and the time long enough (0.2 s) to mean something.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy  # noqa: E402
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import gate, judge, plan, report  # noqa: E402

FIXTURES = ROOT / "tests" / "fixtures" / "facts"
TOO_STEEP = 3.0
MEANINGFUL_SECONDS = 0.2


def cluster(nodes: int, fixture: str) -> dict[str, Any]:
    """A recorded cluster with this many nodes, each with its agent."""
    facts = json.loads((FIXTURES / f"{fixture}.json").read_text(encoding="utf-8"))
    for kind, name in (("nodes", "name"), ("agents", "node")):
        model = facts[kind][-1]
        facts[kind] = [{**copy.deepcopy(model), name: f"node-{number}", "uid": f"uid-{number}"} for number in range(nodes)]
    facts["daemonset"].update(dict.fromkeys(("desired", "current", "updated", "ready", "available"), nodes))
    return facts


def seconds(facts: dict[str, Any], profile: str | None) -> float:
    """For all that is pure between reading a cluster and the first change."""
    start = time.process_time()
    chosen = policy.parse(None, profile=profile)
    verdicts = judge.judge(facts, chosen)
    made = plan.plan(facts, verdicts, chosen, list(chosen))
    plan.stale(made, facts)
    gate.gate(facts, facts, made["steps"][0] if made["steps"] else None)
    report.render(facts, verdicts, made)
    return time.process_time() - start


def main(nodes: int) -> int:
    steep = False
    for fixture in ("1.13.4-snat-native", "1.18.12-snat-native"):
        small, large = cluster(nodes, fixture), cluster(2 * nodes, fixture)
        for profile in (None, *policy.PROFILES):
            once, twice = seconds(small, profile), seconds(large, profile)
            ratio = twice / max(once, 1e-9)
            too_steep = ratio > TOO_STEEP and twice > MEANINGFUL_SECONDS
            steep = steep or too_steep
            print(f"{fixture:22} {profile or 'default':12} {nodes} nodes {once:6.2f} s   {2 * nodes} nodes {twice:6.2f} s   "
                  f"ratio {ratio:4.1f}{'   too steep' if too_steep else ''}")
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2500))
