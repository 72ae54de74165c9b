"""Path and query reach the decoder byte for byte, also where decoding them would give something else."""

import pytest

from harness import PROMPT, ROUTE, ask

TARGETS = [
    "/",
    "/v1/models",
    "/v1/models/",
    "/v1/models/org%20name",
    "/caf%C3%A9",
    "/a;b=c,d/e!$&'()*+,=:@~-._",
    "/v1/models?a=1&b=2",
    "/v1/models?path=%2f..%2f//.././\\&x",
    "/v1/models?",
    "/v1/models?a=?b",
    "/...",
    "/.well-known/x",
    "/a..b/..c/d..",
    "/metrics",
    "/healthz",
    "/readyz",
    "/" + "a" * 4000,
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:40])
def test_it_arrives_as_it_was_sent(sidecar, decoder, target):
    assert ask(sidecar.port, target=target).status == 200
    assert decoder.the_request().target == target


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_every_method_passes(sidecar, decoder, method):
    body = b"{}" if method in ("POST", "PUT", "PATCH") else None
    assert ask(sidecar.port, method, "/v1/thing", body=body).status == 200
    assert decoder.the_request().method == method


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_the_query_stays_on_both_legs(sidecar, decoder, prefiller, path):
    target = path + "?a=1&b=%2f.."
    assert ask(sidecar.port, "POST", target, [(ROUTE, prefiller.address)], PROMPT).status == 200
    assert prefiller.the_request().target == target and decoder.the_request().target == target
