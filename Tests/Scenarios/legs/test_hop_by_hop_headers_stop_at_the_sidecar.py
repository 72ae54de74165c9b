"""Headers that speak about one connection, and those that Connection names, are dropped in both directions."""

import pytest

from harness import CHAT, PROMPT, ROUTE, answers, ask, assert_error, response

HOP = [
    ("Connection", "X-Private, keep-alive"),
    ("X-Private", "1"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authorization", "Basic eDp5"),
    ("TE", "trailers"),
    ("Trailer", "X-Sum"),
]
DROPPED = ["x-private", "keep-alive", "proxy-connection", "proxy-authorization", "te", "trailer", "upgrade"]


@pytest.mark.parametrize("routed", [False, True], ids=["plain", "routed"])
def test_of_a_request(sidecar, decoder, prefiller, routed):
    route = [(ROUTE, prefiller.address)] if routed else []
    assert ask(sidecar.port, "POST", CHAT, [*route, *HOP, ("X-Kept", "1")], PROMPT).status == 200
    for seen in [engine.the_request() for engine in ([prefiller, decoder] if routed else [decoder])]:
        assert [name for name, _ in seen.headers if name.lower() in DROPPED] == []
        assert "X-Private" not in (seen.one("connection") or "")
        assert seen.one("x-kept") == "1"


@pytest.mark.parametrize("routed", [False, True], ids=["plain", "routed"])
def test_of_an_answer(sidecar, decoder, prefiller, routed):
    hop = [("Connection", "X-Private"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "x"),
           ("Proxy-Authenticate", "Basic"), ("Trailer", "X-Sum"), ("Upgrade", "h2c"), ("X-Kept", "1")]
    decoder.script = answers(response(body={"a": 1}, headers=hop))
    route = [(ROUTE, prefiller.address)] if routed else []
    answer = ask(sidecar.port, "POST", CHAT, route, PROMPT)
    assert answer.status == 200 and answer.json()["a"] == 1 and answer.one("x-kept") == "1"
    gone = {*DROPPED, "proxy-authenticate"}
    assert [name for name, _ in answer.headers if name.lower() in gone] == []
    assert "X-Private" not in (answer.one("connection") or "")


@pytest.mark.parametrize("named", ["Content-Length", "host", ROUTE, "close, content-length", "X-PREFILLER-HOST-PORT"])
def test_connection_may_not_name_a_header_that_matters(sidecar, decoder, prefiller, named):
    for path in (CHAT, "/v1/embeddings"):
        headers = [(ROUTE, prefiller.address), ("Connection", named)]
        assert_error(ask(sidecar.port, "POST", path, headers, PROMPT), 400)
    assert decoder.requests == [] and prefiller.requests == []
