# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From kubeconfig, KUBECONFIG or a pod's service account to a client configuration."""
from __future__ import annotations

import os
from typing import Any, List, Optional

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.fastpath.cilium.plugins.module_utils.deadline import DeadlinePassed, within
from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import BadKubeconfig, KubeError, Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

try:
    import yaml
    from kubernetes import client, config
    HAS_KUBERNETES = True
except ImportError:
    HAS_KUBERNETES = False

SHOWN_CONTEXTS = 12
DEFAULT_KUBECONFIG = "~/.kube/config"
SERVICE_ACCOUNT_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
# A credential plugin may talk to a cloud's login service; one that waits for a browser never ends.
PLUGIN_TIMEOUT = 60.0


def load(kubeconfig: Optional[str], context: Optional[str], temp_dir: Optional[str] = None) -> Any:
    """kubernetes.client.Configuration for the cluster; raises BadKubeconfig or Timeout with what to do."""
    if not HAS_KUBERNETES:
        raise BadKubeconfig(missing_required_lib("kubernetes"))
    wanted = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    there = existing(wanted)
    if there:
        return from_files(os.pathsep.join(there), context, temp_dir)
    if kubeconfig or not in_cluster():
        raise BadKubeconfig("There is no kubeconfig at {0}: set the option kubeconfig (fastpath_kubeconfig of the "
                            "playbooks) or the variable KUBECONFIG to the file that leads to the cluster{1}.".format(
                                wanted, _by_full_path(wanted)))
    return from_service_account(context)


def existing(paths: str) -> List[str]:
    """The files of a KUBECONFIG-like list that are there, in its order."""
    expanded = [os.path.expanduser(path) for path in paths.split(os.pathsep) if path]
    return [path for path in expanded if os.path.exists(path)]


def _by_full_path(paths: str) -> str:
    """A module's folder is not that of who runs the playbook (Ansible takes the playbook's own)."""
    relative = any(path and not os.path.isabs(os.path.expanduser(path)) for path in paths.split(os.pathsep))
    return ", by its full path: this one was looked for in {0}".format(os.getcwd()) if relative else ""


def in_cluster() -> bool:
    """True in a pod with a service account, such as an execution environment."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and os.path.exists(SERVICE_ACCOUNT_TOKEN)


def from_files(paths: str, context: Optional[str], temp_dir: Optional[str]) -> Any:
    """Configuration from kubeconfig files that exist."""
    settings = client.Configuration()
    try:
        # persist_config would write refreshed tokens into the user's file.
        within(PLUGIN_TIMEOUT, lambda: config.load_kube_config(
            config_file=paths, context=context, client_configuration=settings, persist_config=False,
            temp_file_path=temp_dir))
    except DeadlinePassed:
        raise Timeout("The credential plugin of kubeconfig {0} did not answer in {1:.0f} s: log in by hand "
                      "first.".format(paths, PLUGIN_TIMEOUT)) from None
    except Exception as error:
        raise unusable(error, paths, context) from None
    if not has_credential(settings):
        # The client only logs a failed credential plugin and would go on as system:anonymous.
        raise BadKubeconfig("Kubeconfig {0} gives no credential: its user has none, or its credential plugin failed. "
                            "Try `kubectl --kubeconfig {0} get nodes`.".format(paths))
    return settings


def unusable(error: Exception, paths: str, context: Optional[str]) -> KubeError:
    """What is wrong with kubeconfig files, as one sentence without their content."""
    if isinstance(error, yaml.YAMLError):
        mark = getattr(error, "problem_mark", None)
        line = " (line {0})".format(mark.line + 1) if mark else ""
        return BadKubeconfig("Kubeconfig {0} is not YAML{1}: repair it or name another.".format(paths, line))
    if isinstance(error, OSError):
        return BadKubeconfig("Kubeconfig {0} cannot be read: {1}.".format(paths, error.strerror or "unknown reason"))
    if isinstance(error, config.ConfigException):
        names = contexts(paths)
        if context and names and context not in names:
            return BadKubeconfig("Kubeconfig {0} has no context {1}; it has {2}.".format(
                paths, one_line(context, 60), ", ".join(one_line(name, 60) for name in names[:SHOWN_CONTEXTS])))
        asked = " with context {0}".format(context) if context else ""
        # From the first brace on, the client quotes the entry itself, token and all.
        said = one_line(str(error).partition("{")[0], 200).rstrip(".")
        return BadKubeconfig("Kubeconfig {0}{1} cannot be used: {2}. See what it has with `kubectl config "
                             "get-contexts`.".format(paths, asked, said))
    # Other exceptions come from odd content and may quote it, so only their type is shown.
    return BadKubeconfig("Kubeconfig {0} is not a valid kubeconfig ({1}): repair it or name another.".format(
        paths, type(error).__name__))


def contexts(paths: str) -> List[str]:
    """Names of the contexts in kubeconfig files; none where they cannot be told."""
    try:
        found = config.list_kube_config_contexts(config_file=paths)[0]
        return sorted(str(entry["name"]) for entry in found)
    except Exception:  # odd content raises anything; what is wrong with it is told by whoever asked
        return []


def from_service_account(context: Optional[str]) -> Any:
    """Configuration from the pod's service account."""
    if context:
        raise BadKubeconfig("A context ({0}) needs a kubeconfig, and there is none: this pod's service account has no "
                            "contexts.".format(context))
    settings = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=settings)
    except config.ConfigException as error:
        raise BadKubeconfig("The pod's service account cannot be used: {0}".format(one_line(error, 200))) from None
    return settings


def has_credential(settings: Any) -> bool:
    """Token, password or client certificate; plain HTTP (`kubectl proxy`) needs none."""
    return bool(settings.auth_settings() or settings.cert_file or str(settings.host).startswith("http://"))
