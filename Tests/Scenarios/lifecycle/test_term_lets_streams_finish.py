"""TERM and INT: not ready any more, no new connections, running streams end in their own time, exit 0."""

import json
import signal
import threading

import pytest

from harness import Client, Stepwise, in_background, open_stream, prefills, request, routed, wait_for


def refuses(port):
    """True once the port answers with a refusal; a connection that hangs is none."""
    try:
        Client(port, timeout=2).sock.close()
        return False
    except ConnectionRefusedError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_does(launch, prefiller, number):
    sidecar = launch(drain_timeout="30s")
    sidecar.decoder.script = stream = Stepwise(patience=40)
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        sidecar.signal(number)
        wait_for(lambda: refuses(sidecar.port), "new connections to be refused")
        assert sidecar.status()["state"] == "draining" and sidecar.status()["ready"] is False
        for event in range(5):
            stream.step(f"event-{event}")
            assert f"event-{event}".encode() in client.read_until(b"\n\n")
        assert sidecar.process.poll() is None
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
    assert sidecar.wait_exit() == 0
    said = [json.loads(line)["message"] for line in sidecar.log_lines]
    after = said[said.index("draining") :]
    assert not [message for message in after if message.startswith("started")], after


def test_idle_it_ends_at_once(launch):
    sidecar = launch()
    with Client(sidecar.port) as idle:
        idle.send(request("GET", "/a"))
        assert idle.response().status == 200
        sidecar.signal(signal.SIGTERM)
        assert sidecar.wait_exit(5) == 0
        assert idle.wait_until_closed() == b""


def test_a_prefill_under_way_gets_its_decode(launch, prefiller):
    sidecar = launch(prefill_timeout="20s")
    release = threading.Event()
    prefiller.script = lambda connection, request: release.wait(20) and prefills()(connection, request)
    answer = in_background(lambda: routed(sidecar, prefiller))
    prefiller.wait_for_requests(1)
    sidecar.signal(signal.SIGTERM)
    wait_for(lambda: refuses(sidecar.port), "new connections to be refused")
    release.set()
    assert answer().status == 200
    assert sidecar.wait_exit() == 0
