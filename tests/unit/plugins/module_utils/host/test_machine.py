# Copyright: fastpath.cilium developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import socket
import struct

import pytest

from ansible_collections.fastpath.cilium.plugins.module_utils.host import machine as module
from ansible_collections.fastpath.cilium.plugins.module_utils.host.machine import Answer, HostError, Machine, Recorded

MACHINE = Machine()


def test_a_program_is_run_in_plain_english_without_a_shell():
    assert MACHINE.run(["/bin/sh", "-c", "echo $LC_ALL; exit 3"]) == Answer(3, "C\n")


@pytest.mark.parametrize("argv, kind", [(["/nonexistent/program"], "not_found"), (["/etc"], "failed"),
                                        (["/etc/passwd"], "failed")])
def test_a_program_that_cannot_be_run_is_told(argv, kind):
    with pytest.raises(HostError) as error:
        MACHINE.run(argv)
    assert error.value.kind == kind and argv[0] in error.value.message


def test_a_program_that_does_not_end_is_ended():
    with pytest.raises(HostError) as error:
        MACHINE.run(["/bin/sleep", "30"], seconds=0.2)
    assert error.value.kind == "timeout" and "0.2 s" in error.value.message


def test_the_kernel_answers_a_dump_of_links():
    assert b"lo\0" in MACHINE.netlink(18, struct.pack("=BxHiII", 0, 0, 0, 0, 0))


def test_a_dump_of_a_type_that_does_not_exist_is_an_error_message():
    answer = MACHINE.netlink(9999, b"\0" * 16)
    assert struct.unpack_from("=IH", answer)[1] == module.NLMSG_ERROR


def test_a_device_that_knows_nothing_of_a_request_gives_no_answer():
    assert MACHINE.ethtool("lo", 0x10, 36) == b""
    assert MACHINE.ethtool("nosuchdevice0", 0x03, 196) == b""


def test_a_dump_is_received_up_to_its_end():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        first, last = struct.pack("=IHHII", 16, 16, 2, 1, 0), struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
        theirs.send(first + first)
        theirs.send(last)
        assert module._receive(ours) == first + first + last


def test_a_dump_that_goes_silent_is_a_timeout(monkeypatch):
    class Silent(socket.socket):
        def recv(self, *_arguments):
            raise socket.timeout

    monkeypatch.setattr(module.socket, "socket", Silent)
    with pytest.raises(HostError) as error:
        MACHINE.netlink(18, b"\0" * 16)
    assert error.value.kind == "timeout"


def test_recorded_answers(tmp_path):
    for name, content in (("ethtool/eth0/3c", b"0123456789"), ("ethtool/eth0/3a-02000000", b"blocks"),
                          ("netlink/18", b"links"),
                          ("run/tuned-adm recommend", b'{"code": 0, "output": "balanced\\n"}'), ("run/bad one", b"[]"),
                          ("run/cat :etc:x", b'{"code": 1, "output": ""}')):
        path = tmp_path / ".answers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    recorded = Recorded(str(tmp_path))
    assert recorded.ethtool("eth0", 0x3C, 4) == b"0123" and recorded.ethtool("eth0", 0x3A, 40, b"\2\0\0\0") == b"blocks"
    assert recorded.ethtool("eth0", 0x10, 36) == recorded.ethtool("../eth0", 0x3C, 4) == b""
    assert recorded.netlink(18, b"") == b"links" and recorded.run(["tuned-adm", "recommend"]) == Answer(0, "balanced\n")
    assert recorded.run(["cat", "/etc/x"]).code == 1
    for call, kind in ((lambda: recorded.netlink(22, b""), "not_found"), (lambda: recorded.run(["x"]), "not_found"),
                       (lambda: recorded.run(["bad", "one"]), "garbled")):
        with pytest.raises(HostError) as error:
            call()
        assert error.value.kind == kind
