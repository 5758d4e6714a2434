# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import node_config

MADE = node_config.document("cilium.io/v2", "kube-system", "fastpath-bbr", {"matchLabels": {"a": "b"}}, {"enable-bbr": "false"})


def test_what_is_written_is_ours_and_whole():
    assert node_config.is_ours(MADE)
    assert MADE == {"apiVersion": "cilium.io/v2", "kind": "CiliumNodeConfig",
                    "metadata": {"name": "fastpath-bbr", "namespace": "kube-system",
                                 "labels": {"app.kubernetes.io/managed-by": "fastpath.cilium"}},
                    "spec": {"nodeSelector": {"matchLabels": {"a": "b"}}, "defaults": {"enable-bbr": "false"}}}


@pytest.mark.parametrize("metadata", [
    {}, {"name": "fastpath-bbr"}, {"name": "bbr", "labels": {"app.kubernetes.io/managed-by": "fastpath.cilium"}},
    {"name": "fastpath-bbr", "labels": {"app.kubernetes.io/managed-by": "Helm"}}, {"name": "fastpath-bbr", "labels": None}])
def test_anything_else_is_not(metadata):
    assert not node_config.is_ours({"metadata": metadata})


@pytest.mark.parametrize("name, fits", [("fastpath-x", True), ("fastpath-a-1", True), ("fastpath-", False), ("fastpath-A", False),
                                        ("fastpath-x/../y", False), ("fastpath-x-", False), ("xfastpath-x", False)])
def test_names(name, fits):
    assert bool(node_config.OWN_NAME.match(name)) is fits


def test_content_is_without_what_the_server_adds():
    served = {**MADE, "metadata": {**MADE["metadata"], "uid": "1", "resourceVersion": "5", "generation": 2, "creationTimestamp": "x",
                                   "managedFields": [], "annotations": {"a": "b"}}}
    assert node_config.content(served) == {"metadata": {**MADE["metadata"], "annotations": {"a": "b"}}, "spec": MADE["spec"]}
    assert node_config.content(None) is None
