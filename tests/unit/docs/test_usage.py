# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What docs/usage.md tells people to type gives what it promises."""
from __future__ import annotations

import json
import re
from pathlib import Path

import jmespath
import pytest

from ansible_collections.fastpath.cilium.plugins.plugin_utils import policy
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.judge import judge
from ansible_collections.fastpath.cilium.plugins.plugin_utils.flow.plan import plan

TOP = Path(__file__).resolve().parents[3]
QUERY = re.compile(r'^\$ \.venv/bin/jp\.py "(?P<query>.*)" < fastpath-runs/<id>/(?P<document>\w+)\.json$', re.MULTILINE)
QUERIES = [(found["document"], found["query"]) for found in QUERY.finditer((TOP / "docs" / "usage.md").read_text())]


@pytest.fixture(name="documents", scope="module")
def fixture_documents() -> dict:
    """The documents of an audit of the example cluster: Cilium 1.13.4 in SNAT, native routing."""
    facts = json.loads((TOP / "tests/fixtures/facts/1.13.4-snat-native.json").read_text())
    chosen = policy.parse(None)
    verdicts = judge(facts, chosen)
    return {"facts": facts, "verdicts": verdicts, "plan": plan(facts, verdicts, chosen)}


def test_the_page_has_queries() -> None:
    assert len(QUERIES) >= 5


@pytest.mark.parametrize(("document", "query"), [entry for entry in QUERIES if "error" not in entry[1]])
def test_queries_find_something(documents: dict, document: str, query: str) -> None:
    assert jmespath.search(query, documents[document])


def test_the_query_for_agents_that_are_not_in_dsr(documents: dict) -> None:
    query = next(query for _document, query in QUERIES if "nodeport_mode" in query)
    assert jmespath.search(query, documents["facts"]) == [agent["node"] for agent in documents["facts"]["agents"]]


def test_the_query_for_unread_agents(documents: dict) -> None:
    query = next(query for _document, query in QUERIES if "error" in query)
    assert jmespath.search(query, documents["facts"]) == []
    agents = [dict(agent) for agent in documents["facts"]["agents"]]
    agents[1]["error"] = {"class": "timeout", "message": "too late"}
    assert jmespath.search(query, {"agents": agents}) == [{"node": agents[1]["node"], "why": "too late"}]
