# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

from ansible_collections.fastpath.cilium.plugins.plugin_utils import record
from ansible_collections.fastpath.cilium.tests.unit.plugins.action.playbook import FACTS, play


def test_the_report_is_printed_as_it_is_and_kept_in_the_record(tmp_path):
    run = record.start(tmp_path / "runs", "audit")
    hostile = json.loads((FACTS / "1.13.4-snat-native.json").read_text())
    hostile["cluster"]["server"] = "https://x{{ 7 * 7 }}\u001b[31m"
    (tmp_path / "facts.json").write_text(json.dumps(hostile))
    arguments = {"facts": "{{ facts }}", "run": {"id": run.id, "path": str(run.path)}}
    played = play(tmp_path, [
        {"fastpath.cilium.judge": {"facts": "{{ facts }}"}, "register": "judged"},
        {"fastpath.cilium.report": {**arguments, "verdicts": "{{ judged.verdicts }}"}, "register": "first"},
        {"fastpath.cilium.report": {"run": arguments["run"], "result": {"outcome": "failed"}, "width": 70}, "register": "second"},
    ], "--check", "-e", json.dumps({"facts_file": str(tmp_path / "facts.json")}))
    assert played.code == 0, played.text
    first, second = played.results["first"]["text"], played.results["second"]["text"]
    assert "\n" + first in played.text, "as plain lines, not inside a JSON string"
    assert "https://x{{ 7 * 7 }}, Kubernetes" in first and "\x1b" not in played.text
    assert (run.path / "report.txt").read_text() == first + "\n" + second
    assert max(map(len, second.splitlines())) == 70
