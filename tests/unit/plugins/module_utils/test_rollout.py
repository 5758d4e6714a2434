# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils import cilium_facts
from ansible_collections.fastpath.cilium.plugins.module_utils.rollout import RolloutStopped, Wish, roll_out
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_api import Reply
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_cilium import CONFIG, FakeCilium

ALL = ["node-1", "node-2", "node-3"]
DSR = {"nodeport_mode": "dsr"}


def wish(nodes=None, **changes):
    given = dict(nodes=list(nodes or ALL), timeout=4.0, settle=0.1, agent_timeout=2.0, expect=dict(DSR))
    return Wish(**dict(given, **changes))


def states(result):
    return {node: entry["state"] for node, entry in result["nodes"].items()}


def configs(result):
    return {node: entry["config"] for node, entry in result["nodes"].items()}


def deletions(api):
    return [request[1].rsplit("/", 1)[1] for request in api.requests if request[0] == "DELETE"]


def stopped(cluster, wanted):
    with pytest.raises(RolloutStopped) as caught:
        roll_out(cluster, wanted)
    return caught.value


def test_all_agents_in_order_one_at_a_time_to_the_new_config(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    order = ["node-3", "node-1", "node-2"]
    result = roll_out(cluster, wish(order, expect_config={"bpf-lb-mode": "dsr", "not-there": None}))
    assert result["changed"] and result["restart"] == order
    assert states(result) == dict.fromkeys(ALL, "restarted_verified") and configs(result) == dict.fromkeys(ALL, "new")
    assert [name.rsplit("-", 1)[0] for name in deletions(api)] == ["cilium-" + node for node in order]
    assert cilium.most_down == 1


def test_a_second_run_restarts_nothing(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    roll_out(cluster, wish())
    del api.requests[:]
    result = roll_out(cluster, wish())
    assert not result["changed"] and states(result) == dict.fromkeys(ALL, "skipped") and deletions(api) == []


def test_a_restart_can_be_asked_for_without_need(api, cilium, cluster):
    result = roll_out(cluster, wish(["node-2"], expect={}, only_if_needed=False))
    assert states(result) == {"node-2": "restarted_verified"} and len(deletions(api)) == 1


def test_never_more_are_down_than_the_batch(api, cluster):
    cilium = FakeCilium(api, nodes=7)
    cilium.replace_after = 0.2
    cilium.configure({"bpf-lb-mode": "dsr"})
    result = roll_out(cluster, wish(cilium.names, batch=3))
    assert set(states(result).values()) == {"restarted_verified"} and cilium.most_down == 3


def test_check_mode_says_which_and_why_and_touches_nothing(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"}, changed=-300)
    cilium.put_pod("node-2", created=-1)
    api.objects.pop([path for path in api.objects if "cilium-node-2-2" in path][0])
    result = roll_out(cluster, wish(), check_mode=True)
    assert result["changed"] and result["restart"] == ["node-1", "node-3"]
    assert states(result) == {"node-1": "untouched", "node-2": "skipped", "node-3": "untouched"}
    assert configs(result) == {"node-1": "old", "node-2": "new", "node-3": "old"}
    assert "started before the last change" in result["nodes"]["node-1"]["detail"] and deletions(api) == []


def test_an_agent_that_reports_something_else_needs_a_restart(api, cilium, cluster):
    result = roll_out(cluster, wish(["node-1"]), check_mode=True)
    assert "nodeport_mode is snat, wanted dsr" in result["nodes"]["node-1"]["detail"]


def test_the_first_that_does_not_come_back_stops_it(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    cilium.broken["node-2"] = 'level=info\nlevel=fatal msg="Node Port \x1b[31mcannot be used with tunneling."'
    begin = time.monotonic()
    stop = stopped(cluster, wish(timeout=30.0))
    assert time.monotonic() - begin < 15, "a crash loop is told before the time is over"
    assert "node-2" in stop.message and "cannot be used with tunneling" in stop.message and "\x1b" not in stop.message
    assert states(stop.result) == {"node-1": "restarted_verified", "node-2": "failed", "node-3": "untouched"}
    assert configs(stop.result) == {"node-1": "new", "node-2": "new", "node-3": "old"} and stop.result["changed"]
    assert len(deletions(api)) == 2


def test_a_pod_that_is_never_made_again(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    cilium.broken["node-1"] = ""
    stop = stopped(cluster, wish(timeout=1.0))
    assert "no new pod was made" in stop.message and configs(stop.result)["node-1"] == "unknown"
    assert states(stop.result) == {"node-1": "failed", "node-2": "untouched", "node-3": "untouched"}


def test_an_agent_that_comes_back_unlike_expected(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "snat"})
    stop = stopped(cluster, wish(timeout=1.0))
    assert "nodeport_mode is snat, wanted dsr" in stop.message
    assert states(stop.result) == {"node-1": "failed", "node-2": "untouched", "node-3": "untouched"}


def test_an_agent_that_comes_back_unhealthy(cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    cilium.health["node-1"] = "Failure"
    assert "its health is failure" in stopped(cluster, wish(timeout=1.0)).message


def test_an_agent_that_keeps_restarting_does_not_settle(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    stop_flapping = threading.Event()

    def flap():
        while not stop_flapping.wait(0.1):
            with api.lock:
                for path, item in api.objects.items():
                    if "/pods/" in path and item["spec"]["nodeName"] == "node-1":
                        item["status"]["containerStatuses"][0]["restartCount"] += 1

    threading.Thread(target=flap, daemon=True).start()
    stop = stopped(cluster, wish(timeout=2.0, settle=1.0))
    stop_flapping.set()
    assert states(stop.result)["node-1"] == "failed" and len(deletions(api)) == 1


def test_accepted_values_may_be_several(cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    expect = {"nodeport_mode": ["hybrid", "dsr"], "dsr_dispatch": ["opt", None], "routing_mode": "native"}
    assert set(states(roll_out(cluster, wish(expect=expect))).values()) == {"restarted_verified"}


def test_a_config_that_is_not_as_expected_restarts_nobody(api, cilium, cluster):
    stop = stopped(cluster, wish(expect_config={"bpf-lb-mode": "dsr", "tunnel": "disabled"}))
    assert "bpf-lb-mode is snat, wanted dsr; tunnel is not there, wanted disabled" in stop.message
    assert deletions(api) == [] and set(states(stop.result).values()) == {"untouched"}


@pytest.mark.parametrize("state, words", [
    (dict(generation=2, observed=1), "not seen its last change"), (dict(updated=1), "1 of 3 agents are updated")])
def test_a_daemonset_that_rolls_by_itself_is_left_alone(api, cilium, cluster, state, words, monkeypatch):
    monkeypatch.setattr(cilium_facts, "PATIENCE", 0.1)
    cilium.put_daemonset(**state)
    stop = stopped(cluster, wish())
    assert words in stop.message and "OnDelete" in stop.message and deletions(api) == []


def test_a_controller_that_takes_a_second_to_see_a_change_is_waited_for(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    cilium.put_daemonset(generation=2, observed=1)
    threading.Timer(1.0, lambda: cilium.put_daemonset(generation=2, observed=2)).start()
    assert set(states(roll_out(cluster, wish())).values()) == {"restarted_verified"}


def test_ondelete_with_a_new_template_is_ours_to_roll(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"}, changed=-900)
    for node in ALL:
        api.objects.pop(cilium.path(node))
        cilium.put_pod(node, created=-600)
    cilium.put_daemonset(generation=2, observed=2, strategy="OnDelete", updated=0, template="2")
    result = roll_out(cluster, wish())
    assert states(result) == dict.fromkeys(ALL, "restarted_verified")
    assert all(item["metadata"]["labels"]["pod-template-generation"] == "2"
               for path, item in api.objects.items() if "/pods/" in path)


def test_agents_down_elsewhere_leave_no_room(api, cilium, cluster):
    cilium.crash("node-3", "level=fatal msg=boom", 9)
    stop = stopped(cluster, wish(["node-1", "node-2"]))
    assert "node-3" in stop.message and "max_unready" in stop.message and deletions(api) == []


def test_agents_down_elsewhere_count_against_the_batch_where_they_are_allowed(api, cluster):
    cilium = FakeCilium(api, nodes=6)
    cilium.replace_after = 0.2
    cilium.configure({"bpf-lb-mode": "dsr"})
    cilium.crash("node-6", "boom", 9)
    result = roll_out(cluster, wish(cilium.names[:5], batch=3, max_unready=1))
    assert set(states(result).values()) == {"restarted_verified"} and cilium.most_down <= 3


def test_a_missing_agent_counts_as_down(api, cilium, cluster):
    api.objects.pop(cilium.path("node-3"))
    assert "no agent" in stopped(cluster, wish(["node-1", "node-2"])).message


def test_broken_agents_come_first_and_alone(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    api.objects.pop(cilium.path("node-3"))
    cilium.crash("node-3", "boom", 9)
    result = roll_out(cluster, wish(batch=2))
    assert set(states(result).values()) == {"restarted_verified"}
    assert ["node-3" in name for name in deletions(api)] == [True, False, False]


def test_a_broken_agent_on_a_node_that_is_away_is_not_touched(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    api.objects.pop(cilium.path("node-3"))
    cilium.crash("node-3", "boom", 9)
    cilium.put_node("node-3", ready=False)
    stop = stopped(cluster, wish())
    assert "Node node-3 is not Ready" in stop.message and deletions(api) == []


def test_agents_that_stay_down_keep_nobody_from_going_back(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    for node in ("node-1", "node-2"):
        api.objects.pop(cilium.path(node))
        cilium.crash(node, "boom", 9)
    cilium.put_node("node-1", ready=False)
    stop = stopped(cluster, wish(down_last=True, max_unready=3))
    assert "Node node-1 is not Ready" in stop.message
    assert states(stop.result) == {"node-1": "untouched", "node-2": "restarted_verified", "node-3": "restarted_verified"}
    assert ["node-3" in name for name in deletions(api)] == [True, False] and stop.result["changed"]


def test_an_agent_that_was_sound_and_does_not_come_back_stops_the_way_back_too(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    api.objects.pop(cilium.path("node-3"))
    cilium.crash("node-3", "boom", 9)
    cilium.broken["node-1"] = "boom"
    stop = stopped(cluster, wish(down_last=True))
    assert states(stop.result) == {"node-1": "failed", "node-2": "untouched", "node-3": "untouched"}


def test_an_agent_lost_meanwhile_stops_before_the_next_batch(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    plain = cilium.replace

    def lose(path, former):
        api.objects[cilium.path("node-3")]["status"]["conditions"][0]["status"] = "False"
        plain(path, former)

    api.on_delete = lose
    stop = stopped(cluster, wish(["node-1", "node-2"]))
    assert "went down meanwhile: node-3" in stop.message
    assert states(stop.result) == {"node-1": "restarted_verified", "node-2": "untouched"}


def test_a_config_changed_meanwhile_stops_before_the_next_batch(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    plain = cilium.replace

    def interfere(path, former):
        plain(path, former)
        time.sleep(0.1)
        cilium.configure({"bpf-lb-mode": "snat"})

    api.on_delete = interfere
    cilium.replace_after = 0.0
    stop = stopped(cluster, wish())
    assert states(stop.result)["node-2"] == "untouched" and len(deletions(api)) == 1


def test_a_pod_replaced_by_someone_else_is_simply_watched(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    plain, former = api.prescribed, cilium.path("node-1")

    def race(method, path):
        if method == "DELETE" and path == former and former in api.objects:
            del api.objects[former]
            cilium.put_pod("node-1")
        return plain(method, path)

    api.prescribed = race
    assert states(roll_out(cluster, wish(["node-1"]))) == {"node-1": "restarted_verified"}


def test_a_denied_deletion_changes_nothing(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    api.script("DELETE", "/pods/", Reply(403, b"{}"))
    stop = stopped(cluster, wish())
    assert "delete pods" in stop.message and set(states(stop.result).values()) == {"untouched"}
    assert stop.result["changed"] is False


def test_an_api_server_that_is_away_for_a_moment_is_waited_for(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    plain, away = api.prescribed, []

    def flicker(method, path):
        if deletions(api) and len(away) < 3:
            away.append(path)
            return Reply(503, b"{}")
        return plain(method, path)

    api.prescribed = flicker
    assert states(roll_out(cluster, wish(["node-1"]))) == {"node-1": "restarted_verified"} and len(away) == 3


def test_unknown_and_repeated_nodes_are_refused(api, cilium, cluster):
    assert "no agent on nowhere" in stopped(cluster, wish(["node-1", "nowhere"])).message
    assert "named once" in stopped(cluster, wish(["node-1", "node-1"])).message
    assert "at least 1" in stopped(cluster, wish(batch=0)).message and deletions(api) == []


def test_a_change_in_the_very_second_of_the_start_is_told_apart(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    cilium.replace_after = 0.0
    result = roll_out(cluster, wish(["node-1"], settle=0.0))
    assert result["nodes"]["node-1"] == {"state": "restarted_verified", "config": "new", "restarts": 0, "detail": ""}
    created = api.objects[cilium.path("node-1")]["metadata"]["creationTimestamp"]
    assert created > api.objects[CONFIG]["metadata"]["managedFields"][0]["time"]


def test_the_log_tells_why_where_the_pod_does_not(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    cilium.broken["node-1"] = " "
    api.script("GET", "/log$", Reply(200, b'level=info msg=a\nlevel=fatal msg="no such device"\nlevel=info msg=bye\n'))
    stop = stopped(cluster, wish(["node-1"]))
    assert 'CrashLoopBackOff: level=fatal msg="no such device"' in stop.message


def test_without_a_daemonset(api, cluster):
    stop = stopped(cluster, wish())
    assert "no DaemonSet of Cilium" in stop.message and set(states(stop.result).values()) == {"untouched"}


def test_where_exec_is_denied_no_agent_is_restarted(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    api.script("GET", "/exec", Reply(403, b"{}"))
    stop = stopped(cluster, wish())
    assert "create pods/exec" in stop.message and set(states(stop.result).values()) == {"untouched"}
    assert deletions(api) == []


def test_agents_with_a_new_configuration_of_their_own_are_made_anew_whatever_they_show(api, cilium, cluster):
    result = roll_out(cluster, wish(expect={"nodeport_mode": "snat"}, renew=["node-2"]))
    assert states(result) == {"node-1": "skipped", "node-2": "restarted_verified", "node-3": "skipped"}
    assert [name.rsplit("-", 1)[0] for name in deletions(api)] == ["cilium-node-2"]
    error = stopped(cluster, wish(["node-1"], renew=["node-2"]))
    assert "not part of the rollout" in error.message and len(deletions(api)) == 1


def test_nodes_apart_report_something_else(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    roll_out(cluster, wish())
    del api.requests[:]
    apart = {"node-2": {}, "node-3": {"nodeport_mode": "dsr"}}
    assert states(roll_out(cluster, wish(expect={"nodeport_mode": "dsr"}, expect_nodes=apart))) == dict.fromkeys(ALL, "skipped")
    error = stopped(cluster, wish(["node-3"], expect_nodes={"node-3": {"nodeport_mode": "hybrid"}}))
    assert "nodeport_mode is dsr, wanted hybrid" in error.message and states(error.result) == {"node-3": "failed"}


def test_an_agent_that_fails_before_it_begins_is_not_waited_for(api, cilium, cluster):
    cilium.configure({"bpf-lb-mode": "dsr"})
    status = {"name": "config", "ready": False, "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
              "lastState": {"terminated": {"message": "Error: connection refused"}}}

    def put_pod(node, **_changes):
        name = FakeCilium.put_pod(cilium, node, ready=False)
        api.objects["/api/v1/namespaces/kube-system/pods/" + name]["status"]["initContainerStatuses"] = [status]
    cilium.put_pod = put_pod
    begin = time.monotonic()
    stop = stopped(cluster, wish(["node-1"], timeout=60.0))
    assert "Error: connection refused" in stop.message and time.monotonic() - begin < 30


def test_what_only_the_pod_tells_can_be_expected(api, cilium, cluster):
    result = roll_out(cluster, wish(["node-1"], expect={"api_host": "default/kubernetes"}))
    assert states(result) == {"node-1": "skipped"}
