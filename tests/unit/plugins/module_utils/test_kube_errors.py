# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import socket
import ssl

import pytest
import urllib3

from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import (
    Denied, Down, Failed, Garbled, Throttled, Timeout, from_exception, from_status, resource_of)

SERVER = "https://10.0.0.1:6443"


@pytest.mark.parametrize("path, resource, where", [
    ("/api/v1/nodes", "nodes", ""), ("/api/v1/nodes/n1", "nodes", ""),
    ("/api/v1/namespaces/kube-system", "namespaces", ""),
    ("/api/v1/namespaces/cni/pods/p/exec?command=x", "pods/exec", " in namespace cni"),
    ("/apis/apps/v1/namespaces/cni/daemonsets", "daemonsets", " in namespace cni"), ("/version", "/version", "")])
def test_a_path_names_its_resource(path, resource, where):
    assert resource_of(path) == (resource, where)


@pytest.mark.parametrize("raised, error, words", [
    (socket.timeout("timed out"), Timeout, "in time"),
    (socket.gaierror(-2, "Name or service not known"), Down, "resolved"),
    (ssl.SSLCertVerificationError("self-signed certificate"), Down, "TLS"),
    (ConnectionRefusedError(111, "Connection refused"), Down, "Connection refused"),
    (urllib3.exceptions.ProtocolError("broken", ConnectionResetError(104, "Connection reset by peer")), Down, "reset"),
    (urllib3.exceptions.ReadTimeoutError(None, "", "Read timed out."), Timeout, "in time"),
    (urllib3.exceptions.IncompleteRead(3, 10), Garbled, "broke off"), (RuntimeError(), Down, "RuntimeError")])
def test_whatever_is_raised_has_a_class_and_names_the_server(raised, error, words):
    classed = from_exception(raised, SERVER)
    assert classed.__class__ is error and words in classed.message and SERVER in classed.message


def test_a_classed_error_stays_what_it_is():
    error = Throttled("x")
    assert from_exception(error, SERVER) is error


def test_exceptions_that_refer_to_each_other_end():
    one, two = RuntimeError("one"), RuntimeError("two")
    one.__cause__, two.__cause__ = two, one
    assert from_exception(one, SERVER).kind == "unreachable"


def test_a_status_without_a_body():
    assert from_status("GET", "/api/v1/nodes", 418, b"").__class__ is Failed
    assert "no reason" in from_status("GET", "/api/v1/nodes", 403, b"").message
    assert isinstance(from_status("GET", "/x", 401, b"\xff"), Denied)
