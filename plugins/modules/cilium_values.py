#!/usr/bin/python
# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module cilium_values: changes values of Cilium's existing Helm release."""
from __future__ import annotations

DOCUMENTATION = r"""
module: cilium_values
short_description: Change Helm values of an existing Cilium release
version_added: "0.1.0"
author:
  - fastpath.cilium developers (@fastpath)
description:
  - Changes single values of the Helm release that Cilium runs from, with exactly the chart the release was made with.
  - The chart is rebuilt from the release's Secret, so no repository is needed. Values of the user are kept, and no
    default of the chart becomes one of them.
  - Agents are not restarted. Where the change would make the DaemonSet restart them by itself (another pod template,
    for example with C(rollOutCiliumPods)), the update strategy C(OnDelete) is set along with it, a hold, until
    O(release_hold=true) puts the former one back.
  - Refuses, and changes nothing, when there is no release, when the release is pending or failed, when
    C(cilium-config) was edited outside of Helm, when something else than Helm owns the release, and when Helm would
    change more than was asked.
options:
  values:
    description:
      - Dotted paths of Helm values and what they shall be, in the types the chart expects.
      - A V(null) removes what the user has set there, so that the chart's default holds.
      - A dot inside a key is written C(\\.).
    type: dict
  revision:
    description:
      - Go back to this recorded revision of the release.
      - C(helm rollback) is used, which restores the revision's manifest and certificates exactly. Where that would
        make the DaemonSet restart agents by itself, the revision's chart and values are applied with a hold instead.
      - Also the way out of a pending or failed release; O(expected_revision) must name that pending or failed
        revision then.
    type: int
  release_hold:
    description:
      - End a hold, put the user's own update strategy back.
      - Refused while an agent runs an outdated pod template, because the DaemonSet would restart it by itself.
    type: bool
  expected_revision:
    description: Refuse when the release is at another revision, because somebody changed it meanwhile.
    type: int
  chart:
    description:
      - Folder or C(.tgz) package of the chart, of the release's own name and version.
      - Needed only where the chart has dependencies, which Helm does not store with a release.
    type: path
  hold:
    description:
      - With V(auto) the DaemonSet is kept from restarting agents by itself.
      - With V(never) it is not; it then restarts them as its own update strategy says, without any of the gates.
    type: str
    choices: [auto, never]
    default: auto
  rendering_changes:
    description:
      - What to do when Helm would render other manifests than the release has even with unchanged values, as after
        the use of a post-renderer, or where a newer Kubernetes makes the chart render other resources.
      - V(refuse) names the resources and changes nothing, V(accept) goes on.
      - Entries that Helm 3 renders empty and Helm 4 leaves out, because the chart's default is null, do not count.
    type: str
    choices: [refuse, accept]
    default: refuse
  run_id:
    description: Identifier of the run, kept in the revision's description. Letters, digits, dots, dashes and
      underscores.
    type: str
    default: ""
  helm:
    description: Path of the helm binary, version 3.14 or newer or 4. By default C(helm) in E(PATH).
    type: path
  timeout:
    description: Longest time for one call of helm, in seconds.
    type: int
    default: 300
extends_documentation_fragment:
  - fastpath.cilium.cluster
requirements:
  - Helm 3.14 or newer, or Helm 4, where the module runs
  - Python package C(PyYAML), where the module runs
notes:
  - The account needs what C(helm upgrade) needs, and the right to patch the DaemonSet, also in check mode (a dry run
    of the API server).
  - Values are visible in the release's Secret and may be logged by Ansible on the machine where the module runs.
    Values that look like secrets are hidden in results.
attributes:
  check_mode:
    description: Can run in check mode; the manifests are rendered and compared, no revision is made.
    support: full
  diff_mode:
    description: Shows the changed manifests. Certificates and all data of Secrets are left out.
    support: full
"""

EXAMPLES = r"""
- name: Show what direct server return would change
  fastpath.cilium.cilium_values:
    kubeconfig: ~/.kube/config
    values:
      loadBalancer.mode: dsr
      loadBalancer.dsrDispatch: opt
  check_mode: true
  diff: true
  register: preview

- name: Set it, if the release is still the one that was looked at
  fastpath.cilium.cilium_values:
    values:
      loadBalancer.mode: dsr
      loadBalancer.dsrDispatch: opt
    expected_revision: "{{ preview.former_revision }}"
    run_id: 20260101-120000
  register: change

- name: After all agents were restarted, put the update strategy back
  fastpath.cilium.cilium_values:
    release_hold: true
  when: change.held

- name: Go back to the revision there was before
  fastpath.cilium.cilium_values:
    revision: "{{ change.former_revision }}"
    expected_revision: "{{ change.revision }}"
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
  description: Whether the update strategy is C(OnDelete) because of this module, so that agents must be restarted by
    hand or with M(fastpath.cilium.cilium_rollout) before O(release_hold=true).
  returned: success
  type: bool
  sample: false
changed_values:
  description: User values that differ. V(null) stands for a value that is not set; secrets are hidden.
  returned: success
  type: list
  elements: dict
  sample:
    - {path: loadBalancer.mode, former: snat, value: dsr}
changed_resources:
  description: Resources of the manifest that differ, certificates aside, each with a unified diff of its YAML.
  returned: success, or when O(rendering_changes=refuse) refused them
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the resource.
      type: str
    namespace:
      description: Namespace, empty for resources without one.
      type: str
    name:
      description: Name of the resource.
      type: str
    change:
      description: One of V(added), V(changed), V(removed).
      type: str
    diff:
      description: Unified diff with secrets hidden.
      type: str
certificates_reissued:
  description: Names of the resources whose random certificates are made anew (or, going back, are the old ones again).
  returned: success
  type: list
  elements: str
  sample: [hubble-server-certs]
config:
  description: Data of C(cilium-config) as it is now, or in check mode as it would be.
  returned: success
  type: dict
  sample: {bpf-lb-mode: dsr}
differences:
  description: Keys of C(cilium-config) that were edited outside of Helm, with the release's and the live value.
  returned: when the change was refused because of them
  type: list
  elements: dict
owner:
  description: Who owns the release, as C(kind), C(name) and C(evidence).
  returned: when the change was refused because of the owner
  type: dict
error_class:
  description: Class of the error, such as V(denied), V(unreachable), V(timeout), V(conflict) or V(failed).
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fastpath.cilium.plugins.module_utils.cluster_options import CLUSTER_OPTIONS, connect
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_work import check_names, helm_for, hide_values, private_folder
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import KubeError
from ansible_collections.fastpath.cilium.plugins.module_utils.release_change import Options, ReleaseChange
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import Refused

ARGUMENTS = dict(
    CLUSTER_OPTIONS,
    values={"type": "dict"},
    revision={"type": "int"},
    release_hold={"type": "bool"},
    expected_revision={"type": "int"},
    chart={"type": "path"},
    hold={"type": "str", "choices": ["auto", "never"], "default": "auto"},
    rendering_changes={"type": "str", "choices": ["refuse", "accept"], "default": "refuse"},
    run_id={"type": "str", "default": ""},
    helm={"type": "path"},
    timeout={"type": "int", "default": 300},
)
WAYS = ("values", "revision", "release_hold")


def options_of(module: AnsibleModule) -> Options:
    params = module.params
    return Options(
        name=params["release_name"], namespace=params["release_namespace"], run_id=params["run_id"],
        expected_revision=params["expected_revision"], chart=params["chart"], hold=params["hold"] == "auto",
        accept_rendering=params["rendering_changes"] == "accept", check=module.check_mode)


def make_change(module: AnsibleModule, directory: str) -> dict:
    """The change the parameters ask for. Raises KubeError."""
    params = module.params
    check_names(params)
    change = ReleaseChange(connect(module), options_of(module), helm_for(params, directory), directory)
    if params["values"] is not None:
        return change.set_values(params["values"])
    if params["revision"] is not None:
        return change.go_back(params["revision"])
    if params["release_hold"]:
        return change.release_hold()
    raise Refused("Nothing is asked for: give values, revision or release_hold=true.")


def result_of(module: AnsibleModule, outcome: dict) -> dict:
    """The outcome with the diff that --diff shows."""
    text = "".join(entry["diff"] for entry in outcome["changed_resources"])
    return dict(outcome, diff={"prepared": text}) if module._diff else outcome


def run(module: AnsibleModule) -> dict:
    with private_folder(module, "cilium-values-") as directory:
        return result_of(module, make_change(module, directory))


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS, mutually_exclusive=[WAYS], required_one_of=[WAYS], supports_check_mode=True)
    hide_values(module)
    try:
        result = run(module)
    except KubeError as error:
        module.fail_json(msg=error.message, error_class=error.kind, **getattr(error, "details", {}))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
