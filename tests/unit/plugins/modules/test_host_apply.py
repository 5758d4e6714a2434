# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""host_apply on a real kernel, in namespaces of its own."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.module_process import run_module
from ansible_collections.fastpath.cilium.tests.unit.plugins.modules.namespace import Namespace, why_not

needs_namespace = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
FORWARD = "/proc/sys/net/ipv4/conf/v0/rp_filter"
SITE = "/etc/sysctl.d/10-site.conf"
OPS = [
    {"kind": "link", "device": "v0", "mtu": 9000},
    {"kind": "queues", "device": "v0", "rx": 2, "tx": 2},
    {"kind": "qdisc", "device": "v0", "discipline": "pfifo"},
    {"kind": "qdisc", "device": "v2", "discipline": "pfifo"},
    {"kind": "value", "path": FORWARD, "value": "2"},
    {"kind": "value", "path": "/sys/class/net/v2/queues/rx-0/rps_cpus", "value": "1", "compare": "mask"},
    {"kind": "file", "path": SITE, "content": "net.ipv4.ip_forward = 1\n", "persist": True},
    {"kind": "file", "path": "/etc/sysctl.d/ours/x.conf", "content": "x\n", "persist": True},
]


@pytest.fixture
def machine():
    found = Namespace()
    yield found
    found.end()


def wait_for(what, seconds):
    until = time.monotonic() + seconds
    while not what() and time.monotonic() < until:
        time.sleep(0.1)
    return what()


@needs_namespace
def test_on_trial_confirmed_and_taken_back_without_a_trace(machine):
    before = machine.snapshot()
    planned = machine.module("host_apply", check=True, run_id="run-1", ops=OPS)
    assert planned["changed"] and machine.snapshot() == before
    done = machine.module("host_apply", run_id="run-1", ops=OPS, confirm_within=60)
    assert [(one["key"], one["former"], one["new"]) for one in done["ops"]] == [
        (one["key"], one["former"], one["new"]) for one in planned["ops"]]
    assert {one["key"]: one["state"] for one in done["ops"] if one["persist"]} == dict.fromkeys(
        ("file " + SITE, "file /etc/sysctl.d/ours/x.conf"), "withheld")
    assert machine.mtu("v0") == 9000 and machine.run("cat", FORWARD) == "2\n"
    assert "pfifo" in machine.run("tc", "qdisc", "show", "dev", "v2") and "forward = 0" in machine.run("cat", SITE)
    assert [text["after"] for text in done["diff"]][0] == "9000\n"
    confirmed = machine.module("host_apply", run_id="run-1", state="confirmed")
    assert confirmed["changed"] and "forward = 1" in machine.run("cat", SITE)
    again = machine.module("host_apply", run_id="run-1", ops=OPS)
    assert not again["changed"] and {one["state"] for one in again["ops"]} == {"in_place"}
    back = machine.module("host_revert", run_id="run-1")
    assert back["changed"] and {one["outcome"] for one in back["ops"]} == {"restored"}
    assert machine.snapshot() == before


@needs_namespace
def test_not_confirmed_it_is_taken_back_within_the_time_and_five_seconds(machine):
    before = machine.snapshot()
    began = time.monotonic()
    machine.module("host_apply", run_id="run-1", ops=OPS, confirm_within=4)
    assert machine.mtu("v0") == 9000
    assert wait_for(lambda: machine.mtu("v0") == 1500, 4 + 5 - (time.monotonic() - began) + 4)
    late = machine.module("host_apply", run_id="run-1", state="confirmed")
    assert late["failed"] and late["error_class"] == "conflict" and "has undone itself at" in late["msg"]
    machine.module("host_revert", run_id="run-1")
    assert machine.snapshot() == before


@needs_namespace
def test_a_controller_that_is_killed_between_arm_and_confirm_leaves_no_larger_packets(machine, tmp_path):
    """The session that called the module ends as a lost ssh connection does, with a hangup and a kill of all of it."""
    arguments = tmp_path / "arguments.json"
    arguments.write_text('{"ANSIBLE_MODULE_ARGS": {"run_id": "run-1", "confirm_within": 6, '
                         '"ops": [{"kind": "link", "device": "v0", "mtu": 9000}]}}')
    script = (f"{sys.executable} -m ansible_collections.fastpath.cilium.plugins.modules.host_apply < {arguments}; sleep 100")
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(os.path.abspath(path) for path in sys.path if path))
    session = subprocess.Popen(machine.inside("sh", "-c", script), stdout=subprocess.PIPE, env=env, start_new_session=True)
    said = next(line for line in session.stdout if line.strip())
    assert b'"armed": {"confirm_within": 6}' in said and machine.mtu("v0") == 9000
    os.killpg(session.pid, signal.SIGHUP)
    os.killpg(session.pid, signal.SIGKILL)
    session.wait()
    assert wait_for(lambda: machine.mtu("v0") == 1500, 6 + 5)


@needs_namespace
def test_an_op_that_the_kernel_refuses_takes_the_others_along(machine):
    before = machine.snapshot()
    failed = machine.module("host_apply", run_id="run-1", ops=[
        {"kind": "value", "path": FORWARD, "value": "2"},
        {"kind": "value", "path": "/proc/sys/net/ipv4/tcp_congestion_control", "value": "no-such"}])
    assert failed["failed"] and "tcp_congestion_control" in failed["msg"] and "All of this call was taken back." in failed["msg"]
    assert machine.snapshot() == before
    too_many = machine.module("host_apply", run_id="run-1", ops=[{"kind": "queues", "device": "v0", "rx": 99}])
    assert "v0 has at most 4 rx queues, 99 are asked for" in too_many["msg"] and machine.snapshot() == before


@needs_namespace
def test_a_playbook_takes_it_there_and_back(machine, tmp_path):
    book = tmp_path / "book.yml"
    book.write_text("""
- hosts: localhost
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    number: 9000
  tasks:
    - fastpath.cilium.host_apply:
        run_id: run-1
        ops:
          - {kind: link, device: v0, mtu: "{{ number }}"}
          - {kind: file, path: /etc/sysctl.d/wifi.conf, content: "psk=geheim", mode: "0600", persist: true}
    - ansible.builtin.meta: reset_connection
    - fastpath.cilium.host_apply: {run_id: run-1, state: confirmed}
    - ansible.builtin.slurp: {src: /etc/sysctl.d/wifi.conf}
      register: written
      no_log: true
    - ansible.builtin.assert: {that: "(written.content | b64decode) == 'psk=' ~ 'ge' ~ 'heim'"}
    - fastpath.cilium.host_apply: {run_id: run-1, state: finished}
    - fastpath.cilium.host_revert: {run_id: run-1}
""")
    before = machine.snapshot()
    top = Path(__file__).resolve().parents[4]
    env = dict(os.environ, ANSIBLE_CONFIG=str(top / "ansible.cfg"), ANSIBLE_LOCAL_TEMP=str(tmp_path / "tmp"),
               ANSIBLE_COLLECTIONS_PATH=str(top / ".ansible/collections"))
    done = subprocess.run(machine.inside(str(Path(sys.executable).with_name("ansible-playbook")), "-vvv", "--diff", str(book)),
                          check=False, capture_output=True, text=True, env=env, cwd=str(top), timeout=300)
    assert done.returncode == 0 and "changed=4" in done.stdout, done.stdout + done.stderr
    assert "geheim" not in done.stdout.replace("'heim'", ""), "the content of a private file is shown"
    assert machine.snapshot() == before


def test_options_that_are_none_are_refused_in_one_sentence():
    failed = run_module("host_apply", run_id="run-1", ops=[{"kind": "files"}])
    assert failed["failed"] and "value of kind must be one of" in failed["msg"]
    failed = run_module("host_apply", run_id="../x", check=True, ops=[])
    assert failed["failed"] and failed["error_class"] == "failed" and "is no run id" in failed["msg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_without_root_it_says_what_to_do():
    from ansible_collections.fastpath.cilium.plugins.module_utils.change import apply, errors, node

    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        try:
            apply.apply(node.Node(), apply.Request("run-1", []))
        except errors.Denied as error:
            os._exit(0 if "use become" in error.message else 3)
        os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
