# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import lease
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Conflict, Denied, NotFound, Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.lease import Claim, hold, release
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Reply

SPACE = "kube-system"
PATH = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/fastpath-cilium"


def backdate(api, seconds):
    api.objects[PATH]["spec"]["renewTime"] = lease.stamp(datetime.now(timezone.utc) - timedelta(seconds=seconds))


def test_hold_renew_release_and_hold_again(api, cluster):
    first = hold(cluster, SPACE, Claim("run-a", 60, who="alice", host="bastion"))
    assert first["changed"] and not first["renewed"] and first["lock"]["who"] == "alice"
    spec = dict(api.objects[PATH]["spec"])
    assert spec["holderIdentity"] == "run-a" and spec["leaseDurationSeconds"] == 60 and spec["leaseTransitions"] == 1
    again = hold(cluster, SPACE, Claim("run-a", 120))
    assert not again["changed"] and again["renewed"] and api.objects[PATH]["spec"]["acquireTime"] == spec["acquireTime"]
    assert api.objects[PATH]["spec"]["renewTime"] > spec["renewTime"]
    assert release(cluster, SPACE, Claim("run-a"))["changed"]
    assert not release(cluster, SPACE, Claim("run-a"))["changed"]
    assert hold(cluster, SPACE, Claim("run-b"))["lock"]["holder"] == "run-b"
    assert api.objects[PATH]["spec"]["leaseTransitions"] == 2


def test_another_runs_lock_is_refused_with_who_where_and_how_to_take_over(cluster):
    hold(cluster, SPACE, Claim("run-a", 60, who="alice\x1b[31m", host="bastion"))
    with pytest.raises(Conflict) as caught:
        hold(cluster, SPACE, Claim("run-b"))
    message = caught.value.message
    assert "Run run-a holds the lock, by alice, on bastion (valid until" in message and "takeover=run-a" in message


def test_an_expired_lock_is_refused_as_well(api, cluster):
    hold(cluster, SPACE, Claim("run-a", 60))
    backdate(api, 3600)
    with pytest.raises(Conflict) as caught:
        hold(cluster, SPACE, Claim("run-b"))
    assert "expired at" in caught.value.message


def test_takeover_needs_the_right_id(api, cluster):
    hold(cluster, SPACE, Claim("run-a", 60))
    with pytest.raises(Conflict) as caught:
        hold(cluster, SPACE, Claim("run-b", takeover="run-x"))
    assert "run-x, which is not that run" in caught.value.message
    assert hold(cluster, SPACE, Claim("run-b", takeover="run-a"))["changed"]
    assert api.objects[PATH]["spec"]["holderIdentity"] == "run-b"
    with pytest.raises(Conflict):
        release(cluster, SPACE, Claim("run-a"))


def test_a_lease_that_does_not_say_how_long_it_holds_is_held(api, cluster):
    api.put(PATH, {"spec": {"holderIdentity": "somebody"}})
    with pytest.raises(Conflict) as caught:
        hold(cluster, SPACE, Claim("run-b"))
    assert "until when cannot be told" in caught.value.message


def test_what_is_no_lease_is_held(api, cluster):
    api.objects[PATH] = {"metadata": {"name": "x"}, "spec": "free"}
    with pytest.raises(Conflict):
        hold(cluster, SPACE, Claim("run-b"))


@pytest.mark.parametrize("reply, error", [(Reply(403, b"{}"), Denied), (Reply(504, b"{}"), Timeout)])
def test_a_lock_that_cannot_be_read_is_held(api, cluster, reply, error):
    api.script("GET", "/leases/", reply)
    with pytest.raises(error) as caught:
        hold(cluster, SPACE, Claim("run-b"))
    assert "cannot be read, so nothing is changed" in caught.value.message
    assert [request[0] for request in api.requests] == ["GET"]


def test_two_runs_at_the_same_moment(api, cluster, tmp_path):
    """The other run creates, then renews, between our reading and our writing."""
    plain, other = api.prescribed, Cluster.connect(api.kubeconfig(tmp_path), timeout=2)

    def intrude(method, path):
        if method in ("POST", "PUT"):
            api.prescribed = plain
            hold(other, SPACE, Claim("run-a"))
        return plain(method, path)

    api.prescribed = intrude
    with pytest.raises(Conflict) as caught:
        hold(cluster, SPACE, Claim("run-b"))
    assert "same moment" in caught.value.message and api.objects[PATH]["spec"]["holderIdentity"] == "run-a"
    release(cluster, SPACE, Claim("run-a"))
    api.prescribed = intrude
    with pytest.raises(Conflict):
        hold(cluster, SPACE, Claim("run-b"))
    assert api.objects[PATH]["spec"]["holderIdentity"] == "run-a"


def test_check_mode_only_tells(api, cluster):
    told = hold(cluster, SPACE, Claim("run-a"), check_mode=True)
    assert told["changed"] and told["lock"]["holder"] == "run-a" and PATH not in api.objects
    hold(cluster, SPACE, Claim("run-a"))
    with pytest.raises(Conflict):
        hold(cluster, SPACE, Claim("run-b"), check_mode=True)
    assert release(cluster, SPACE, Claim("run-a"), check_mode=True)["changed"]
    assert api.objects[PATH]["spec"]["holderIdentity"] == "run-a"


def test_a_namespace_that_is_not_there(api, cluster):
    api.script("POST", "/leases", Reply(404, b'{"message": "namespaces \\"cni\\" not found"}'))
    with pytest.raises(NotFound) as caught:
        hold(cluster, "cni", Claim("run-a"))
    assert "not found" in caught.value.message
