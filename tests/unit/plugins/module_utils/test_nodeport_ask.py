# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import socket
import threading
import time

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.nodeport_ask import Bounds, Wrong, ask_all, client_address
from ansible_collections.fastpath.cilium.tests.unit.plugins.module_utils.fake_netexec import NetExec

QUICK = Bounds(timeout=0.6, attempts=1, pause=0.05, mtu=1500)


def targets(pod, protocols=("tcp", "udp"), rooms=(None,), **other):
    return [dict({"entry": "a", "backend": "b", "address": pod.address, "port": pod.ports[protocol], "protocol": protocol,
                  "family": "ipv6" if ":" in pod.address else "ipv4", "hostname": pod.hostname, "rooms": list(rooms)}, **other)
            for protocol in protocols]


def states(answers):
    return [answer["state"] for answer in answers]


@pytest.mark.parametrize("address", ["127.0.0.3", "::1"])
def test_small_and_full_requests_are_answered(address):
    with NetExec(address, "probe-1") as pod:
        answers = ask_all(targets(pod, rooms=(None, 0, 8, 50)), QUICK)
    assert states(answers) == ["reached"] * 8
    small = [answer for answer in answers if answer["room"] is None]
    assert all(answer["seen"] == answer["own"] and answer["answered"] == "probe-1" and answer["port"] for answer in small)
    assert small[0]["connect_ms"] >= 0 and small[1]["connect_ms"] is None
    assert "/echo" in pod.asked and {"/clientip", "/hostname"} <= set(pod.asked)


def test_the_clients_address_is_the_one_that_the_backend_saw():
    with NetExec("127.0.0.3", "probe-1", seen="192.0.2.7") as pod:
        assert [answer["seen"] for answer in ask_all(targets(pod), QUICK)] == ["192.0.2.7"] * 2


def test_datagrams_without_head_room_are_lost_and_smaller_ones_are_not():
    with NetExec("127.0.0.3", "probe-1", most=1500 - 28 - 20) as pod:
        answers = ask_all(targets(pod, ["udp"], rooms=(None, 0, 8, 50)), QUICK)
    assert states(answers) == ["reached", "timeout", "timeout", "reached"]


def test_a_datagram_larger_than_netexec_reads():
    with NetExec("127.0.0.3", "probe-1") as pod:
        assert states(ask_all(targets(pod, rooms=(None, 0)), QUICK._replace(mtu=9000))) == ["reached"] * 4


def test_one_lost_datagram_is_no_failure():
    with NetExec("127.0.0.3", "probe-1", lose=1) as pod:
        assert states(ask_all(targets(pod, ["udp"]), QUICK)) == ["reached"]


def test_nobody_there():
    with NetExec("127.0.0.3", "probe-1") as pod:
        asked = targets(pod, rooms=(None, 0))
    answers = ask_all(asked, QUICK)
    assert states(answers) == ["refused", "not_asked", "refused", "not_asked"] and answers[0]["attempts"] == 1


def test_another_backend_is_no_answer():
    with NetExec("127.0.0.3", "probe-2") as pod:
        answers = ask_all(targets(pod, hostname="probe-1"), QUICK)
    assert states(answers) == ["wrong_answer"] * 2 and {answer["answered"] for answer in answers} == {"probe-2"}


@pytest.mark.parametrize("raw", [
    b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n1.2.3.4:5",
    b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<htm>", b"x" * 9000,
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\x1b[31m\xff\xfe:1"])
def test_what_is_not_netexec_is_a_wrong_answer(raw):
    with NetExec("127.0.0.3", "probe-1") as pod:
        pod.raw = raw
        answer = ask_all(targets(pod, ["tcp"]), QUICK)[0]
    assert answer["state"] == "wrong_answer" and "\x1b" not in answer["said"] and answer["answered"] is None


def test_datagrams_that_are_not_netexecs():
    with NetExec("127.0.0.3", "probe-1") as pod:
        pod.reply = lambda text: b"nonsense" if text == b"clientip" else b"$(reboot)"
        assert states(ask_all(targets(pod, ["udp"]), QUICK)) == ["wrong_answer"]
        pod.reply = lambda text: b"short" if text.startswith(b"echo") else None
        assert states(ask_all(targets(pod, ["udp"], rooms=(None, 0)), QUICK)) == ["reached", "wrong_answer"]


def listening(act):
    server = socket.socket()
    server.bind(("127.0.0.4", 0))
    server.listen(8)

    def serve():
        while True:
            try:
                act(server.accept()[0])
            except OSError:
                return
    threading.Thread(target=serve, daemon=True).start()
    return server


def one(server, bounds=QUICK):
    return ask_all([{"entry": "a", "backend": "b", "address": "127.0.0.4", "port": server.getsockname()[1], "protocol": "tcp",
                     "family": "ipv4", "hostname": "x", "rooms": [None]}], bounds)[0]


def test_a_server_that_only_accepts_or_drips_does_not_hold_the_client():
    held = []

    def drip(link):
        held.append(link)
        for _number in range(40):
            link.sendall(b"x")
            time.sleep(0.1)
    for act in (held.append, drip):
        server = listening(act)
        began = time.monotonic()
        assert one(server)["state"] == "timeout" and time.monotonic() - began < 2
        server.close()


def test_a_reset_is_told_apart_from_a_timeout():
    def reset(link):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        link.recv(1)
        link.close()
    for act in (reset, lambda link: link.close()):
        server = listening(act)
        assert one(server)["state"] == "reset"
        server.close()


def test_what_fails_is_asked_again():
    seen = []

    def second(link):
        seen.append(link)
        link.recv(1000)
        if len(seen) > 1:
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1.2.3.4:5")
            link.recv(1000)
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        link.close()
    server = listening(second)
    answer = one(server, QUICK._replace(attempts=3))
    server.close()
    assert (answer["state"], answer["attempts"], answer["seen"]) == ("reached", 2, "1.2.3.4")


def test_no_way_to_a_family_is_unreachable_and_garbage_addresses_do_not_raise():
    target = {"entry": "a", "backend": "b", "protocol": "udp", "family": "ipv4", "hostname": "x", "rooms": [None], "port": 9}
    assert ask_all([dict(target, address="255.255.255.255")], QUICK)[0]["state"] == "unreachable"
    assert ask_all([dict(target, address="no address; rm")], QUICK)[0]["state"] == "failed"


@pytest.mark.parametrize(("text", "address"), [
    ("192.0.2.1:80", "192.0.2.1"), ("[2001:db8::1]:80", "2001:db8::1"), ("[::ffff:192.0.2.1]:9", "192.0.2.1"),
    ("[fe80::1%eth0]:9", "fe80::1")])
def test_client_addresses(text, address):
    assert client_address(text) == address


@pytest.mark.parametrize("text", ["", ":", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:99999", "192.0.2:80", "[x]:80", "a:b", "1.2.3.4:-1"])
def test_what_is_none(text):
    with pytest.raises(Wrong):
        client_address(text)
