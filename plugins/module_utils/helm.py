# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The helm binary, version 3.14+ or 4: used to render and to write, never to look (see helm_release.py)."""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import Dict, List, Optional, Tuple

from ansible_collections.fastpath.cilium.plugins.module_utils.kube_errors import Failed, Garbled, Timeout
from ansible_collections.fastpath.cilium.plugins.module_utils.redaction import redacted, secret_strings
from ansible_collections.fastpath.cilium.plugins.module_utils.text import one_line

OLDEST = (3, 14)
# Helm's default; what a release keeps beyond it is kept.
HISTORY_MAX = 10
# A run of many steps makes two revisions a step, and has to find the one before its first: so many are kept for that.
HISTORY_OF_RUNS = 50
# After SIGTERM Helm marks the release as failed instead of leaving it pending.
GRACE = 10.0
QUOTED_OBJECT = re.compile(r'\\*"\{.*\}\\*"', re.DOTALL)


class HelmFailed(Failed):
    """Helm ran and refused; its own words."""


class Helm:
    """One release as the helm binary sees it."""

    def __init__(self, binary: str, name: str, namespace: str, directory: str, kubeconfig: Optional[str] = None,
                 context: Optional[str] = None, timeout: float = 300.0) -> None:
        """`directory`: an empty private folder for Helm's own files; `timeout`: seconds for each call."""
        self.binary = binary
        self.name = name
        self.timeout = timeout
        self.where = ["--namespace", namespace] + (["--kube-context", context] if context else [])
        self.environment = environment(directory, kubeconfig)

    def render(self, chart: str, values: dict) -> dict:
        """The release that an upgrade would make, rendered against the cluster; nothing is stored."""
        answer = self._upgrade(chart, values, ["--dry-run=server"])
        try:
            release = json.loads(answer)
            complete = isinstance(release["manifest"], str)
        except (ValueError, KeyError, TypeError):
            complete = False
        if not complete:
            raise Garbled("{0} upgrade --dry-run gave no JSON release: is it Helm?".format(self.binary))
        return release

    def upgrade(self, chart: str, values: dict, description: str, history: int) -> None:
        """Makes a new revision from exactly these user values; `history`: revisions there are now."""
        self._upgrade(chart, values, ["--history-max", str(history_max(history)), "--description", description])

    def _upgrade(self, chart: str, values: dict, options: List[str]) -> str:
        # Values go in through stdin (`--values -`), so that secrets among them never reach a disk.
        return self.run(["upgrade", self.name, chart, "--reset-values", "--values", "-", "--output", "json"]
                        + self.where + options, json.dumps(values), secret_strings(values))

    def rollback(self, revision: int, history: int) -> None:
        """Makes a new revision that is a copy of this one, manifest and certificates included."""
        self.run(["rollback", self.name, str(revision), "--history-max", str(history_max(history))] + self.where)

    def run(self, arguments: List[str], stdin: str = "", secrets: set = frozenset()) -> str:
        """Helm's stdout. Raises HelmFailed with its message, Timeout."""
        try:
            with subprocess.Popen([self.binary] + arguments, env=self.environment, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                out, err = self._communicate(process, arguments[0], stdin.encode())
        except OSError as error:
            raise Failed("{0} cannot be run: {1}. Give the path of Helm 3.14 or newer with the option helm.".format(
                self.binary, error.strerror)) from None
        if process.returncode != 0:
            raise HelmFailed(message_of(err.decode("utf-8", "replace"), process.returncode, secrets))
        return out.decode("utf-8", "replace")

    def _communicate(self, process: subprocess.Popen, verb: str, stdin: bytes) -> Tuple[bytes, bytes]:
        try:
            return process.communicate(stdin, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            process.terminate()
        except BaseException:  # this process is asked to end: Helm must not go on alone
            process.terminate()
            raise
        try:
            process.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
        raise Timeout("helm {0} did not end within {1:g} s and was stopped; look at `helm history {2}` before trying "
                      "again.".format(verb, self.timeout, self.name))


def history_max(history: int) -> int:
    """How many revisions Helm shall keep, the new one included, where there are so many now."""
    return max(HISTORY_MAX, history if history >= HISTORY_OF_RUNS else history + 1)


def find(wanted: Optional[str]) -> str:
    """Path of a usable helm binary. Raises Failed when there is none or it is too old."""
    binary = os.path.expanduser(wanted) if wanted else shutil.which("helm")
    if not binary:
        raise Failed("There is no helm in PATH: install Helm 3.14 or newer, or give its path with the option helm "
                     "(fastpath_helm of the playbooks).")
    found = version(binary)
    if found < OLDEST:
        raise Failed("{0} is Helm {1}: Helm {2} or newer is needed.".format(
            binary, ".".join(map(str, found)), ".".join(map(str, OLDEST))))
    return binary


def version(binary: str) -> Tuple[int, int]:
    """(major, minor) of a helm binary."""
    try:
        done = subprocess.run([binary, "version", "--template={{.Version}}"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed("{0} cannot be run ({1}): give the path of Helm 3.14 or newer with the option helm.".format(
            binary, one_line(getattr(error, "strerror", None) or type(error).__name__, 100))) from None
    match = re.match(r"v?(\d{1,4})\.(\d{1,4})", done.stdout.decode("utf-8", "replace").strip())
    if done.returncode != 0 or match is None:
        raise Failed("{0} does not tell a Helm version: give the path of Helm 3.14 or newer with the option "
                     "helm.".format(binary))
    return int(match.group(1)), int(match.group(2))


def environment(directory: str, kubeconfig: Optional[str]) -> Dict[str, str]:
    """The environment without any Helm setting of the user: repositories, plugins, driver, other clusters."""
    result = {key: value for key, value in os.environ.items() if not key.startswith("HELM_")}
    for part in ("CACHE", "CONFIG", "DATA"):
        result["HELM_{0}_HOME".format(part)] = os.path.join(directory, "helm", part.lower())
    result["HELM_DRIVER"] = "secret"
    if kubeconfig:
        result["KUBECONFIG"] = os.path.abspath(os.path.expanduser(kubeconfig))
    return result


def message_of(stderr: str, code: int, secrets: set) -> str:
    """Helm's error in one line: without warnings before it, whole objects, control characters and secrets."""
    start = stderr.rfind("\nError: ")
    text = stderr[start + 1:] if start >= 0 else stderr
    text = QUOTED_OBJECT.sub('"{...}"', text)
    line = one_line(redacted(text, secrets), 500)
    return line or "helm ended with code {0} and said nothing.".format(code)
