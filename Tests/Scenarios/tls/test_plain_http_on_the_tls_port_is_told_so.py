"""HTTP without TLS is answered in HTTP, with what is wrong, and the connection ends; nothing of it reaches an engine."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, request

TOLD = b"Client sent an HTTP request to an HTTPS server."


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_it_is(secure, method):
    with Client(secure.port) as client:
        client.send(request(method, CHAT, body=PROMPT if method == "POST" else None))
        raw = client.wait_until_closed()
    assert raw.startswith(b"HTTP/1.0 400 Bad Request\r\n") and TOLD in raw, raw
    assert secure.decoder.requests == []


def test_with_a_routing_header(secure, tls_prefiller):
    with Client(secure.port) as client:
        client.send(request("POST", CHAT, [(ROUTE, tls_prefiller.address)], PROMPT))
        assert TOLD in client.wait_until_closed()
    assert secure.decoder.requests == [] and tls_prefiller.connection_count == 0


def test_byte_by_byte(secure):
    with Client(secure.port) as client:
        for at in range(18):
            if not client.send(b"GET /a HTTP/1.1\r\n\r\n"[at : at + 1]):
                break
        raw = client.wait_until_closed()
        assert TOLD in raw or raw == b"", raw


def test_the_next_one_is_served(secure):
    with secure.connect() as client:
        assert client.ask().status == 200
