# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import former_objects
from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster, Garbled
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi

PATH = "/api/v1/namespaces/kube-system/secrets/fastpath-cilium-20260101t120000z-ab"
RUN = ("kube-system", "20260101T120000Z-ab")


@pytest.fixture(name="cluster")
def fixture_cluster(tmp_path):
    with FakeApi() as api:
        found = Cluster.connect(api.kubeconfig(tmp_path))
        found.api = api
        yield found


def test_the_first_original_is_never_written_over(cluster):
    former_objects.remember(cluster, *RUN, "1-a", {"spec": {"x": "\u00fc"}})
    former_objects.remember(cluster, *RUN, "1-a", {"spec": {"x": "later"}})
    former_objects.remember(cluster, *RUN, "2-b", None)
    assert former_objects.recall(cluster, *RUN, "1-a") == {"object": {"spec": {"x": "\u00fc"}}}
    assert former_objects.recall(cluster, *RUN, "2-b") == {"object": None}
    assert former_objects.recall(cluster, *RUN, "3-c") == {}
    assert cluster.api.objects[PATH]["type"] == "fastpath.cilium/former"


def test_the_secret_goes_with_its_last_entry(cluster):
    former_objects.forget(cluster, *RUN, "1-a")
    for step in ("1-a", "2-b"):
        former_objects.remember(cluster, *RUN, step, None)
    former_objects.forget(cluster, *RUN, "2-b")
    assert PATH in cluster.api.objects and former_objects.recall(cluster, *RUN, "2-b") == {}
    former_objects.forget(cluster, *RUN, "1-a")
    assert PATH not in cluster.api.objects


def test_an_edited_secret_is_told(cluster):
    cluster.api.put(PATH, {"data": {"1-a": "bm8ganNvbg=="}})
    with pytest.raises(Garbled, match="was edited"):
        former_objects.recall(cluster, *RUN, "1-a")
