"""After a grace a body must come at a minimum rate: 408, and no engine is asked."""

import time

import pytest

from harness import CHAT, ROUTE, Client, assert_error, encode_chunk, request


@pytest.fixture
def strict(launch):
    return launch(min_body_rate=1024, body_grace="1s")


def test_a_body_that_stops(strict):
    with Client(strict.port) as client:
        client.send(request("POST", CHAT, [("Content-Length", 100_000)], b'{"a":"'))
        assert_error(client.response(), 408)
        assert client.wait_until_closed() == b""
    assert strict.decoder.requests == []


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_that_drips(strict, prefiller, framing):
    how = ("Content-Length", 100_000) if framing == "length" else ("Transfer-Encoding", "chunked")
    started = time.monotonic()
    with Client(strict.port, timeout=20) as client:
        client.send(request("POST", CHAT, [how, (ROUTE, prefiller.address)], b""))
        for _ in range(100):
            piece = b" " * 10
            if not client.send(piece if framing == "length" else encode_chunk(piece)) or not client.is_silent(0.2):
                break
        assert_error(client.response(), 408)
        assert time.monotonic() - started < 15
        assert client.wait_until_closed() == b""
    assert strict.decoder.requests == [] and prefiller.requests == []


def test_a_body_at_a_decent_rate_is_served(strict):
    body = b'{"a":"' + b"x" * 40_000 + b'"}'
    with Client(strict.port) as client:
        client.send(request("POST", CHAT, [("Content-Length", len(body))], b""))
        for index in range(0, len(body), 4_000):
            client.send(body[index : index + 4_000])
            assert client.is_silent(0.3) or index + 4_000 >= len(body)
        assert client.response().status == 200
    assert strict.decoder.the_request().body == body


def test_a_body_that_passes_unbuffered_is_held_to_it_too(strict):
    with Client(strict.port) as client:
        client.send(request("POST", "/audio", [("Content-Length", 100_000), ("Content-Type", "audio/wav")], b"RIFF"))
        answer = client.response()
        assert_error(answer, 408)
