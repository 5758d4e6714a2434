# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import release_guard as guard
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import Moved, Refused
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_release import manifest, release

HISTORY = [{"revision": 1, "status": "superseded"}, {"revision": 2, "status": "deployed"},
           {"revision": 3, "status": "failed"}]


def test_no_release_says_what_this_module_is_for():
    with pytest.raises(Refused, match="no Helm release cilium in namespace kube-system.*existing release only"):
        guard.require_release(None, "cilium", "kube-system")
    assert guard.require_release({"a": 1}, "cilium", "kube-system") == {"a": 1}


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-rollback", "failed"])
def test_a_broken_release_names_revision_status_and_way_back(status):
    document = release(3, status, description="Preparing\x1b[0m upgrade")
    with pytest.raises(Refused) as caught:
        guard.require_deployed(document, HISTORY)
    assert "revision 3 is {0} (Preparing upgrade)".format(status) in caught.value.message
    assert "`helm rollback cilium 2 --namespace kube-system`" in caught.value.message
    assert caught.value.details == {"revision": 3, "status": status, "last_deployed": 2}


@pytest.mark.parametrize("status, history", [
    ("uninstalling", HISTORY), ("uninstalled", []), ("pending-install", []),
    ("failed", [{"revision": 3, "status": "failed"}])])
def test_without_a_deployed_revision_helm_has_to_repair(status, history):
    with pytest.raises(Refused, match="no revision of it is deployed|repair it with helm"):
        guard.require_deployed(release(3, status), history)


def test_a_deployed_release_passes():
    guard.require_deployed(release(3), [])
    guard.require_expected(release(3), 3)
    guard.require_expected(release(3), None)


def test_somebody_elses_change_is_kept_and_said():
    with pytest.raises(Moved, match=r"at revision 3 \(by hand\), not 2: somebody changed it") as caught:
        guard.require_expected(release(3, description="by hand"), 2)
    assert caught.value.kind == "conflict"


def test_differences_name_keys_with_both_values_and_hide_secrets():
    assert guard.differences({"a": "1", "same": "x", "gone": "y"}, {"a": "2", "same": "x", "api-token": "hunter2"}) == [
        {"key": "a", "stored": "1", "live": "2"}, {"key": "api-token", "stored": None, "live": "<hidden>"},
        {"key": "gone", "stored": "y", "live": None}]


def test_a_live_edit_is_refused_with_its_keys():
    stored = release(text=manifest({"bpf-lb-mode": "snat"}))
    with pytest.raises(Refused, match=r"bpf-lb-mode \(release: snat, live: dsr\)") as caught:
        guard.require_live_config([stored], {"bpf-lb-mode": "dsr"})
    assert caught.value.details["differences"] == [{"key": "bpf-lb-mode", "stored": "snat", "live": "dsr"}]
    guard.require_live_config([stored], {"bpf-lb-mode": "snat"})


def test_after_a_kill_either_manifest_may_be_live():
    before, killed = release(1, text=manifest({"m": "snat"})), release(2, text=manifest({"m": "dsr"}))
    guard.require_live_config([killed, before], {"m": "snat"})
    guard.require_live_config([killed, before], {"m": "dsr"})
    with pytest.raises(Refused):
        guard.require_live_config([killed, before], {"m": "hybrid"})


def test_many_edits_are_counted_and_long_values_cut():
    with pytest.raises(Refused, match="and 5 more") as caught:
        guard.require_live_config([release(text=manifest({}))], {"k{0}".format(n): "x" * 5000 for n in range(9)})
    assert len(caught.value.details["differences"]) == 9 and len(str(caught.value.details)) < 3000


def test_a_manifest_without_cilium_config_is_not_ciliums():
    with pytest.raises(Refused, match="is this Cilium's release"):
        guard.config_of(release(text="{kind: ConfigMap, metadata: {name: other}}"))


def test_values_that_are_no_text_are_refused_before_helm_fails():
    assert guard.require_text(manifest({"a": "5"})) == {"a": "5"}
    with pytest.raises(Refused, match="no text.*: a, b. Write them as text"):
        guard.require_text(manifest({"b": 5, "a": True, "c": "x"}))
    with pytest.raises(Refused, match="renders no ConfigMap"):
        guard.require_text("")
