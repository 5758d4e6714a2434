# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.kube import Cluster
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import FakeApi
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_cilium import FakeCilium


@pytest.fixture(name="api")
def fixture_api():
    """An empty API server."""
    with FakeApi() as api:
        yield api


@pytest.fixture(name="cilium")
def fixture_cilium(api):
    """Three nodes with agents in it."""
    return FakeCilium(api)


@pytest.fixture(name="cluster")
def fixture_cluster(api, tmp_path):
    """Our client of it."""
    return Cluster.connect(api.kubeconfig(tmp_path), timeout=5)
