"""A decoder exits on these, or hangs: 502 invalid_prefill_handoff, and the decoder is not asked."""

import pytest

from harness import assert_error, assert_works, prefill_answer, prefills, answers, response, routed

GOOD = {
    "do_remote_prefill": b"true",
    "remote_block_ids": b"[[1,2]]",
    "remote_engine_id": b'"e"',
    "remote_request_id": b'"r"',
    "remote_host": b'"127.0.0.1"',
    "remote_port": b"18602",
}


def handoff(**changes):
    """A good handoff with some members written otherwise; None leaves one out."""
    members = GOOD | changes
    return b"{" + b",".join(b'"%s":%s' % (n.encode(), v) for n, v in members.items() if v is not None) + b"}"


INVALID = {
    "a string": b'"x"',
    "a list": b"[]",
    "a number": b"7",
    "true": b"true",
    "an empty object": b"{}",
    "no do_remote_prefill": handoff(do_remote_prefill=None),
    "do_remote_prefill false": handoff(do_remote_prefill=b"false"),
    "do_remote_prefill as text": handoff(do_remote_prefill=b'"true"'),
    "no block ids": handoff(remote_block_ids=None),
    "block ids null": handoff(remote_block_ids=b"null"),
    "block ids empty": handoff(remote_block_ids=b"[]"),
    "an empty group": handoff(remote_block_ids=b"[[]]"),
    "an empty second group": handoff(remote_block_ids=b"[[1],[]]"),
    "flat block ids": handoff(remote_block_ids=b"[1,2,3]"),
    "mixed block ids": handoff(remote_block_ids=b"[[1],2]"),
    "block ids too deep": handoff(remote_block_ids=b"[[[1]]]"),
    "a negative block id": handoff(remote_block_ids=b"[[-1]]"),
    "a fraction": handoff(remote_block_ids=b"[[1.0]]"),
    "an exponent": handoff(remote_block_ids=b"[[1e3]]"),
    "a block id of 32 bits": handoff(remote_block_ids=b"[[2147483648]]"),
    "a block id of many digits": handoff(remote_block_ids=b"[[" + b"9" * 50 + b"]]"),
    "a block id as text": handoff(remote_block_ids=b'[["1"]]'),
    "block ids as an object": handoff(remote_block_ids=b'{"0":[1]}'),
    "no engine id": handoff(remote_engine_id=None),
    "an empty engine id": handoff(remote_engine_id=b'""'),
    "an engine id that is a number": handoff(remote_engine_id=b"1"),
    "no request id": handoff(remote_request_id=None),
    "an empty request id": handoff(remote_request_id=b'""'),
    "no host": handoff(remote_host=None),
    "host null": handoff(remote_host=b"null"),
    "an empty host": handoff(remote_host=b'""'),
    "a host with an escape": handoff(remote_host=b'"127.0.0\\u002e1"'),
    "no port": handoff(remote_port=None),
    "port 0": handoff(remote_port=b"0"),
    "port 65536": handoff(remote_port=b"65536"),
    "a port with a fraction": handoff(remote_port=b"1.5"),
    "a negative port": handoff(remote_port=b"-1"),
    "a port as odd text": handoff(remote_port=b'"0x50"'),
    "an empty port": handoff(remote_port=b'""'),
    "block ids twice": handoff()[:-1] + b',"remote_block_ids":[1]}',
    "the host twice, once escaped": handoff()[:-1] + b',"remote\\u005fhost":"10.0.0.1"}',
}


@pytest.mark.parametrize("value", INVALID.values(), ids=INVALID.keys())
def test_it_is_refused(sidecar, decoder, prefiller, value):
    prefiller.script = prefills(value)
    assert_error(routed(sidecar, prefiller), 502, "invalid_prefill_handoff")
    assert decoder.requests == []


def test_two_handoffs_are_refused(sidecar, decoder, prefiller):
    prefiller.script = answers(response(body=prefill_answer()[:-1] + b',"kv_transfer_params":' + handoff() + b"}"))
    assert_error(routed(sidecar, prefiller), 502, "invalid_prefill_handoff")
    assert decoder.requests == []


def test_the_next_request_is_served(sidecar, prefiller):
    prefiller.script = prefills(b"{}")
    assert_error(routed(sidecar, prefiller), 502)
    prefiller.script = prefills()
    assert_works(sidecar, prefiller)
