"""Real servers at the far end of both legs: nginx terminates TLS for a prefiller and a decoder."""

import json

import pytest

from harness import CHAT, DONE, HANDOFF, ROUTE, STREAMED, Engine, Stepwise, decodes, free_port, prefills, request, wait_for
from nginx import Nginx


class Door:
    """An engine with nginx before it."""

    def __init__(self, script, pair, more=""):
        self.engine = Engine(script)
        self.nginx = Nginx(pair, self.engine.port, free_port(), more=more)

    def close(self):
        self.nginx.close()
        self.engine.close()
        assert not self.engine.failures, self.engine.failures


@pytest.fixture
def house(launch_tls, certificates):
    """A sidecar over TLS between two doors that demand a certificate."""
    demand = f"ssl_verify_client on; ssl_client_certificate {certificates.ca};"
    doors = [Door(prefills(), certificates.pair("big"), demand), Door(decodes, certificates.pair("engine"), demand)]
    prefiller, decoder = doors
    sidecar = launch_tls(
        vllm_port=decoder.nginx.port, decoder_use_tls=True, prefiller_use_tls=True, ca_cert_path=certificates.ca,
        upstream_cert_path=certificates.directory("sidecar"))
    yield sidecar, prefiller, decoder
    for door in doors:
        door.close()


def test_it_does(house):
    sidecar, prefiller, decoder = house
    body = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": "x" * (2 << 20)}]}).encode()
    with sidecar.connect() as client:
        for _ in range(3):
            assert client.ask("POST", CHAT, [(ROUTE, prefiller.nginx.address)], body).status == 200
            assert client.ask(target="/plain").json()["served"] == "/plain"
    assert decoder.engine.requests[0].json()["kv_transfer_params"] == json.loads(HANDOFF)
    assert len(prefiller.engine.requests) == 3 and len(decoder.engine.requests) == 6
    assert sidecar.metric("sidecar_tls_handshakes_total", side="decoder") <= 2
    stream = decoder.engine.script = Stepwise()
    with sidecar.connect() as client:
        client.send(request("POST", CHAT, [(ROUTE, prefiller.nginx.address)], STREAMED))
        client.read_until(b"\r\n\r\n")
        for number in range(5):
            stream.step(f"event-{number}")
            assert f"event-{number}".encode() in client.read_until(b"\n\n")
        stream.finish()
        assert DONE in client.read_until(b"0\r\n\r\n")
    stream = decoder.engine.script = Stepwise()
    client = sidecar.connect()
    client.send(request("POST", CHAT, [(ROUTE, prefiller.nginx.address)], STREAMED))
    client.read_until(b"\r\n\r\n")
    client.sock.close()
    wait_for(stream.gone.is_set, "the decode to be cancelled through nginx", 5)
    assert prefiller.nginx.errors() == "", prefiller.nginx.errors()
