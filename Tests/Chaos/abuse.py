"""Children and control clients that break the protocol between the processes."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import struct
import sys

from house import House, changed_build, is_alive, wait_for
from kills import assert_tidy, settled_descriptors
from report import NotChecked
from traffic import Traffic

FAKE = pathlib.Path(__file__).resolve().with_name("fake_proxy.py")
SCRIPT = (
    '#!/bin/sh\n[ "$1" = proxy ] && [ -e {directory}/case ] &&'
    f' exec {sys.executable} -ISB {FAKE} {{directory}}/case\n'
    'exec {directory}/real-proxy "$@"\n')


def frame(kind, payload=b"", version=1, announced=0, reserved=0, length=None, **more):
    length = len(payload) if length is None else length
    return {"data": (struct.pack("<BBBBI", version, kind, announced, reserved, length) + payload).hex()} | more


READY, PONG, DRAINED = 1, 2, 3

# What is sent, and what the log must call it.
VIOLATIONS = {
    "a packet of one byte": ({"data": "01"}, "shorter than a frame header"),
    "a packet of seven bytes": ({"data": "01010000000000"}, "shorter than a frame header"),
    "another version": (frame(READY, version=2), "protocol version 2"),
    "version 0": (frame(READY, version=0), "protocol version 0"),
    "reserved bits": (frame(READY, reserved=1), "reserved bits"),
    "two descriptors announced": (frame(READY, announced=2), "reserved bits"),
    "a descriptor announced and not sent": (frame(READY, announced=1), "lacks its descriptor"),
    "a descriptor sent and not announced": (frame(READY, descriptors=1), "must not carry"),
    "a descriptor where none belongs": (frame(READY, announced=1, descriptors=1), "must not carry"),
    "five descriptors": (frame(READY, announced=1, descriptors=5), "did not fit"),
    "two hundred descriptors": (frame(READY, announced=1, descriptors=200), "did not fit"),
    "a length beyond the packet": (frame(READY, length=4), "length field says 4 bytes"),
    "a length of four gigabytes": (frame(READY, length=0xFFFF_FFFF), "length field says"),
    "bytes behind the length": (frame(READY, b"abcd", length=0), "length field says 0 bytes"),
    "type 0": (frame(0), "unknown message type 0"),
    "type 255": (frame(255), "unknown message type 255"),
    "a message of the other direction": (frame(16), "unknown message type 16"),
    "a packet over every cap": (frame(READY, length=60_000, zeros=60_000), "did not fit"),
    "one byte over the largest payload": (frame(READY, length=16_385, zeros=16_385), "length field says"),
    "a pong that is too long": (frame(PONG, b"12345678"), "longer than it may be"),
    "a pong that is too short": (frame(PONG, b"12"), "malformed"),
    "a ready with a payload": (frame(READY, b"x"), "longer than it may be"),
    "drained before ready": (frame(DRAINED, b"\0\0\0\0"), "not allowed"),
    "ready twice in a row": (frame(READY, times=2), "not allowed"),
}
WHEN_SERVING = {
    "ready again": (frame(READY), "not allowed"),
    "drained without a drain": (frame(DRAINED, b"\0\0\0\0"), "not allowed"),
    "a short packet": ({"data": "01"}, "shorter than a frame header"),
    "an unknown type": (frame(77), "unknown message type 77"),
    "a descriptor": (frame(PONG, b"\0\0\0\0", announced=1, descriptors=1), "must not carry"),
}


def prepare(build, case):
    (build / "next").write_text(json.dumps(case))
    os.rename(build / "next", build / "case")


def violations(house, words):
    return house.logged("broke the protocol and is ended", words)


def by_replacements(decoder):
    """As a replacement, so that a real proxy serves all the time: nothing of it may be touched."""
    with changed_build(proxy=SCRIPT) as build, House(decoder.port, build=build) as house:
        before, held = house.pids(), settled_descriptors(house)
        for number, (name, (bad, words)) in enumerate(VIOLATIONS.items(), start=1):
            prepare(build, {"frames": [bad]})
            house.process.send_signal(signal.SIGUSR2)
            if name == "ready twice in a row":
                # The first one makes it the serving proxy; it is ended all the same, and a real one follows.
                wait_for(lambda: violations(house, words), f"{name} punished")
                house.wait_new("proxy", before["proxy"])
                house.wait_ready()
                before["proxy"] = house.pids()["proxy"]
            else:
                wait_for(lambda n=number: house.metrics()["sidecar_ipc_violations_total"] == n, f"{name} counted")
                wait_for(lambda n=number: len(violations(house, "")) == n, f"{name} logged")
                assert words in violations(house, "")[-1], f"{name}: {violations(house, '')[-1]}"
                ended = json.loads(violations(house, "")[-1])["child_pid"]
                wait_for(lambda pid=int(ended): not is_alive(pid), f"{name}: the sender ended", timeout=3)
            house.works()
            assert house.pids() == before, f"{name}: {before} became {house.pids()}"
        wait_for(lambda: len(house.children()) == 3, "only the three children")
        assert_tidy(house, held)
    return f"{len(VIOLATIONS)} violations"


def by_current(decoder):
    """As the one serving proxy: it is ended, new connections wait, and a real one takes over."""
    with changed_build(proxy=SCRIPT) as build, House(decoder.port, build=build) as house:
        before, held = house.pids(), settled_descriptors(house)
        for number, (name, (bad, words)) in enumerate(WHEN_SERVING.items(), start=1):
            prepare(build, {"ready": True, "frames": [bad]})
            os.kill(house.pids()["proxy"], signal.SIGKILL)
            wait_for(lambda n=number: len(violations(house, "")) == n, f"{name} punished")
            assert words in violations(house, "")[-1], f"{name}: {violations(house, '')[-1]}"
            house.works()
            house.wait_ready()
            after = house.pids()
            assert (after["dialer"], after["admin"]) == (before["dialer"], before["admin"]), name
        assert house.metrics()["sidecar_ipc_violations_total"] == len(WHEN_SERVING)
        assert_tidy(house, held)
    return f"{len(WHEN_SERVING)} violations"


def flood(decoder):
    """100,000 harmless frames, then a million bytes of log and more: the others are served meanwhile."""
    with changed_build(proxy=SCRIPT) as build, House(decoder.port, build=build) as house:
        before = house.pids()
        with SmallTraffic(house, decoder) as traffic:
            prepare(build, {"frames": [frame(PONG, b"\0\0\0\0", times=100_000), frame(99)]})
            house.process.send_signal(signal.SIGUSR2)
            wait_for(lambda: house.metrics()["sidecar_ipc_violations_total"] == 1, "the end of the flood", 60)
            wait_for(lambda: len(house.children()) == 3, "the sender of the flood ended")
            prepare(build, {"log_lines": 100_000, "frames": [], "linger": 0})
            house.process.send_signal(signal.SIGUSR2)
            # Not from the log: lines of the supervisor may be among those that are dropped.
            wait_for(lambda: not (build / "case").exists() and len(house.children()) == 3, "the end of the log", 60)
            lines = len(house.logged('"message":"flood'))
            assert lines < 20_000, f"{lines} of 100,000 lines came through: there is no limit"
        assert not traffic.troubles, traffic.troubles[:3]
        assert house.pids() == before
        assert house.metrics()["sidecar_log_lines_dropped_total"] > 0
        return f"{lines} log lines let through, {traffic.count('small') * 3} requests well meanwhile"


class SmallTraffic(Traffic):
    """Small requests and connects only."""

    def __init__(self, house, decoder):
        super().__init__(house, decoder, decoder, streams=0, small=2, probers=1)


def descriptors(decoder):
    """Packets full of descriptors, more of them than are ever read."""
    with changed_build(proxy=SCRIPT) as build, House(decoder.port, build=build) as house:
        before = settled_descriptors(house)
        for count in (1, 4, 5, 50, 250):
            prepare(build, {"frames": [frame(PONG, b"\0\0\0\0", announced=1, descriptors=count, times=8)]})
            seen = len(violations(house, ""))
            house.process.send_signal(signal.SIGUSR2)
            wait_for(lambda n=seen: len(violations(house, "")) > n, f"{count} descriptors punished")
            wait_for(lambda: len(house.children()) == 3, "the sender gone")
        house.works()
        assert_tidy(house, before)


def dial(identity, purpose, address, port, milliseconds=1000):
    """Proxy to dialer: an IPv4 target in mapped form, as two numbers of 64 bits."""
    low = 0xFFFF_0000_0000 | int.from_bytes(socket.inet_aton(address), "big")
    return frame(1, struct.pack("<IBQQHI", identity, purpose, 0, low, port, milliseconds))


def of_the_dialer(decoder):
    """Bad frames, a flood of dials whose answers are never read, and cancels of nothing."""
    cases = {
        "a short frame": [{"data": "01"}],
        "an unknown type": [frame(9)],
        "a descriptor": [frame(2, b"\0\0\0\0", announced=1, descriptors=1)],
        "a purpose that is none": [dial(1, 7, "127.0.0.1", decoder.port)],
        "dials nobody waits for": [dial(1, 0, "127.0.0.1", decoder.port) | {"times": 5_000}],
        "dials to a closed port": [dial(1, 1, "127.0.0.1", 1) | {"times": 5_000}],
        "cancels of nothing": [frame(2, b"\7\0\0\0", times=5_000)],
    }
    with changed_build(proxy=SCRIPT) as build, House(decoder.port, build=build) as house:
        before, held = house.pids(), settled_descriptors(house)
        with SmallTraffic(house, decoder) as traffic:
            for number, (name, frames) in enumerate(cases.items(), start=1):
                prepare(build, {"to": "dialer", "frames": frames, "linger": 0.3})
                house.process.send_signal(signal.SIGUSR2)
                wait_for(lambda n=number: len(house.logged("the old one goes on serving")) == n, f"{name} over", 20)
                assert house.pids() == before, f"{name}: {before} became {house.pids()}"
        assert not traffic.troubles, traffic.troubles[:3]
        assert len(house.logged("a proxy broke the protocol and was cut off")) == 4, house.log_text()[-1500:]
        wait_for(lambda: len(house.children()) == 3, "the senders gone")
        assert_tidy(house, held)
    return f"{len(cases)} cases"


def closed_channel(decoder):
    """It serves on, but can't be told anything any more."""
    with changed_build(proxy=SCRIPT) as build, House(decoder.port, build=build) as house:
        prepare(build, {"ready": True, "close": True, "linger": 300})
        old = house.pids()["proxy"]
        os.kill(old, signal.SIGKILL)
        fake = house.wait_new("proxy", old)
        house.wait_new("proxy", fake, timeout=45)
        house.works()


def of_the_control_socket(decoder):
    """Garbage, silence, a crowd, and a user who may not: none of it reaches the supervisor's work."""
    with House(decoder.port) as house:
        before, held = house.pids(), settled_descriptors(house)
        for data in (b"x", b"\0" * 8, b"\1\1\0\0\0\0\0\1", b"GET / HTTP/1.1\r\n\r\n", b"\1\2\0\0\x03\0\0\0\xff\xffa",
                     b"\1\2\0\0\2\0\0\0\0\0", b"\1\1\0\0" + b"\xff" * 4, b"z" * 60_000):
            with connected(house) as control:
                control.send(data)
                with contextlib.suppress(ConnectionError):
                    assert not control.recv(65536) or data[:2] == b"\1\2", data[:20]
            house.status()
        with connected(house) as control:
            socket.send_fds(control, [b"\1\1\0\0\0\0\0\0"], [0, 1, 2])
            with contextlib.suppress(ConnectionError):
                control.recv(65536)
        crowd = [connected(house) for _ in range(12)]
        house.status()
        for control in crowd:
            control.close()
        house.wait_ready()
        assert house.pids() == before
        assert_tidy(house, held)


def connected(house):
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.settimeout(5)
    control.connect(house.control)
    return control


def stranger(decoder):
    """Another user of the machine may not even connect."""
    if os.getuid() != 0:
        raise NotChecked("needs root to try it as another user")
    with House(decoder.port) as house:
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(54_321)
            os.setuid(54_321)
            try:
                connected(house)
            except PermissionError:
                os._exit(7)
            finally:
                os._exit(1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code == 7, "another user could connect"
        house.works()
