"""The malformed handoffs that end a real decoder (observed on vLLM 0.32), sent by a client on every kind of request."""

import pytest

from harness import CHAT, COMPLETIONS, HANDOFF, as_json, ask, assert_nothing_hostile, json, routed

MALFORMED = [
    {"do_remote_prefill": True},
    {"do_remote_prefill": True, "remote_block_ids": [[]], "remote_engine_id": "e", "remote_host": "127.0.0.1"},
    {"do_remote_prefill": True, "remote_block_ids": [1, 2, 3], "remote_engine_id": "e", "remote_host": "127.0.0.1"},
    {"do_remote_prefill": True, "remote_block_ids": [[1]], "remote_engine_id": "e", "remote_port": 1},
    "x",
    [],
    7,
    True,
    None,
    {},
]


@pytest.mark.parametrize("value", MALFORMED, ids=lambda value: json.dumps(value)[:60])
@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_it_never_arrives(sidecar, decoder, prefiller, path, value):
    body = as_json({"model": "tiny", "prompt": "p", "kv_transfer_params": value})
    assert ask(sidecar.port, "POST", path, body=body).status == 200
    assert_nothing_hostile(decoder.the_request())
    decoder.reset()
    assert routed(sidecar, prefiller, body, target=path).status == 200
    assert_nothing_hostile(decoder.the_request(), json.loads(HANDOFF))
