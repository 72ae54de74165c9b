"""Streams that outlast --drain-timeout are cut visibly, and the exit code says that something was cut: 75."""

import signal

from harness import Stepwise, open_stream, wait_for


def test_it_does(launch, prefiller):
    sidecar = launch(drain_timeout="1s")
    sidecar.decoder.script = stream = Stepwise(patience=40)
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        stream.step("last words")
        assert b"last words" in client.read_until(b"\n\n")
        sidecar.signal(signal.SIGTERM)
        rest = client.wait_until_closed()
        assert b"[DONE]" not in rest and not rest.endswith(b"0\r\n\r\n")
    assert sidecar.wait_exit() == 75
    assert stream.gone.wait(5)


def test_a_second_signal_ends_it_at_once(launch, prefiller):
    for second in (signal.SIGTERM, signal.SIGINT):
        sidecar = launch(drain_timeout="50s")
        sidecar.decoder.script = Stepwise(patience=40)
        with open_stream(sidecar, prefiller) as client:
            client.read_until(b"\r\n\r\n")
            sidecar.signal(signal.SIGTERM)
            wait_for(lambda sidecar=sidecar: sidecar.status()["state"] == "draining", "draining")
            sidecar.signal(second)
            assert sidecar.wait_exit(5) == 75
            assert not client.wait_until_closed().endswith(b"0\r\n\r\n")
