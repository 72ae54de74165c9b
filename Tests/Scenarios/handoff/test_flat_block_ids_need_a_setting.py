"""Older engines write block ids as one flat list: accepted only where --handoff-block-ids says so."""

import pytest

from harness import assert_error, prefills, routed

START = b'{"do_remote_prefill":true,"remote_engine_id":"e","remote_host":"127.0.0.1","remote_port":1,'
FLAT = START + b'"remote_block_ids":[1,2,3]}'
NESTED = START + b'"remote_request_id":"r","remote_block_ids":[[1,2],[3]]}'


@pytest.mark.parametrize("setting,accepted", [("flat", [FLAT]), ("any", [FLAT, NESTED]), ("nested", [NESTED])])
def test_the_setting_decides(launch, prefiller, setting, accepted):
    sidecar = launch(handoff_block_ids=setting)
    for value in (FLAT, NESTED):
        sidecar.decoder.reset()
        prefiller.script = prefills(value)
        answer = routed(sidecar, prefiller, b"{}")
        if value in accepted:
            assert answer.status == 200
            assert sidecar.decoder.the_request().body == b'{"kv_transfer_params":' + value + b"}"
        else:
            assert_error(answer, 502, "invalid_prefill_handoff")
            assert sidecar.decoder.requests == []


@pytest.mark.parametrize("block_ids", [b"[]", b"[-1]", b"[1.5]", b'["1"]', b"[null]", b"[1,[2]]"])
def test_flat_lists_are_checked_too(launch, prefiller, block_ids):
    sidecar = launch(handoff_block_ids="any")
    prefiller.script = prefills(START + b'"remote_block_ids":' + block_ids + b"}")
    assert_error(routed(sidecar, prefiller), 502, "invalid_prefill_handoff")
    assert sidecar.decoder.requests == []
