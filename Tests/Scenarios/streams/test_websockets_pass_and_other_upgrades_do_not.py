"""Upgrade: websocket becomes a tunnel on pass-through; h2c and upgrades of routed requests never reach an engine."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, ask, assert_error, assert_works, request
from support.websocket import UPGRADE, echo


def test_a_websocket_is_a_tunnel(sidecar, decoder):
    decoder.script = echo
    with Client(sidecar.port) as client:
        client.send(request("GET", "/v1/realtime", UPGRADE))
        head = client.read_until(b"\r\n\r\n").lower()
        assert b" 101 " in head and b"upgrade: websocket" in head and b"sec-websocket-accept: y" in head
        assert client.body_part(5) == b"hello"
        for message in (b"\x81\x02ab", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 100):
            client.send(message)
            assert client.body_part(len(message)) == message
    decoder.script = decoder.default_script
    assert_works(sidecar)


def test_a_refused_websocket_gets_the_engines_answer(sidecar, decoder):
    answer = ask(sidecar.port, target="/v1/realtime", headers=UPGRADE)
    assert answer.status == 200 and answer.json()["served"] == "/v1/realtime"


@pytest.mark.parametrize("protocol", ["h2c", "h2c, websocket", "websocket, h2c", "TLS/1.0", "HTTP/2.0"])
def test_other_protocols_are_refused(sidecar, decoder, protocol):
    settings = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", protocol), ("HTTP2-Settings", "AAMAAABk")]
    answer = ask(sidecar.port, headers=settings)
    if answer.status == 200:  # ignoring the offer is a refusal too, as long as the engine never sees it
        seen = decoder.the_request()
        assert seen.one("upgrade") is None and seen.one("http2-settings") is None
        assert "pgrade" not in (seen.one("connection") or "")
    else:
        assert_error(answer, (400, 426, 501))
        assert decoder.requests == []


def test_h2c_is_refused(sidecar, decoder):
    headers = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")]
    assert_error(ask(sidecar.port, headers=headers), (400, 426, 501))
    assert decoder.requests == []


def test_a_routed_request_is_never_upgraded(sidecar, decoder, prefiller):
    answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address), *UPGRADE], PROMPT)
    assert answer.status in (200, 400)
    for seen in decoder.requests + prefiller.requests:
        assert seen.one("upgrade") is None
