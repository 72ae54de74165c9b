"""Everything but POST to the two completion routes with a non-empty routing header goes to the decoder alone, and the
routing header never reaches an engine on any path."""

import pytest

from harness import CHAT, COMPLETIONS, PROMPT, ROUTE, ask


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
@pytest.mark.parametrize("name", [ROUTE, "X-Prefiller-Host-Port", "X-PREFILLER-HOST-PORT"])
def test_the_two_routes_call_both(sidecar, decoder, prefiller, path, name):
    assert ask(sidecar.port, "POST", path, [(name, prefiller.address)], PROMPT).status == 200
    assert prefiller.the_request().path == decoder.the_request().path == path
    assert prefiller.the_request().one(ROUTE) is None and decoder.the_request().one(ROUTE) is None


OTHERS = [
    ("GET", CHAT),
    ("PUT", CHAT),
    ("OPTIONS", COMPLETIONS),
    ("POST", CHAT + "/"),
    ("POST", CHAT + "/x"),
    ("POST", "/V1/chat/completions"),
    ("POST", "/prefix" + CHAT),
    ("POST", "/v1/messages"),
    ("POST", "/v1/responses"),
    ("POST", "/v1/embeddings"),
    ("POST", "/inference/v1/generate"),
    ("POST", "/unknown"),
    ("GET", "/v1/models"),
]


@pytest.mark.parametrize("method,path", OTHERS)
def test_everything_else_goes_to_the_decoder(sidecar, decoder, prefiller, method, path):
    body = PROMPT if method in ("POST", "PUT") else None
    assert ask(sidecar.port, method, path, [(ROUTE, prefiller.address)], body).status == 200
    assert prefiller.requests == []
    seen = decoder.the_request()
    assert seen.target == path and seen.one(ROUTE) is None
    assert body is None or seen.body == body


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
@pytest.mark.parametrize("value", ["", "  ", "\t"])
def test_an_empty_header_means_the_decoder_alone(sidecar, decoder, path, value):
    assert ask(sidecar.port, "POST", path, [(ROUTE, value)], PROMPT).status == 200
    assert decoder.the_request().body == PROMPT and decoder.the_request().one(ROUTE) is None


def test_without_the_header_the_body_is_untouched(sidecar, decoder):
    body = b' { "b" :1.0,  "a":"\\u0041", "seed":9007199254740993, "x":[ ] , "b2":null } '
    assert ask(sidecar.port, "POST", CHAT, body=body).status == 200
    assert decoder.the_request().body == body
