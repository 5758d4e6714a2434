# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pods are real: their commands run, their words are kept, they are moved off a node that is gone."""
from __future__ import annotations

import pytest
from fabrickit import NAMESPACE, wait
from kubernetes.stream import stream

pytestmark = pytest.mark.fabric


def run(fabric, *command):
    session = stream(fabric.core().connect_get_namespaced_pod_exec, "backend-1", NAMESPACE, command=list(command), stdout=True,
                     stderr=True, stdin=False, tty=False, _preload_content=False)
    session.run_forever(timeout=30)
    code, out = session.returncode, session.read_stdout(timeout=0)
    session.close()
    return code, out


def test_exec_gives_exit_codes_and_output(fabric):
    assert run(fabric, "exit", "7")[0] == 7
    code, out = run(fabric, "env")
    assert code == 0 and "HOSTNAME=backend-1" in out


def test_container_that_ends_is_started_again(fabric):
    core = fabric.core()
    name = "restless"
    core.create_namespaced_pod(NAMESPACE, {
        "metadata": {"name": name},
        "spec": {"nodeName": "node-1", "terminationGracePeriodSeconds": 0,
                 "containers": [{"name": "once", "image": "fabric.local/tool:1", "args": ["exit", "3"]}]}})
    try:
        def restarted():
            statuses = core.read_namespaced_pod(name, NAMESPACE).status.container_statuses or []
            return statuses and statuses[0].restart_count > 0 and (statuses[0].last_state.terminated or statuses[0].state.terminated)
        assert wait(restarted).exit_code == 3
    finally:
        core.delete_namespaced_pod(name, NAMESPACE)
