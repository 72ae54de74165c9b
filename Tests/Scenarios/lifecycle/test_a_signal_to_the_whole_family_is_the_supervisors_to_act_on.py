"""A terminal, a process group's end or a careless pkill tells every process: the supervisor drains, the others wait for it."""

import os
import signal

import pytest

from harness import Stepwise, open_stream, wait_for


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_a_stream_goes_on(launch, prefiller, number):
    sidecar = launch(drain_timeout="30s")
    sidecar.decoder.script = stream = Stepwise(patience=40)
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        for pid in [*sidecar.children(), sidecar.pid]:
            os.kill(pid, number)
        for event in range(3):
            stream.step(f"event-{event}")
            assert f"event-{event}".encode() in client.read_until(b"\n\n")
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
    if number in (signal.SIGTERM, signal.SIGINT):
        assert sidecar.wait_exit() == 0
    else:
        wait_for(sidecar.is_ready, "ready")
        assert "ended: signal" not in sidecar.log_text()
