# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.fastpath.cilium.plugins.module_utils.host import cpufreq
from ansible_collections.fastpath.cilium.plugins.module_utils.host.root import Root, Unread
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.host.recorded import root_of

FOLDER = "sys/devices/system/cpu/cpufreq"


def test_policies_in_order_of_their_numbers(tmp_path):
    found = cpufreq.read(root_of(tmp_path, "many_cpus"), Unread())
    assert [entry["policy"] for entry in found["policies"]][9:12] == ["policy9", "policy10", "policy11"]
    assert found["policies"][1] == {
        "policy": "policy1", "cpus": [1], "driver": "intel_pstate", "governor": "powersave",
        "governors": ["performance", "powersave"],
        "epp": "balance_performance", "epps": ["default", "performance", "balance_performance", "balance_power", "power"],
        "min_khz": 800000, "max_khz": 3200000, "hardware_max_khz": 3200000}
    assert found["boost"] is True


def test_cpus_of_one_policy_are_separated_by_spaces(tmp_path):
    root = root_of(tmp_path, "connectx")
    (tmp_path / FOLDER / "policy0/affected_cpus").write_text("0 1 12 13\n")
    assert cpufreq.policy(root, "policy0")["cpus"] == [0, 1, 12, 13]


def test_boost_as_acpi_cpufreq_and_amd_have_it(tmp_path):
    (tmp_path / FOLDER).mkdir(parents=True)
    for content, on in (("1\n", True), ("0\n", False)):
        (tmp_path / FOLDER / "boost").write_text(content)
        assert cpufreq.boost(Root(str(tmp_path))) is on


def test_a_virtual_machine_scales_nothing(tmp_path):
    unread = Unread()
    assert cpufreq.read(Root(str(tmp_path)), unread) == {"policies": [], "boost": None} and unread.entries == []


def test_one_broken_policy_is_told(tmp_path):
    root, unread = root_of(tmp_path, "connectx"), Unread()
    (tmp_path / FOLDER / "policy2/scaling_max_freq").write_text("fast\n")
    assert [entry["policy"] for entry in cpufreq.read(root, unread)["policies"]] == ["policy0", "policy1", "policy3"]
    assert [entry["what"] for entry in unread.entries] == ["cpufreq/policy2"]
