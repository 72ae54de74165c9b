"""With --client-protocol-members refuse a body that carries any of them goes nowhere, and the error
names the member."""

import pytest

from harness import (
    CHAT, HOSTILE_MEMBERS, PROMPT, Engine, Sidecar, as_json, ask, assert_error, assert_works, decodes, routed,
)

SCOPES = {
    "top": lambda members: members,
    "vllm_xargs": lambda members: {"vllm_xargs": members},
    "sampling_params": lambda members: {"sampling_params": members},
    "sampling_params.extra_args": lambda members: {"sampling_params": {"extra_args": members}},
}


@pytest.fixture(scope="module")
def refusing():
    sidecar = Sidecar(Engine(decodes), client_protocol_members="refuse")
    yield sidecar
    sidecar.stop()
    sidecar.decoder.close()


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("name", HOSTILE_MEMBERS)
def test_it_is_refused_with_and_without_the_header(refusing, prefiller, scope, name):
    refusing.decoder.reset()
    body = as_json({"model": "tiny"} | SCOPES[scope]({name: HOSTILE_MEMBERS[name]}))
    for path in (CHAT, "/v1/responses", "/unknown"):
        assert name in assert_error(ask(refusing.port, "POST", path, body=body), 400)
    assert name in assert_error(routed(refusing, prefiller, body), 400)
    assert refusing.decoder.requests == [] and prefiller.requests == []


def test_everything_else_is_served(refusing, prefiller):
    assert_works(refusing, prefiller)
    refusing.decoder.reset()
    assert ask(refusing.port, "POST", CHAT, body=PROMPT).status == 200
    assert refusing.decoder.the_request().body == PROMPT
