"""Engines see one framing: a chunked request body is sent on with Content-Length, without its
trailers and extensions."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, encode_chunk, request


@pytest.mark.parametrize("routed", [False, True], ids=["plain", "routed"])
def test_it_does(sidecar, decoder, prefiller, routed):
    route = [(ROUTE, prefiller.address)] if routed else []
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [("Transfer-Encoding", "Chunked"), *route], b""))
        client.send(encode_chunk(PROMPT[:10]) + b"1;ext=\"quoted\";more\r\n" + PROMPT[10:11] + b"\r\n")
        client.send(b"000%x\r\n" % len(PROMPT[11:]) + PROMPT[11:] + b"\r\n0;last\r\nX-Secret: t\r\nHost: b\r\n\r\n")
        assert client.response().status == 200
    for engine in [decoder, prefiller] if routed else [decoder]:
        seen = engine.the_request()
        assert not seen.chunked and seen.one("content-length") == str(len(seen.body))
        assert seen.one("x-secret") is None and seen.one("trailer") is None
    if not routed:
        assert decoder.the_request().body == PROMPT
