# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import socket
import time
from contextlib import closing

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import kube
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import (
    Cluster, Conflict, Denied, Down, Failed, Garbled, KubeError, NotFound, Throttled, Timeout, Unauthorized)
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Reply, failure

PODS = "/api/v1/namespaces/kube-system/pods"


def test_get_sends_the_token_and_returns_the_document(api, cluster):
    assert cluster.get("/api/v1/namespaces/kube-system")["metadata"]["uid"] == "cluster-uid"
    assert api.requests[-1][2]["Authorization"] == "Bearer well-known-token"


def test_list_reads_all_pages(api, cluster):
    for number in range(7):
        api.put("{0}/pod-{1}".format(PODS, number), {"metadata": {"labels": {"k8s-app": "cilium"}}})
    api.put(PODS + "/other", {"metadata": {"labels": {"k8s-app": "other"}}})
    items = cluster.list(PODS, limit=3, label_selector="k8s-app=cilium")
    assert [item["metadata"]["name"] for item in items] == ["pod-{0}".format(number) for number in range(7)]
    assert len(api.requests) == 3


def test_list_starts_over_when_the_server_forgot_its_place(api, cluster):
    for number in range(4):
        api.put("{0}/pod-{1}".format(PODS, number), {})
    answers = iter([None, Reply(410, failure("The provided continue parameter is too old", 410)), None])
    plain = api.prescribed
    api.prescribed = lambda method, path: next(answers) or plain(method, path)
    assert len(cluster.list(PODS, limit=2)) == 4


def test_expired_credential_is_one_sentence_of_class_denied(api, tmp_path):
    cluster = Cluster.connect(api.kubeconfig(tmp_path, token="expired-secret-token"))
    with pytest.raises(Unauthorized) as caught:
        cluster.get("/api/v1/nodes")
    assert caught.value.kind == "denied" and "expired" in caught.value.message
    assert "expired-secret-token" not in caught.value.message


def test_denied_names_account_verb_resource_and_namespace(api, cluster):
    said = ('pods "cilium-x" is forbidden: User "system:serviceaccount:ops:audit" cannot create resource "pods/exec" '
            'in API group "" in the namespace "kube-system"')
    api.script("GET", "/exec", Reply(403, failure(said, 403)))
    with pytest.raises(Denied) as caught:
        cluster.exec("kube-system", "cilium-x", "cilium-agent", ["cilium", "status"])
    assert "system:serviceaccount:ops:audit may not create pods/exec in namespace kube-system" in caught.value.message


def test_denied_without_the_usual_words_keeps_what_the_server_said(api, cluster):
    api.script("DELETE", "/pods/x", Reply(403, failure("admission webhook says no\x1b[31m", 403)))
    with pytest.raises(Denied) as caught:
        cluster.delete(PODS + "/x")
    assert caught.value.message == (
        "The API server refuses delete pods in namespace kube-system: admission webhook says no")


def test_throttled_request_is_repeated_after_the_time_the_server_asks_for(api, cluster):
    api.script("GET", "/api/v1/nodes$", Reply(429, b"slow down", {"Retry-After": "1"}),
               Reply(200, b'{"items": [{"metadata": {"name": "n"}}]}'))
    begin = time.monotonic()
    assert len(cluster.list("/api/v1/nodes")) == 1
    assert time.monotonic() - begin >= 1


def test_throttling_that_does_not_end_is_its_own_class(api, cluster, monkeypatch):
    monkeypatch.setattr(kube, "ATTEMPTS", 2)
    api.script("GET", "/api/v1/nodes$", Reply(429, failure("too many requests", 429), {"Retry-After": "0"}))
    with pytest.raises(Throttled):
        cluster.list("/api/v1/nodes")
    assert len(api.requests) == 2


def test_a_long_wait_asked_for_is_not_waited(api, cluster):
    api.script("GET", "/api/v1/nodes$", Reply(429, b"", {"Retry-After": "3600"}))
    begin = time.monotonic()
    with pytest.raises(Throttled):
        cluster.list("/api/v1/nodes")
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize("code, error", [(404, NotFound), (409, Conflict), (500, Failed), (503, Down), (504, Timeout)])
def test_error_statuses_have_their_classes(api, cluster, code, error):
    api.script("GET", "/version", Reply(code, failure("etcd has trouble", code)))
    with pytest.raises(error) as caught:
        cluster.get("/version")
    assert "etcd has trouble" in caught.value.message and caught.value.status == code


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"", b"[1]", b"\xff\xfe", b'{"a": '])
def test_what_is_no_json_object_is_garbled(api, cluster, body):
    api.script("GET", "/version", Reply(200, body))
    with pytest.raises(Garbled):
        cluster.get("/version")


def test_a_list_without_items_is_garbled(api, cluster):
    api.script("GET", "/api/v1/nodes$", Reply(200, b'{"kind": "NodeList"}'))
    with pytest.raises(Garbled):
        cluster.list("/api/v1/nodes")


def test_an_answer_that_breaks_off_is_garbled_after_a_few_tries(api, cluster):
    api.script("GET", "/version", Reply(200, b'{"gitVersion": "v1.31.2"}', cut=5))
    with pytest.raises(Garbled) as caught:
        cluster.get("/version")
    assert "broke off" in caught.value.message or "no JSON" in caught.value.message
    assert len(api.requests) == kube.ATTEMPTS


def test_an_answer_that_breaks_off_once_is_read_again(api, cluster):
    api.script("GET", "/version", Reply(200, b'{"gitVersion": "v1"}', cut=5), Reply(200, b'{"gitVersion": "v1"}'))
    assert cluster.get("/version") == {"gitVersion": "v1"}


def test_a_change_whose_answer_breaks_off_is_not_sent_twice(api, cluster):
    api.script("POST", "/leases", Reply(201, b'{"metadata": {}}', cut=3))
    with pytest.raises(KubeError):
        cluster.post("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", {"metadata": {"name": "x"}})
    assert len(api.requests) == 1


def test_an_answer_without_end_is_garbled(api, cluster, monkeypatch):
    monkeypatch.setattr(kube, "MAX_ANSWER", 100000)
    api.script("GET", "/version", Reply(200, b'{"a": "' + b"x" * 200000 + b'"}'))
    with pytest.raises(Garbled):
        cluster.get("/version")


def test_no_answer_in_time_is_a_timeout(api, tmp_path):
    api.script("GET", "/version", Reply(200, b"{}", delay=5))
    cluster = Cluster.connect(api.kubeconfig(tmp_path), timeout=0.3)
    begin = time.monotonic()
    with pytest.raises(Timeout) as caught:
        cluster.get("/version")
    assert time.monotonic() - begin < 2 and api.url in caught.value.message


def test_an_answer_that_trickles_does_not_outlast_the_timeout(tmp_path, api):
    api.script("GET", "/version", Reply(200, b"{" + b" " * 200 + b"}", drip=0.1))
    cluster = Cluster.connect(api.kubeconfig(tmp_path), timeout=0.6)
    begin = time.monotonic()
    with pytest.raises(Timeout):
        cluster.get("/version")
    assert time.monotonic() - begin < 2


def test_refused_connection_names_the_server(tmp_path, api):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        url = "https://127.0.0.1:{0}".format(free.getsockname()[1])
    with pytest.raises(Down) as caught:
        Cluster.connect(api.kubeconfig(tmp_path, server=url)).get("/version")
    assert url in caught.value.message and "refused" in caught.value.message


def test_unknown_host_name_is_unreachable(tmp_path, api):
    with pytest.raises(Down) as caught:
        Cluster.connect(api.kubeconfig(tmp_path, server="https://cluster.invalid:6443")).get("/version")
    assert "cluster.invalid" in caught.value.message and "resolved" in caught.value.message


def test_plain_http_where_tls_is_wanted_is_unreachable(tmp_path, api):
    with pytest.raises(Down) as caught:
        Cluster.connect(api.kubeconfig(tmp_path, server=api.url.replace("http", "https"))).get("/version")
    assert "TLS" in caught.value.message


def test_credentials_in_the_server_url_are_not_shown(tmp_path, api):
    cluster = Cluster.connect(api.kubeconfig(tmp_path, server=api.url.replace("//", "//bob:hunter2@")))
    assert cluster.server == api.url


def test_put_with_an_old_version_is_a_conflict(api, cluster):
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x"
    lease = api.put(path, {"spec": {}})
    cluster.put(path, lease)
    with pytest.raises(Conflict):
        cluster.put(path, lease)


def test_delete_with_another_uid_is_a_conflict(api, cluster):
    api.put(PODS + "/a", {})
    with pytest.raises(Conflict):
        cluster.delete(PODS + "/a", {"preconditions": {"uid": "another"}})
    assert PODS + "/a" in api.objects


def test_messages_are_one_line_without_escapes_and_bounded():
    error = Failed("a\x1b]0;title\x07b\r\n\x1b[31mc\u202e\x00" + "x" * 5000)
    assert error.message.startswith("ab c") and len(error.message) <= 600
    assert error.as_entry("what") == {"what": "what", "class": "failed", "reason": error.message}
