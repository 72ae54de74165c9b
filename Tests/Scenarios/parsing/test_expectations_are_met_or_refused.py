"""Expect: 100-continue gets its 100 before the body is sent; any other expectation gets 417."""

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, assert_error, request


@pytest.mark.parametrize("routed", [False, True], ids=["plain", "routed"])
@pytest.mark.parametrize("value", ["100-continue", "100-Continue"])
def test_100_continue(sidecar, decoder, prefiller, routed, value):
    route = [(ROUTE, prefiller.address)] if routed else []
    length = [("Content-Length", len(PROMPT))]
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [*route, ("Expect", value), *length], b""))
        assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.send(PROMPT)
        answer = client.response()
    assert answer.status == 200 and answer.interim == []
    assert decoder.the_request().json()["model"] == "tiny"


def test_another_expectation(sidecar, decoder):
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [("Expect", "200-ok"), ("Content-Length", len(PROMPT))], b""))
        assert_error(client.response(), 417)
        assert client.wait_until_closed() == b""
    assert decoder.requests == []


def test_a_body_over_the_cap_is_refused_without_a_100(sidecar, decoder):
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [("Expect", "100-continue"), ("Content-Length", 2 << 20)], b""))
        answer = client.response()
        assert_error(answer, 413)
        assert answer.interim == []
    assert decoder.requests == []


def test_a_client_that_does_not_wait_for_the_100(sidecar):
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [("Expect", "100-continue")], PROMPT))
        assert client.response().status == 200
        client.send(request("GET", "/next"))
        assert client.response().json()["served"] == "/next"
