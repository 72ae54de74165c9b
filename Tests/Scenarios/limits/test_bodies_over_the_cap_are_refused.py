"""A body over --max-body-bytes is 413: at once when announced, at the cap when it comes in chunks."""

import pytest

from harness import CHAT, COMPLETIONS, ROUTE, Client, ask, assert_error, assert_works, encode_chunk, request

CAP = 1 << 20  # the shared sidecar's


@pytest.mark.parametrize("routed", [False, True], ids=["plain", "routed"])
@pytest.mark.parametrize("length", [CAP + 1, 1 << 32, 1 << 62, (1 << 63) - 1])
def test_announced(sidecar, decoder, prefiller, routed, length):
    route = [(ROUTE, prefiller.address)] if routed else []
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [*route, ("Content-Length", length)], b'{"a":'))
        # A number that no body can have may also be called malformed.
        assert_error(client.response(), 413 if length < 1 << 60 else (400, 413))
        assert client.wait_until_closed() == b""
    assert decoder.requests == [] and prefiller.requests == []


@pytest.mark.parametrize("path", [COMPLETIONS, "/v1/audio"])
def test_in_chunks(sidecar, decoder, path):
    with Client(sidecar.port) as client:
        client.send(request("POST", path, [("Transfer-Encoding", "chunked")], encode_chunk(b'{"a":"')))
        for _ in range(40):
            if not client.send(encode_chunk(b"x" * 65536)):
                break
        assert_error(client.response(), 413)
        assert client.wait_until_closed() == b""
    assert decoder.requests == []


def test_a_chunk_that_announces_too_much(sidecar, decoder):
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [("Transfer-Encoding", "chunked")], b"7fffffffffffffff\r\n{"))
        assert_error(client.response(), (400, 413))
        assert client.wait_until_closed() == b""


@pytest.mark.parametrize("routed", [False, True], ids=["plain", "routed"])
def test_at_the_cap_it_is_served(sidecar, decoder, prefiller, routed):
    body = b'{"a":"' + b"x" * (CAP - 8) + b'"}'
    assert len(body) == CAP
    route = [(ROUTE, prefiller.address)] if routed else []
    assert ask(sidecar.port, "POST", CHAT, route, body).status == 200
    assert decoder.the_request().body.startswith(body[:-1])
    assert_works(sidecar)
