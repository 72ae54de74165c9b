"""Once the head is with the client, a failure can only be shown by an answer that visibly does not end: no last chunk,
no [DONE], fewer bytes than announced, and a closed connection."""

import pytest

from harness import CHAT, Client, answers, answers_and_closes, assert_works, encode_chunk, head, request, response

CHUNKED = head("HTTP/1.1 200 OK", [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")])
EVENT = encode_chunk(b'data: {"a":1}\n\n')
BROKEN = {
    "a close between chunks": (CHUNKED + EVENT, True),
    "a close in a chunk": (CHUNKED + EVENT + b"100\r\ndata: ", True),
    "a close in a chunk size": (CHUNKED + EVENT + b"10", True),
    "a close before the last empty line": (CHUNKED + EVENT + b"0\r\n", True),
    "a bad chunk size": (CHUNKED + EVENT + b"zz\r\n", False),
    "an overflowing chunk size": (CHUNKED + EVENT + b"fffffffffffffffff\r\n", False),
    "a chunk longer than its size": (CHUNKED + EVENT + b"2\r\nabcd\r\n0\r\n\r\n", False),
    "a bare LF after a size": (CHUNKED + EVENT + b"2\nab\r\n0\r\n\r\n", False),
    "an endless extension": (CHUNKED + EVENT + b"2;" + b"a" * 100_000, False),
    "an endless trailer": (CHUNKED + EVENT + b"0\r\n" + b"X-A: 1\r\n" * 20_000, False),
    "fewer bytes than announced": (response(body=b"x" * 1000)[:-500], True),
}


@pytest.mark.parametrize("raw,closes", BROKEN.values(), ids=BROKEN.keys())
def test_it_does(sidecar, decoder, raw, closes):
    decoder.script = (answers_and_closes if closes else answers)(raw)
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, body=b'{"stream":true}'))
        answer = client.response()
        # The sidecar may have seen the break before it sent the head: then it is a plain 502.
        assert answer.status == 502 or (answer.status == 200 and not answer.complete), answer
        assert b"[DONE]" not in answer.body
        if answer.status == 200:
            assert client.wait_until_closed() == b""
    decoder.reset()
    assert_works(sidecar)


def test_a_reset_in_mid_stream(sidecar, decoder):
    def script(connection, request):
        connection.send(CHUNKED + EVENT)
        assert connection.reader  # the event is on its way before the reset
        connection.closed_by_peer(0.3)
        connection.reset()

    decoder.script = script
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, body=b'{"stream":true}'))
        answer = client.response()
    assert answer.status == 200 and not answer.complete and b'{"a":1}' in answer.body
    decoder.reset()
    assert_works(sidecar)
