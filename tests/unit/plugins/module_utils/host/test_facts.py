# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host.facts import read_host
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import Recorded
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root
from ansible_collections.fastpath.cilium.tests.fixtures.hosts.models import MODELS
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import device, facts_of

KEYS = {"schema", "read_at", "boot_id", "hostname", "os", "kernel", "preemption", "cpus", "cpufreq", "cpuidle", "tuned",
        "irqbalance", "network", "devices", "sysctl", "files", "cloud", "virtualization", "container", "boot_loader", "unread"}
CLASSES = {"denied", "throttled", "unreachable", "timeout", "not_found", "garbled", "conflict", "failed"}
READ = """
import json, sys
from ansible_collections.fastpath.cilium.plugins.module_utils.host.facts import read_host
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root
json.dump(read_host(Root()), sys.stdout)
"""


@pytest.mark.parametrize("model", MODELS)
def test_every_host_gives_the_whole_document(tmp_path, model):
    facts = facts_of(tmp_path, model)
    assert set(facts) == KEYS and facts["schema"] == 1 and re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", facts["read_at"])
    assert json.loads(json.dumps(facts)) == facts  # keys of mappings are text
    assert facts["unread"] == [] or model in ("talos", "container")


def test_a_folder_with_nothing_in_it_is_a_document_of_nothing(tmp_path):
    facts = read_host(Root(str(tmp_path), Recorded(str(tmp_path))))
    assert set(facts) == KEYS and facts["devices"] == [] and facts["boot_id"] is facts["cpus"]["online"] is None
    assert {"boot_id", "os", "kernel/config", "units"} <= {entry["what"] for entry in facts["unread"]}


# --- garbage ---

def spoil(chance: random.Random, path: Path) -> None:
    """Makes a file something that no kernel would have there."""
    content = path.read_bytes() if path.is_file() else b""
    kind = chance.choice(("bytes", "cut", "digits", "gone", "folder", "loop", "pipe", "lines", "escape", "flip"))
    if path.is_dir() and not path.is_symlink():
        return
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "gone":
        position = chance.randrange(len(content) + 1)
        path.write_bytes({
            "bytes": chance.randbytes(chance.randrange(200)), "cut": content[:position],
            "digits": b"9" * chance.randrange(1, 40),
            "lines": content * 3 + b"\n" * 50, "escape": b"\x1b[2J{{ 1 }}\0\xff=\xe2\x80\xae",
            "flip": content[:position] + chance.randbytes(3) + content[position + 3:]}[kind])


@pytest.mark.parametrize("model", ["connectx", "bond", "virtio", "tuned", "isolated"])
def test_garbage_never_raises_and_never_escapes(tmp_path, model):
    chance = random.Random(model)
    whole = Path(MODELS[model](tmp_path / "whole"))
    files = sorted(Path(folder, name).relative_to(whole) for folder, _below, names in os.walk(whole) for name in names)
    for number in range(12):
        spoilt = tmp_path / "spoilt"
        shutil.copytree(whole, spoilt, symlinks=True)
        for name in chance.sample(files, max(1, len(files) * chance.choice((1, 5, 30)) // 100)):
            spoil(chance, spoilt / name)
        facts = read_host(Root(str(spoilt), Recorded(str(spoilt))))
        text = json.dumps(facts, ensure_ascii=False)
        assert set(facts) == KEYS, number
        assert not re.search(r"[\x00-\x1f\x7f\u202e]", text.replace("\\n", "")), number
        assert {entry["class"] for entry in facts["unread"]} <= CLASSES, number
        shutil.rmtree(spoilt)


# --- this machine ---

def test_this_very_machine(tmp_path):
    facts = read_host(Root())
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert facts["boot_id"] == boot_id and facts["kernel"]["release"] == os.uname().release
    assert facts["cpus"]["count"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert device(facts, "lo")["kind"] == "loopback"
    assert device(facts, "lo")["mtu"] == int(Path("/sys/class/net/lo/mtu").read_text())
    assert not [entry for entry in facts["unread"] if entry["class"] == "garbled"]


def script(*lines: str) -> str:
    return "set -e\n" + "\n".join(lines)


@pytest.fixture(name="namespace")
def fixture_namespace():
    """Runs a shell script in a network namespace with a /sys of its own, then reads the host there."""
    tools = [name for name in ("unshare", "ip", "tc") if shutil.which(name) is None]
    if tools:
        pytest.skip(f"there is no {', '.join(tools)}")
    if os.geteuid():
        pytest.skip("needs root for a network namespace")

    def read(*lines: str) -> dict:
        # The interpreter of these tests, with the paths that it has now.
        env = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path), READ=READ,
                   PYTHON=sys.executable)
        body = script("mount -t sysfs sysfs /sys", *lines, '"$PYTHON" -c "$READ"')
        done = subprocess.run(["unshare", "-n", "-m", "sh", "-c", body], check=False, env=env, text=True,
                              capture_output=True, timeout=60)
        if "unshare" in done.stderr or "mount" in done.stderr:
            pytest.skip(f"no namespaces here: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


def test_a_namespace_with_a_bridge_and_a_veth(namespace):
    facts = namespace(
        "ip link add one type veth peer name two", "ip link add bridge0 type bridge", "ip link set one master bridge0",
        "ip link set two mtu 9000", "ip addr add 192.0.2.1/24 dev bridge0", "tc qdisc add dev two clsact",
        "echo 2 > /proc/sys/net/ipv4/conf/two/rp_filter", "echo 3 > /sys/class/net/bridge0/queues/rx-0/rps_cpus || true")
    bridge, two = device(facts, "bridge0"), device(facts, "two")
    assert (bridge["kind"], bridge["driver"], bridge["lowers"], bridge["real"]) == ("bridge", "bridge", ["one"], [])
    assert bridge["addresses"] == ["192.0.2.1/24"] and bridge["mtu_max"] == 65535 and bridge["offloads"]["rx-gro"] is True
    assert device(facts, "one")["master"] == "bridge0"
    assert (two["kind"], two["mtu"], two["rp_filter"], two["qdisc"]["others"]) == ("veth", 9000, 2, ["clsact"])
    assert not [entry for entry in facts["unread"] if entry["what"].startswith("devices")]


def test_hundreds_of_pods_take_no_time(namespace):
    facts = namespace("for n in $(seq 100); do echo link add lxc$n type veth peer name pod$n; done | ip -batch -")
    assert len([entry for entry in facts["devices"] if entry["kind"] == "veth"]) == 200
    assert len(json.dumps(facts["devices"])) < 200 * 400
