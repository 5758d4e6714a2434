# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the modules that run helm have in common: names that are checked, a private folder, and values that stay unseen."""
from __future__ import annotations

import re
import shutil
import signal
import tempfile
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator

from ansible_collections.fastpath.cilium.plugins.module_utils import helm
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import secret_strings
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import Refused

# What Kubernetes allows; such names can be neither a flag of helm nor another path of the API.
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?\Z")
RUN_ID = re.compile(r"[A-Za-z0-9._-]{0,64}\Z")
NAMES = (("release_name", NAME), ("release_namespace", NAME), ("name", NAME), ("namespace", NAME), ("run_id", RUN_ID))


def check_names(params: Dict[str, Any]) -> None:
    """Raises Refused for names, among those that are parameters, that cannot be names."""
    for key, pattern in NAMES:
        if key in params and not pattern.match(params[key]):
            raise Refused("{0} is not a valid {1}.".format(repr(params[key])[:80], key))


def helm_for(params: Dict[str, Any], directory: str) -> Callable[[], helm.Helm]:
    """Finds the helm program for a module's release, when it is needed."""
    def found() -> helm.Helm:
        return helm.Helm(helm.find(params["helm"]), params["release_name"], params["release_namespace"], directory,
                         params["kubeconfig"], params["context"], params["timeout"])
    return found


@contextmanager
def private_folder(module: Any, prefix: str) -> Iterator[str]:
    """A folder for what helm is given, gone at the end, also where the module is terminated."""
    signal.signal(signal.SIGTERM, ended)
    directory = tempfile.mkdtemp(prefix=prefix, dir=module.tmpdir)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def ended(number: int, _frame: Any) -> None:
    """Without this a terminated module would leave its folder, and helm without a parent, behind."""
    raise SystemExit(128 + number)


def hide_values(module: Any) -> None:
    """Secrets among the values stay out of all that the module prints."""
    module.no_log_values.update(one for one in secret_strings(module.params["values"] or {}) if len(one) > 3)
