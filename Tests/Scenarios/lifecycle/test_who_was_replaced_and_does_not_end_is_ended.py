"""A process that was told to end, hung or taken over, is ended after a while: a restart ends what it replaces."""

import os
import signal

import pytest

from harness import Stepwise, assert_works, open_stream, run, wait_for

TOLD = "it did not end when told to"


@pytest.mark.parametrize("name", ["dialer", "admin"])
def test_one_that_hangs(launch, prefiller, name):
    sidecar = launch()
    old = sidecar.component_pid(name)
    os.kill(old, signal.SIGSTOP)
    assert run("restart", name, "--control-socket", sidecar.control_socket).returncode == 0
    sidecar.wait_for_new(name, old)
    wait_for(lambda: old not in sidecar.children(), "the end of the old one", 10)
    wait_for(lambda: TOLD in sidecar.log_text(), "its log to say why")
    assert_works(sidecar, prefiller)


def test_a_proxy_that_drains_for_longer_than_it_may(launch, prefiller):
    sidecar = launch(restart_drain_timeout="500ms")
    sidecar.decoder.script = Stepwise(patience=40)
    old = sidecar.component_pid("proxy")
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        os.kill(old, signal.SIGSTOP)
        sidecar.signal(signal.SIGUSR2)
        sidecar.wait_for_new("proxy", old)
        wait_for(lambda: old not in sidecar.children(), "the end of the old one", 10)
    wait_for(lambda: TOLD in sidecar.log_text(), "its log to say why")
