# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fastpath.cilium.plugins.module_utils import helm_release
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_release import (
    decode, describe, hold_of, read_release, release_history, rollback_source, utc)
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Denied, Garbled
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi, Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_release import (
    packed, put_release, release)

HELD = {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}
MARKER = "fastpath r1: set x [fastpath hold from revision 3]"


@pytest.fixture(name="api")
def fixture_api():
    with FakeApi() as api:
        yield api


@pytest.fixture(name="cluster")
def fixture_cluster(api, tmp_path):
    return Cluster.connect(api.kubeconfig(tmp_path))


def test_history_is_sorted_by_number_and_read_from_metadata_alone(api, cluster):
    for revision, status in ((10, "deployed"), (9, "superseded"), (2, "failed")):
        put_release(api, release(revision, status))
    found = release_history(cluster, "cilium", "kube-system")
    assert [(one["revision"], one["status"]) for one in found] == [(2, "failed"), (9, "superseded"), (10, "deployed")]
    assert found[0] == {"revision": 2, "status": "failed", "updated": "2026-01-02T01:04:05Z", "chart_version": None}
    assert "as=PartialObjectMetadataList" in api.requests[-1][2]["Accept"]


def test_other_releases_and_secrets_are_no_part_of_the_history(api, cluster):
    put_release(api, release(1))
    api.put("/api/v1/namespaces/kube-system/secrets/other", {
        "metadata": {"labels": {"owner": "helm", "name": "other", "version": "7", "status": "deployed"}},
        "type": "helm.sh/release.v1"})
    assert [one["revision"] for one in release_history(cluster, "cilium", "kube-system")] == [1]
    assert release_history(cluster, "nothing", "kube-system") == []


def test_a_secret_without_revision_is_garbled(api, cluster):
    put_release(api, release(1))
    path = "/api/v1/namespaces/kube-system/secrets/sh.helm.release.v1.cilium.v1"
    api.objects[path]["metadata"]["labels"]["version"] = "one"
    with pytest.raises(Garbled, match="no revision"):
        release_history(cluster, "cilium", "kube-system")


def test_the_newest_or_the_wanted_revision_is_read(api, cluster):
    for revision in (2, 10):
        put_release(api, release(revision, config={"n": revision}))
    assert read_release(cluster, "cilium", "kube-system")["config"] == {"n": 10}
    assert read_release(cluster, "cilium", "kube-system", 2)["config"] == {"n": 2}
    assert read_release(cluster, "cilium", "kube-system", 3) is None
    assert read_release(cluster, "nothing", "kube-system") is None


def test_denied_is_not_absent(api, cluster):
    api.script("GET", "/secrets", Reply(403, b'{"message": "no"}'))
    with pytest.raises(Denied):
        read_release(cluster, "cilium", "kube-system")


def test_values_that_helm_stores_as_null_are_none_set(api, cluster):
    put_release(api, release(1, config=None))
    assert read_release(cluster, "cilium", "kube-system")["config"] == {}


@pytest.mark.parametrize("data", [
    None, {}, {"release": ""}, {"release": "%%%"}, {"release": base64.b64encode(b"%%").decode()}, {"release": 5},
    {"release": base64.b64encode(base64.b64encode(b"no json")).decode()}, {"release": packed([])},
    {"release": packed(release())[:-40]}, {"release": packed({"version": 1})},
    {"release": packed(dict(release(), manifest=None))}, {"release": packed(dict(release(), chart={}))},
    {"release": packed(dict(release(), config=[1]))},
    {"release": packed(dict(release(), name=None))}, {"release": packed(dict(release(), namespace=5))},
    {"release": packed(dict(release(), chart={"metadata": {"dependencies": 5}}))},
    {"release": base64.b64encode(base64.b64encode(gzip.compress(b"[" * 100000))).decode()}])
def test_what_is_no_release_is_garbled(data):
    with pytest.raises(Garbled, match="Secret sh.x holds no readable Helm release"):
        decode({"data": data}, "sh.x")


@given(st.binary(max_size=200))
def test_no_other_exception_whatever_the_secret_holds(content):
    for value in (content.decode("latin-1"), base64.b64encode(content).decode(),
                  base64.b64encode(base64.b64encode(gzip.compress(content))).decode()):
        with pytest.raises(Garbled):
            decode({"data": {"release": value}}, "x")


def test_a_release_that_unpacks_without_end_is_garbled(monkeypatch):
    assert decode({"data": {"release": packed(release())}}, "x")["version"] == 1
    monkeypatch.setattr(helm_release, "MAX_RELEASE", 100)
    bomb = packed(release())
    with pytest.raises(Garbled):
        decode({"data": {"release": bomb}}, "x")


def test_a_release_of_an_old_helm_without_compression_is_read():
    plain = base64.b64encode(base64.b64encode(json.dumps(release(4)).encode())).decode()
    assert decode({"data": {"release": plain}}, "x")["version"] == 4


def test_describe_is_the_facts_entry_and_shows_no_secret():
    document = release(4, config={"password": "hunter2", "loadBalancer": {"mode": "dsr"}}, description="a\x1b[31mb\nc")
    document["chart"]["metadata"]["dependencies"] = [{"name": "envoy"}]
    document["hold"] = None
    assert describe(document, [{"revision": 4}]) == {
        "name": "cilium", "namespace": "kube-system", "revision": 4, "status": "deployed", "chart": "cilium",
        "chart_version": "1.13.4", "app_version": "1.13.4", "description": "ab c", "updated": "2026-01-02T01:04:05Z",
        "dependencies": ["envoy"], "hold": None, "values": {"password": "<hidden>", "loadBalancer": {"mode": "dsr"}},
        "history": [{"revision": 4}]}


def test_what_is_not_there_is_null():
    document = release(1)
    document["chart"]["metadata"] = {"name": "cilium"}
    document["info"] = {"status": "deployed"}
    found = describe(document)
    assert (found["chart_version"], found["app_version"], found["updated"], found["history"]) == (None,) * 4


@pytest.mark.parametrize("stamp, shown", [
    ("2026-11-23T23:11:34.45284141Z", "2026-11-23T23:11:34Z"), ("2026-01-01T00:30:00+02:00", "2025-12-31T22:30:00Z"),
    ("2026-13-01T00:00:00Z", None), ("", None), (None, None), ("0001-01-01T00:00:00+14:00", None)])
def test_times_are_utc_or_unknown(stamp, shown):
    assert utc(stamp) == shown


@pytest.mark.parametrize("config, description, hold", [
    (HELD, MARKER, {"former_revision": 3}), ({}, MARKER, None), (HELD, "Upgrade complete", None),
    ({"updateStrategy": {"type": "RollingUpdate"}}, MARKER, None), (HELD, "[fastpath hold from revision x]", None)])
def test_a_hold_needs_marker_and_strategy(config, description, hold):
    assert hold_of(release(4, config=config, description=description)) == hold


@pytest.mark.parametrize("info, source", [
    ({"description": "Rollback to 4"}, 4), ({"description": "mine", "rollback_revision": 4}, 4),
    ({"description": "Upgrade complete"}, None), ({"description": "Rollback to 4 and more"}, None),
    ({"rollback_revision": 0}, None)])
def test_a_rollbacks_source(info, source):
    assert rollback_source(release(5, **info)) == source


def test_a_copy_of_a_held_revision_is_held(api, cluster):
    put_release(api, release(4, config=HELD, description=MARKER))
    put_release(api, release(5, config=HELD, description="Rollback to 4"))
    put_release(api, release(6, config=HELD, description="mine", rollback_revision=5))
    found = read_release(cluster, "cilium", "kube-system")
    assert found["hold"] == {"former_revision": 3} and describe(found)["hold"] == {"former_revision": 3}


def test_the_users_own_on_delete_is_no_hold(api, cluster):
    put_release(api, release(4, config=HELD))
    put_release(api, release(5, config=HELD, description="Rollback to 4"))
    put_release(api, release(6, config=HELD, description="Rollback to 2"))
    assert read_release(cluster, "cilium", "kube-system", 5)["hold"] is None
    assert read_release(cluster, "cilium", "kube-system", 6)["hold"] is None


def test_a_circle_of_rollbacks_ends(api, cluster):
    put_release(api, release(4, config=HELD, description="Rollback to 4"))
    assert read_release(cluster, "cilium", "kube-system")["hold"] is None
