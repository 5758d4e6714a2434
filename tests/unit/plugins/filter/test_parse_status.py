# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import subprocess
import sys

from pathlib import Path

import pytest
import yaml

from ansible.errors import AnsibleFilterError
from ansible.template import trust_as_template

from ansible_collections.fastpath.cilium.plugins.filter import parse_status as plugin
from ansible_collections.fastpath.cilium.plugins.module_utils.cilium_status import STATUS_KEYS

CHECKOUT = Path(__file__).parents[4]
CASE = CHECKOUT / "tests" / "fixtures" / "status" / "1.12.0-dsr-maglev.txt"
EXPECTED = json.loads(CASE.with_suffix(".json").read_text(encoding="utf-8"))["expected"]


def debug(expression: str, **variables: str) -> subprocess.CompletedProcess:
    """Runs the expression as a user would: in a task of Ansible, with the filter by its full name."""
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-i", "localhost,", "-c", "local",
               "-m", "ansible.builtin.debug", "-a", "msg={{ %s }}" % expression, "-e", json.dumps(variables)]
    env = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(CHECKOUT / ".ansible" / "collections"), ANSIBLE_NOCOLOR="1",
               ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_by_name_over_a_file() -> None:
    answer = debug("lookup('ansible.builtin.file', path) | fastpath.cilium.parse_status", path=str(CASE))
    facts = json.loads(answer.stdout.partition("=>")[2])["msg"]
    assert {key: fact for key, fact in facts.items() if fact is not None} == EXPECTED
    assert set(facts) == set(STATUS_KEYS)


def test_error_reaches_the_user() -> None:
    answer = debug("text | fastpath.cilium.parse_status", text="    /¯¯\\\n /¯¯\\__/¯¯\\    Cilium:   OK\n")
    assert answer.returncode != 0
    assert "own overview of the cluster" in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr


def test_templates_in_the_text_stay_text() -> None:
    text = trust_as_template("Mode: DSR\nAnnotations:\n- {{ 7 * 7 }}/x\n")
    assert plugin.FilterModule().filters()["parse_status"](text)["annotations"] is None


def test_error_is_one_sentence() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        plugin.FilterModule().filters()["parse_status"]("")
    assert str(caught.value).startswith("fastpath.cilium.parse_status: The text is empty: save what `cilium-dbg")


@pytest.mark.parametrize("value", [["Mode: DSR"], 1, None, b"Mode: DSR", {"stdout": "Mode: DSR"}])
def test_only_text(value: object) -> None:
    with pytest.raises(AnsibleFilterError, match="as text"):
        plugin.FilterModule().filters()["parse_status"](value)


def test_documented_is_what_is_returned() -> None:
    documented = yaml.safe_load(plugin.RETURN)["_value"]["contains"]
    assert set(documented) == set(STATUS_KEYS)
    assert yaml.safe_load(plugin.DOCUMENTATION)["name"] == "parse_status"
    assert len(yaml.safe_load(plugin.EXAMPLES)) == 4
