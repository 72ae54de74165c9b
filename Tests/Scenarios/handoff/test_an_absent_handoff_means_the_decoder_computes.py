"""No handoff, or null: the decoder gets the client's own body. With --handoff-absent fail it is 502 instead."""

import pytest

from harness import PROMPT, assert_error, prefills, routed


@pytest.mark.parametrize("value", [None, b"null"])
def test_the_decoder_is_asked_without_one(sidecar, decoder, prefiller, value):
    prefiller.script = prefills(value)
    assert routed(sidecar, prefiller).status == 200
    assert decoder.the_request().body == PROMPT


def test_protocol_members_of_the_client_do_not_fill_the_gap(sidecar, decoder, prefiller):
    prefiller.script = prefills(None)
    assert routed(sidecar, prefiller, b'{"a":1,"kv_transfer_params":{"do_remote_prefill":true}}').status == 200
    assert decoder.the_request().json() == {"a": 1}


def test_fail_refuses_it(launch, prefiller):
    sidecar = launch(handoff_absent="fail")
    for value in (None, b"null"):
        prefiller.script = prefills(value)
        assert_error(routed(sidecar, prefiller), 502)
    assert sidecar.decoder.requests == []
    prefiller.script = prefills()
    assert routed(sidecar, prefiller).status == 200
