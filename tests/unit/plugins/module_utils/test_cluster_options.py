# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.doc_fragments.cluster import ModuleDocFragment
from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect


def test_every_option_is_documented():
    for name in CLUSTER_OPTIONS:
        assert "\n  {0}:\n".format(name) in ModuleDocFragment.DOCUMENTATION


def test_a_modules_parameters_lead_to_its_cluster(api, tmp_path):
    class Module:
        params = {"kubeconfig": api.kubeconfig(tmp_path), "context": "lab", "api_timeout": 3.0}
        tmpdir = str(tmp_path)

    cluster = connect(Module())
    assert cluster.timeout == 3.0 and cluster.get("/version")["gitVersion"]
