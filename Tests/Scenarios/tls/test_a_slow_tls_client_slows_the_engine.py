"""Back-pressure goes through TLS: who does not read fills nobody's memory, and nothing is lost."""

import threading

from harness import request, resident
from support.flood import Flood, SlowUpload, begin


def test_it_does(secure):
    flood = secure.decoder.script = Flood(48 << 20)
    proxy = secure.component_pid("proxy")
    before = resident(proxy)
    with secure.connect() as client:
        begin(client)
        flood.until_stuck()
        assert resident(proxy) < before + (8 << 20)
        flood.read_by(client)


def test_a_slow_engine_slows_the_client(secure):
    slow = secure.decoder.script = SlowUpload()
    secure.decoder.read_bodies = False
    body = bytes(range(256)) * (48 << 10)  # 12 MiB, more than sockets hold
    with secure.connect(timeout=30) as client:

        def upload():
            client.send(request("POST", "/upload", [("Content-Type", "application/octet-stream")], body))

        sender = threading.Thread(target=upload, daemon=True)
        sender.start()
        secure.decoder.wait_for_requests(1)
        slow.release.set()
        sender.join(30)
        assert client.response().status == 200
    assert secure.decoder.the_request().body == body
