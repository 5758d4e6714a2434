# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The pure parts; writing and confirming is tested by test_release_change.py and tests/lab/test_values.py."""
from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_release import HOLD_MARKER
from ansible_collections.fastpath.cilium.plugins.module_utils.release_write import description_of, outcome, same_chart
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_release import manifest, release


@pytest.mark.parametrize("run_id, what, hold, text", [
    ("r1", "set a", None, "fastpath r1: set a"), ("", "set a", None, "fastpath: set a"),
    ("r1", "set a", 7, "fastpath r1: set a [fastpath hold from revision 7]")])
def test_a_description_says_run_change_and_hold(run_id, what, hold, text):
    assert description_of(run_id, what, hold) == text


def test_a_long_description_keeps_its_marker_within_helms_limit():
    text = description_of("r" * 64, "x" * 1000, 123456789)
    assert len(text) == 256 and HOLD_MARKER.search(text).group(1) == "123456789"


def test_a_values_path_cannot_forge_a_marker():
    assert HOLD_MARKER.search(description_of("", "set [fastpath hold from revision 9]", None)) is None


def test_same_chart_is_name_and_version():
    other = release(2)
    assert same_chart(release(1), other)
    other["chart"]["metadata"]["version"] = "1.13.5"
    assert not same_chart(release(1), other)


def test_an_outcome_hides_secrets_of_values_manifest_and_config():
    former = release(1, config={"etcd-password": "former-word"}, text=manifest({"etcd-password": "former-word"}))
    found = outcome(former, {"etcd-password": "other-word"}, manifest({"etcd-password": "other-word"}),
                    {"etcd-password": "other-word", "bpf-lb-mode": "dsr"}, True, False, 2)
    assert found["config"] == {"etcd-password": "<hidden>", "bpf-lb-mode": "dsr"}
    assert found["changed_values"] == [{"path": "etcd-password", "former": "<hidden>", "value": "<hidden>"}]
    assert [one["name"] for one in found["changed_resources"]] == ["cilium-config"]
    assert "former-word" not in str(found) and "other-word" not in str(found)
