# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.helm_work import check_names, hide_values, private_folder
from ansible_collections.fastpath.cilium.plugins.module_utils.release_guard import Refused

WAITING = """
import sys, time
from types import SimpleNamespace
from ansible_collections.fastpath.cilium.plugins.module_utils.helm_work import private_folder
with private_folder(SimpleNamespace(tmpdir=sys.argv[1]), "work-") as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def test_the_folder_is_private_and_gone_at_the_end_also_after_an_error(tmp_path):
    former = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(KeyError), private_folder(SimpleNamespace(tmpdir=str(tmp_path)), "work-") as folder:
            assert os.stat(folder).st_mode & 0o777 == 0o700
            raise KeyError
    finally:
        signal.signal(signal.SIGTERM, former)
    assert os.listdir(str(tmp_path)) == []


def test_the_folder_is_gone_where_the_module_is_terminated(tmp_path):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    with subprocess.Popen([sys.executable, "-c", WAITING, str(tmp_path)], stdout=subprocess.PIPE, env=environment) as process:
        assert os.path.isdir(process.stdout.readline().decode().strip())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize("params, key", [
    ({"release_name": "--post-renderer=x"}, "release_name"), ({"release_namespace": "../x"}, "release_namespace"),
    ({"name": "a/b"}, "name"), ({"namespace": ""}, "namespace"), ({"run_id": "a b"}, "run_id")])
def test_names_that_cannot_be_names_are_refused(params, key):
    with pytest.raises(Refused, match="not a valid " + key):
        check_names(params)


def test_names_that_can_be_are_not():
    check_names({"release_name": "rke2-cilium", "namespace": "kube-system", "run_id": "", "chart": "../anything"})


def test_secret_values_stay_unseen():
    module = SimpleNamespace(no_log_values=set(), params={"values": {"extraConfig.etcd-password": "hunter2"}})
    hide_values(module)
    assert module.no_log_values == {"hunter2"}
