"""The prefill answer is held in memory, so it has a cap, announced or not: 502, and the prefiller is hung up on."""

import pytest

from harness import (
    assert_error, assert_works, chunked_response, encode_chunk, head, prefill_answer, response, routed, wait_for,
)

FILL = b'{"a":"' + b"x" * 200_000 + b'",' + prefill_answer()[1:]


@pytest.fixture
def capped(launch):
    return launch(max_prefill_answer_bytes=100_000)


@pytest.mark.parametrize(
    "raw", [response(body=FILL), chunked_response([FILL[:70_000], FILL[70_000:]])], ids=["length", "chunks"]
)
def test_it_is(capped, prefiller, raw):
    prefiller.script = lambda connection, request: raw
    assert_error(routed(capped, prefiller), 502)
    assert capped.decoder.requests == []
    prefiller.reset()
    assert_works(capped, prefiller)


def test_an_endless_one_is_cut_off(capped, prefiller):
    hung_up = []

    def script(connection, request):
        connection.send(head("HTTP/1.1 200 OK", [("transfer-encoding", "chunked")]) + encode_chunk(b'{"a":"'))
        try:
            for _ in range(20_000):
                connection.send(encode_chunk(b"x" * 10_000))
        except OSError:
            hung_up.append(True)
            raise

    prefiller.script = script
    assert_error(routed(capped, prefiller), 502)
    wait_for(lambda: hung_up, "the prefiller to be hung up on")
