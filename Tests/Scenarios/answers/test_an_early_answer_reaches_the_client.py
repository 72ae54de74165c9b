"""An engine may answer before it has read the body. The client gets that answer, and nothing hangs."""

import pytest

from harness import CHAT, ask, assert_works, response, routed

LARGE = b'{"prompt":"' + b"x" * 900_000 + b'"}'
EARLY = response(429, {"error": {"message": "m", "type": "t", "param": None, "code": 429}}, [("connection", "close")])


@pytest.mark.parametrize("linger", [True, False], ids=["half-closes", "closes"])
def test_of_the_decoder(sidecar, decoder, linger):
    def script(connection, request):
        connection.send(EARLY)
        if linger:
            connection.half_close()
            connection.read_body(request)
        connection.close()

    decoder.read_bodies = False
    decoder.script = script
    answer = ask(sidecar.port, "POST", CHAT, body=LARGE)
    # A close with unread bytes resets the connection, which may destroy the answer on its way.
    assert answer.status == 429 or (not linger and answer.status == 502)
    decoder.reset()
    assert_works(sidecar)


def test_of_the_prefiller(sidecar, decoder, prefiller):
    def script(connection, request):
        connection.send(EARLY)
        connection.half_close()
        connection.read_body(request)
        connection.close()

    prefiller.read_bodies = False
    prefiller.script = script
    assert routed(sidecar, prefiller, LARGE).status == 429
    assert decoder.requests == []
