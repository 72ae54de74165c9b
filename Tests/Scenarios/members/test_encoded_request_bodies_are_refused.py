"""A compressed body could hold anything: 415, before any engine is asked."""

import gzip

import pytest

from harness import CHAT, PROMPT, ROUTE, ask, assert_error


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip"])
@pytest.mark.parametrize("path", [CHAT, "/unknown"])
def test_it_is_refused(sidecar, decoder, prefiller, coding, path):
    body = gzip.compress(PROMPT)
    for route in ([], [(ROUTE, prefiller.address)]):
        assert_error(ask(sidecar.port, "POST", path, [("Content-Encoding", coding), *route], body), 415)
    assert decoder.requests == [] and prefiller.requests == []


def test_plain_json_under_a_coding_is_refused_too(sidecar, decoder):
    assert_error(ask(sidecar.port, "POST", CHAT, [("Content-Encoding", "gzip")], PROMPT), 415)
    assert decoder.requests == []
