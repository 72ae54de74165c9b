"""The decode leg carries the client's exact bytes and, last, the prefiller's kv_transfer_params verbatim."""

import pytest

from harness import CHAT, COMPLETIONS, HANDOFF, routed

BODIES = [
    b'{"prompt":"p"}',
    b'{"stream":true,"stream_options":{"include_usage":true},"max_tokens":100,"min_tokens":3,"prompt":"p"}',
    b'{"max_completion_tokens":1e2,"seed":9007199254740993,"text":"\\u00e9\\/<&>\xe2\x80\xa8","z":[ ],"a":{ }}',
    b'{ "user" : "a" , "user" : "b"}',
    b'{"a":"' + b"long " * 50_000 + b'"}',
]


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:30].decode())
def test_it_is(sidecar, decoder, prefiller, path, body):
    assert routed(sidecar, prefiller, body, path).status == 200
    seen = decoder.the_request()
    assert seen.body == body[:-1] + b',"kv_transfer_params":' + HANDOFF + b"}"
    assert seen.target == path and seen.one("content-length") == str(len(seen.body))


def test_an_empty_object_gets_no_comma(sidecar, decoder, prefiller):
    assert routed(sidecar, prefiller, b"{}").status == 200
    assert decoder.the_request().body == b'{"kv_transfer_params":' + HANDOFF + b"}"


def test_a_clients_own_handoff_is_replaced(sidecar, decoder, prefiller):
    assert routed(sidecar, prefiller, b'{"kv_transfer_params":{"do_remote_prefill":true},"a":1}').status == 200
    names = [name for name, _ in decoder.the_request().members]
    assert names == ["a", "kv_transfer_params"] and HANDOFF in decoder.the_request().body
