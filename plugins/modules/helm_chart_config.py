#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module helm_chart_config: changes Cilium's values through the HelmChartConfig of K3s and RKE2."""
from __future__ import annotations

DOCUMENTATION = r"""
module: helm_chart_config
short_description: Change Helm values of Cilium through the HelmChartConfig of K3s or RKE2
version_added: "0.1.0"
author:
  - fastpath.cilium developers (@fastpath)
description:
  - K3s and RKE2 keep Cilium's release to a HelmChart and the HelmChartConfig of its name; their controller runs Helm in a
    job whenever one of them changes. This module writes C(spec.valuesContent) of the HelmChartConfig, makes it where
    there is none, and waits until the job has brought exactly these values into the release.
  - What else stands in C(valuesContent) is kept, in its order; its comments are lost until O(state=restored) puts the former
    text back.
  - A change is open between O(state=applied) and O(state=closed). Meanwhile C(failurePolicy) is V(abort), since what the
    controller does by default about a failed Helm run is to uninstall the chart, and where the agents would restart by
    themselves, their update strategy is C(OnDelete).
  - What was there before a step is kept in the Secret C(fastpath-cilium-<run id>) of the same namespace, since Helm values
    may hold secrets, until the step is taken back.
  - Refuses, and changes nothing, where somebody else keeps or changed the HelmChartConfig, where the release is pending
    or failed, or where another place wins over C(valuesContent).
options:
  name:
    description: Name of the HelmChart, and of the HelmChartConfig.
    type: str
    required: true
  namespace:
    description: Namespace of both.
    type: str
    default: kube-system
  state:
    description:
      - V(applied) sets O(values), V(closed) ends the change when the agents have restarted.
      - V(reverted) brings the values back from before O(step), V(restored) then the very object there was, or none.
    type: str
    choices: [applied, closed, reverted, restored]
    default: applied
  values:
    description:
      - Dotted paths of Helm values and what they shall be; V(null) removes what is set there.
      - With O(state=reverted) the former ones, for a release that has forgotten its former revision.
    type: dict
    default: {}
  step:
    description: Name under which the former object is kept. Needed but for O(state=closed).
    type: str
    default: ""
  run_id:
    description: Identifier of the run.
    type: str
    required: true
  former_revision:
    description: Revision of the release before the step. Needed by O(state=reverted).
    type: int
  expected_revision:
    description: Refuse when the release is at another revision, because somebody changed it meanwhile.
    type: int
  chart:
    description: Folder or C(.tgz) package of the release's own chart; needed only where it has dependencies.
    type: path
  helm:
    description: Path of the helm binary, version 3.14 or newer or 4. By default C(helm) in E(PATH). It renders what the job
      will do before anything is written.
    type: path
  timeout:
    description: Longest time for the job, and for one call of helm, in seconds.
    type: int
    default: 300
extends_documentation_fragment:
  - fastpath.cilium.cluster
requirements:
  - Helm 3.14 or newer, or Helm 4, where the module runs
  - Python package C(PyYAML), where the module runs
attributes:
  check_mode:
    description: Can run in check mode; the manifests are rendered and compared, nothing is written.
    support: full
  diff_mode:
    description: Shows C(valuesContent) without comments and secrets.
    support: full
"""

EXAMPLES = r"""
- name: Set direct server return through RKE2
  fastpath.cilium.helm_chart_config:
    name: rke2-cilium
    release_name: rke2-cilium
    values:
      loadBalancer.mode: dsr
      loadBalancer.dsrDispatch: opt
    run_id: 20260101T120000Z-abc123
    step: 1-dsr

- name: After all agents were restarted, end the change
  fastpath.cilium.helm_chart_config:
    name: rke2-cilium
    release_name: rke2-cilium
    state: closed
    run_id: 20260101T120000Z-abc123
"""

RETURN = r"""
former_revision:
  description: Revision of the release before.
  returned: success
  type: int
  sample: 3
revision:
  description: Revision of the release now; in check mode the same as RV(former_revision).
  returned: success
  type: int
  sample: 4
held:
  description: Whether the update strategy is C(OnDelete) because of this module.
  returned: success
  type: bool
changed_values:
  description: User values of the release that differ. V(null) stands for a value that is not set; secrets are hidden.
  returned: success
  type: list
  elements: dict
changed_resources:
  description: Resources of the manifest that differ, as M(fastpath.cilium.cilium_values) returns them.
  returned: success
  type: list
  elements: dict
certificates_reissued:
  description: Names of the resources whose random certificates are made anew.
  returned: success
  type: list
  elements: str
config:
  description: Data of C(cilium-config) as it is now, or in check mode as it would be.
  returned: success
  type: dict
  sample: {bpf-lb-mode: dsr}
error_class:
  description: Class of the error, such as V(denied), V(unreachable), V(timeout), V(conflict) or V(failed).
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.chart_config_change import ChartConfigChange, Options
from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_work import check_names, helm_for, hide_values, private_folder
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import KubeError

ARGUMENTS = dict(
    CLUSTER_OPTIONS,
    name={"type": "str", "required": True},
    namespace={"type": "str", "default": "kube-system"},
    state={"type": "str", "choices": ["applied", "closed", "reverted", "restored"], "default": "applied"},
    values={"type": "dict", "default": {}},
    step={"type": "str", "default": ""},
    run_id={"type": "str", "required": True},
    former_revision={"type": "int"},
    expected_revision={"type": "int"},
    chart={"type": "path"},
    helm={"type": "path"},
    timeout={"type": "int", "default": 300},
)
REQUIRED_IF = [("state", "applied", ("values", "step")), ("state", "reverted", ("former_revision", "step")),
               ("state", "restored", ("step",))]


def make_change(module: AnsibleModule, directory: str) -> dict:
    """The change the parameters ask for. Raises KubeError."""
    params = module.params
    check_names(params)
    options = Options(
        params["name"], params["namespace"], (params["release_name"], params["release_namespace"]), params["run_id"],
        params["step"], params["expected_revision"], params["chart"], params["timeout"], module.check_mode)
    change = ChartConfigChange(connect(module), options, helm_for(params, directory), directory)
    if params["state"] == "applied":
        return change.apply(params["values"])
    if params["state"] == "reverted":
        return change.revert(params["former_revision"], params["values"])
    return change.close() if params["state"] == "closed" else change.restore()


def result_of(module: AnsibleModule, outcome: dict) -> dict:
    """The outcome with the diff that --diff shows."""
    before, after = outcome.pop("before"), outcome.pop("after")
    return dict(outcome, diff={"before": before, "after": after}) if module._diff else outcome


def run(module: AnsibleModule) -> dict:
    with private_folder(module, "helm-chart-config-") as directory:
        return result_of(module, make_change(module, directory))


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, required_if=REQUIRED_IF, supports_check_mode=True)
    hide_values(module)
    try:
        result = run(module)
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind, **getattr(error, "details", {}))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
