"""A prefiller's broken answer is the server's fault: 502, never the client's 400, and the decoder is not asked."""

import gzip

import pytest

from harness import answers, assert_error, chunked_response, prefill_answer, response, routed

BROKEN = {
    "no JSON": response(body=b"hello"),
    "nothing": response(body=b""),
    "cut short": response(body=prefill_answer()[:-1]),
    "trailing bytes": response(body=prefill_answer() + b"x"),
    "a list": response(body=b"[]"),
    "null": response(body=b"null"),
    "a number": response(body=b"1"),
    "invalid UTF-8": response(body=b'{"a":"\xff"}'),
    "deep nesting": response(body=b"[" * 100_000),
    "a byte order mark": response(body=b"\xef\xbb\xbf" + prefill_answer()),
    "compressed": response(body=gzip.compress(prefill_answer()), headers=[("content-encoding", "gzip")]),
    "a stream": chunked_response([b'data: {"choices":[]}\n\n', b"data: [DONE]\n\n"]),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_it_is_502(sidecar, decoder, prefiller, raw):
    prefiller.script = answers(raw)
    assert_error(routed(sidecar, prefiller), 502)
    assert decoder.requests == []
