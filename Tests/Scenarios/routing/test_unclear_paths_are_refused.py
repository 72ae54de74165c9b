"""Engines decode paths, so a path that reads differently before and after decoding is refused on every method."""

import pytest

from harness import PROMPT, ROUTE, ask, assert_error

UNCLEAR = [
    "/v1%2fchat/completions",
    "/v1%2Fchat%2Fcompletions",
    "/v1/ch%61t/completions",
    "/%761/chat/completions",
    "/v1/chat/completions%2e",
    "/v1/%7euser",
    "/v1/./chat/completions",
    "/v1/../v1/chat/completions",
    "/v1/chat/completions/..",
    "/v1/chat/completions/.",
    "/..",
    "/.",
    "/v1/%2e/chat",
    "/v1/%2E%2e/chat",
    "/v1/.%2e/chat",
    "//v1/chat/completions",
    "/v1//chat/completions",
    "/v1/chat/completions//",
    "//",
    "/v1/%00",
    "/v1/chat%00/completions",
    "/v1\\chat\\completions",
    "/v1/chat%5Ccompletions",
    "/health/../v1/models",
]


@pytest.mark.parametrize("path", UNCLEAR)
@pytest.mark.parametrize("routed", [False, True], ids=["plain", "routed"])
def test_it_is_refused(sidecar, decoder, prefiller, path, routed):
    headers = [(ROUTE, prefiller.address)] if routed else []
    assert_error(ask(sidecar.port, "POST", path, headers, PROMPT), 400)
    assert_error(ask(sidecar.port, "GET", path, headers), 400)
    assert decoder.requests == [] and prefiller.requests == []
