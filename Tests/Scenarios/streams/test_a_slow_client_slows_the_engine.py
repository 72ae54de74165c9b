"""A client that does not read must not fill the sidecar's memory: the engine is made to wait, and nothing is lost."""

from harness import Client, request
from support.flood import Flood, SlowUpload, begin


def test_it_does(sidecar, decoder):
    flood = decoder.script = Flood(64 << 20)
    with Client(sidecar.port) as client:
        begin(client)
        flood.until_stuck()
        flood.read_by(client)


def test_a_slow_engine_slows_the_client(sidecar, decoder):
    slow = decoder.script = SlowUpload()
    decoder.read_bodies = False
    body = b"R" * 1_000_000
    with Client(sidecar.port) as client:
        client.send(request("POST", "/upload", [("Content-Type", "application/octet-stream")], body))
        slow.release.set()
        assert client.response().status == 200
    assert decoder.the_request().body == body
