# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options shared by all modules that talk to a cluster."""
from __future__ import annotations


class ModuleDocFragment:
    """Found by name through extends_documentation_fragment."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of the kubeconfig that leads to the cluster.
      - Without it the variable E(KUBECONFIG) (which may list several files), C(~/.kube/config), or in a pod its service
        account is used, in this order.
      - The variable E(K8S_AUTH_KUBECONFIG) is used if the option is not set.
    type: path
  context:
    description:
      - Context of the kubeconfig; its current context by default.
      - The variable E(K8S_AUTH_CONTEXT) is used if the option is not set.
    type: str
  release_name:
    description: Name of Cilium's Helm release.
    type: str
    default: cilium
  release_namespace:
    description: Namespace of Cilium, its C(cilium-config), its agents and its Helm release.
    type: str
    default: kube-system
  api_timeout:
    description: Longest time for one request to the API server, in seconds.
    type: float
    default: 30
requirements:
  - Python package C(kubernetes) 29 or newer, where the module runs
notes:
  - The module runs where a kubeconfig leads to the cluster, for example on C(localhost), a bastion or in an execution
    environment.
"""
