"""Each event is with the client before the next one is produced, with and without a prefiller."""

import pytest

from harness import CHAT, STREAMED, Stepwise, Client, open_stream, request


@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
def test_they_do(sidecar, decoder, prefiller, with_header):
    decoder.script = stream = Stepwise()
    with open_stream(sidecar, prefiller if with_header else None) as client:
        head = client.read_until(b"\r\n\r\n").lower()
        assert b" 200 " in head and b"text/event-stream" in head and b"content-length" not in head
        for number in range(20):
            stream.step(f"token-{number}")
            assert f"token-{number}".encode() in client.read_until(b"\n\n")
        stream.finish()
        assert b"data: [DONE]" in client.read_until(b"0\r\n\r\n")


def test_the_head_does_not_wait_for_the_first_event(sidecar, decoder):
    decoder.script = stream = Stepwise()
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, body=STREAMED))
        assert b" 200 " in client.read_until(b"\r\n\r\n")
        stream.finish()
        client.read_until(b"0\r\n\r\n")
