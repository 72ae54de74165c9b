"""kill -9 of the dialer: open streams and pooled connections go on, and the next dial works."""

import os
import signal

import pytest

from harness import Engine, Stepwise, ask, assert_works, open_stream, prefills, routed, run


def by_kill(sidecar, pid):
    os.kill(pid, signal.SIGKILL)


def by_signal(sidecar, pid):
    sidecar.signal(35)  # SIGRTMIN+1 of glibc


def by_command(sidecar, pid):
    assert run("restart", "dialer", "--control-socket", sidecar.control_socket).returncode == 0


@pytest.mark.parametrize("end", [by_kill, by_signal, by_command])
def test_it_does_not(launch, prefiller, end):
    sidecar = launch()
    assert routed(sidecar, prefiller).status == 200
    proxy, dialer = sidecar.component_pid("proxy"), sidecar.component_pid("dialer")
    sidecar.decoder.script = stream = Stepwise(patience=40)
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        end(sidecar, dialer)
        stream.step("on")
        assert b"on" in client.read_until(b"\n\n")
        assert sidecar.wait_for_new("dialer", dialer) != dialer
        sidecar.decoder.script = sidecar.decoder.default_script
        other = Engine(prefills())
        try:
            assert routed(sidecar, other).status == 200
        finally:
            other.close()
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
    assert_works(sidecar, prefiller)
    assert sidecar.component_pid("proxy") == proxy


def test_a_dial_while_there_is_none_waits_for_the_next(launch, prefiller):
    sidecar = launch()
    for _ in range(3):
        dialer = sidecar.component_pid("dialer")
        os.kill(dialer, signal.SIGKILL)
        fresh = Engine(prefills())
        try:
            # Nothing is pooled for this one, so it needs a dial right now.
            assert routed(sidecar, fresh).status == 200
        finally:
            fresh.close()
        sidecar.wait_for_new("dialer", dialer)
    assert ask(sidecar.port).status == 200
