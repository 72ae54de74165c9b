"""The decoder is told at once that nobody listens: its connection is closed, before and after the
first event."""

import socket
import struct

import pytest

from harness import CHAT, PROMPT, STREAMED, Client, Stepwise, encode_chunk, head, open_stream, request, wait_for


@pytest.mark.parametrize("with_header", [True, False], ids=["routed", "plain"])
@pytest.mark.parametrize("events", [0, 3])
@pytest.mark.parametrize("hard", [False, True], ids=["close", "reset"])
def test_in_a_stream(sidecar, decoder, prefiller, with_header, events, hard):
    decoder.script = stream = Stepwise()
    client = open_stream(sidecar, prefiller if with_header else None)
    client.read_until(b"\r\n\r\n")
    for number in range(events):
        stream.step(f"{number}")
        client.read_until(b"\n\n")
    if hard:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()
    assert stream.gone.wait(5)


def test_before_the_answer(sidecar, decoder):
    gone = []
    decoder.script = lambda connection, request: gone.append(connection.closed_by_peer(15)) or connection.close()
    client = Client(sidecar.port)
    client.send(request("POST", CHAT, body=PROMPT))
    decoder.wait_for_requests(1)
    client.sock.close()
    wait_for(lambda: gone == [True], "the decode to be cancelled", 5)


def test_while_reading_nothing(sidecar, decoder):
    """Also a client whose receive buffer is full is noticed when it goes."""
    cut = []

    def script(connection, request):
        connection.send(head("HTTP/1.1 200 OK", [("transfer-encoding", "chunked")]))
        try:
            while True:
                connection.send(encode_chunk(b"x" * 65536))
        except OSError:
            cut.append(True)
            raise

    decoder.script = script
    client = Client(sidecar.port, receive_buffer=4096)
    client.send(request("POST", CHAT, body=STREAMED))
    client.read_until(b"\r\n\r\n")
    client.sock.close()
    wait_for(lambda: cut, "the decode to be cancelled", 5)
