# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Conflict, Denied, Failed
from ansible_collections.fastpath.cilium.plugins.module_utils.node_config_change import Wish, change
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Reply, failure

BASE = "/apis/cilium.io/{0}/namespaces/kube-system/ciliumnodeconfigs"
SELECTOR = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a"]}]}
WISH = Wish("fastpath-bbr", "present", SELECTOR, {"enable-bbr": "false"})
LABEL = {"app.kubernetes.io/managed-by": "fastpath.cilium"}


@pytest.fixture(name="serve", autouse=True)
def fixture_serve(api):
    def serve(version):
        api.apis["/apis/cilium.io/" + version] = {}
    serve("v2")
    return serve


def there(api, name="fastpath-bbr", version="v2", **metadata):
    return api.put("{0}/{1}".format(BASE.format(version), name), {
        "metadata": dict({"labels": dict(LABEL)}, **metadata), "spec": {"nodeSelector": SELECTOR, "defaults": {"enable-bbr": "true"}}})


def objects(api):
    return {path.rsplit("/", 1)[1]: found for path, found in api.objects.items() if "ciliumnodeconfigs/" in path}


def writes(api):
    return [request[0] for request in api.requests if request[0] != "GET"]


def test_one_is_made_kept_changed_and_removed(api, cluster):
    made = change(cluster, "kube-system", [WISH])
    assert made["changed"] and made["former"] == [{"name": "fastpath-bbr", "object": None}]
    found = objects(api)["fastpath-bbr"]
    assert (found["apiVersion"], found["metadata"]["labels"], found["spec"]) == (
        "cilium.io/v2", LABEL, {"nodeSelector": SELECTOR, "defaults": {"enable-bbr": "false"}})
    del api.requests[:]
    assert change(cluster, "kube-system", [WISH])["changed"] is False and writes(api) == []
    changed = change(cluster, "kube-system", [WISH._replace(defaults={})])
    assert changed["former"][0]["object"]["spec"]["defaults"] == {"enable-bbr": "false"}
    assert objects(api)["fastpath-bbr"]["spec"]["defaults"] == {} and writes(api) == ["PUT"]
    assert change(cluster, "kube-system", [Wish("fastpath-bbr", "absent")])["changed"] and objects(api) == {}
    assert change(cluster, "kube-system", [Wish("fastpath-bbr", "absent")])["changed"] is False


def test_what_was_there_comes_back_as_it_was(api, cluster):
    there(api, annotations={"note": "mine"})
    before = copy.deepcopy(objects(api)["fastpath-bbr"])
    former = change(cluster, "kube-system", [WISH])["former"]
    assert objects(api)["fastpath-bbr"]["metadata"]["annotations"] == {"note": "mine"}
    for end in (lambda: None, lambda: change(cluster, "kube-system", [Wish("fastpath-bbr", "absent")])):
        end()
        change(cluster, "kube-system", [Wish(one["name"], "former", object=one["object"]) for one in former])
        found = objects(api)["fastpath-bbr"]
        assert found["spec"] == before["spec"]
        assert all(found["metadata"][key] == before["metadata"][key] for key in ("labels", "annotations", "name", "namespace"))
    change(cluster, "kube-system", [Wish("fastpath-bbr", "former", object=None)])
    assert objects(api) == {}


def test_a_foreign_object_is_never_touched_and_nothing_else_is_written(api, cluster):
    there(api, "fastpath-xdp", labels={"app.kubernetes.io/managed-by": "Helm"})
    with pytest.raises(Conflict) as caught:
        change(cluster, "kube-system", [WISH, Wish("fastpath-xdp", "absent")])
    assert "somebody else's" in caught.value.message and writes(api) == []


@pytest.mark.parametrize("wish, words", [
    (Wish("bbr", "present", SELECTOR, {}), "has a name like fastpath-"),
    (Wish("fastpath-bbr", "former", object={"metadata": {"labels": {}}, "spec": {}}), "was not written by this collection"),
    (Wish("fastpath-bbr", "former", object={"metadata": {"labels": LABEL}}), "was not written by this collection"),
])
def test_what_is_none_of_ours_is_refused(api, cluster, wish, words):
    with pytest.raises(Failed) as caught:
        change(cluster, "kube-system", [wish])
    assert words in caught.value.message and writes(api) == []


def test_the_version_that_is_served_is_written(api, cluster, serve):
    api.apis.pop("/apis/cilium.io/v2")
    with pytest.raises(Failed) as caught:
        change(cluster, "kube-system", [WISH])
    assert "come with Cilium 1.13" in caught.value.message
    assert change(cluster, "kube-system", [Wish("fastpath-bbr", "absent")])["changed"] is False
    serve("v2alpha1")
    change(cluster, "kube-system", [WISH])
    assert objects(api)["fastpath-bbr"]["apiVersion"] == "cilium.io/v2alpha1"


def test_a_change_under_our_hands_is_a_conflict(api, cluster):
    there(api)
    api.script("PUT", "fastpath-bbr", Reply(409, failure("the object has been modified", 409)))
    with pytest.raises(Conflict):
        change(cluster, "kube-system", [WISH])


def test_missing_rights_are_named(api, cluster):
    api.script("POST", "ciliumnodeconfigs", Reply(403, failure("cannot create ciliumnodeconfigs", 403)))
    with pytest.raises(Denied):
        change(cluster, "kube-system", [WISH])


def test_check_mode_writes_nothing_and_shows_all(api, cluster):
    result = change(cluster, "kube-system", [WISH], check_mode=True)
    assert result["changed"] and objects(api) == {}
    assert result["diff"][0]["before"] == "" and result["diff"][0]["after"]["spec"]["defaults"] == {"enable-bbr": "false"}
