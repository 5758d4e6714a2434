# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs a module as Ansible does: a process of its own with JSON arguments on standard input."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Dict, Optional

PACKAGE = "ansible_collections.fastpath.cilium.plugins.modules."


def run_module(module_name: str, check: bool = False, env: Optional[Dict[str, str]] = None,
               **arguments: Any) -> Dict[str, Any]:
    """The module's result document, with `rc`; anything but one JSON document on standard output is an error."""
    arguments.update(_ansible_check_mode=check)
    paths = os.pathsep.join(path for path in sys.path if path)
    # Tests of a fixed token must not pick up whatever this machine's user has.
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("K8S_AUTH_", "KUBE"))}
    done = subprocess.run([sys.executable, "-m", PACKAGE + module_name], check=False, timeout=120, text=True,
                          capture_output=True, input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
                          env=dict(clean, PYTHONPATH=paths, **(env or {})))
    assert "Traceback" not in done.stderr, done.stderr
    return dict(json.loads(done.stdout), rc=done.returncode)
