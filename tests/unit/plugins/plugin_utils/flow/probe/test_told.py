# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

from ansible_collections.fastpath.cilium.plugins.plugin_utils import record
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow import report
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.probe.told import lines, summary

CAUSES = [{"cause": "mtu", "sentence": "No room.", "way_out": "Raise the MTU.", "nodes": ["a"], "pairs": 2},
          {"cause": "udp_only", "sentence": "UDP is lost.", "way_out": "Raise the MTU.", "nodes": ["a"], "pairs": 1}]
FAILED = {"verdict": {"passed": False, "reason": "3 of 9 requests failed. No room.", "mode": "dsr", "wanted": "dsr", "asked": 9,
                      "failed": 3, "causes": CAUSES, "failures": [{}] * 50}, "probe": {"clients": []}}


def test_a_runs_probes_stand_in_its_result_and_report(tmp_path):
    run = record.start(tmp_path, "dsr")
    run.write("probe-before-1-dsr", {"verdict": {"passed": True, "reason": "All 9 requests reached the right backend."}})
    run.write("probe-after-1-dsr", FAILED)
    result = run.end("rolled_back", "As it was.")
    assert [(probe["name"], probe["passed"]) for probe in result["probes"]] == [
        ("probe-before-1-dsr", True), ("probe-after-1-dsr", False)]
    assert result["probes"][1]["causes"] == CAUSES and "failures" not in result["probes"][1]
    text = report.render(result=json.loads((run.path / "result.json").read_text()))
    assert "probe-after-1-dsr: failed. 3 of 9 requests failed" in text and text.count("Raise the MTU.") == 1
    assert "probe-before-1-dsr: passed." in text


def test_garbage_and_nothing():
    assert lines(None, 100) == lines([3, None], 100) == []
    assert summary("probe-x", None)["passed"] is None and "not proven" in lines([summary("probe-x", 3)], 100)[0]
