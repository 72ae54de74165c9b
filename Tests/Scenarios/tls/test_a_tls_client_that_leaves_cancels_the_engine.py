"""However a client goes (a goodbye, a FIN without one, a reset), prefill and decode are told at once, in TLS too."""

import socket
import struct
import threading

import pytest

from harness import CHAT, PROMPT, ROUTE, STREAMED, Stepwise, encode_chunk, head, request, wait_for


def goodbye(client):
    client.half_close()
    client.sock.close()


def cut(client):
    client.sock.cut()
    client.sock.close()


def reset(client):
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()


WAYS = pytest.mark.parametrize("leave", [goodbye, cut, reset], ids=lambda way: way.__name__)


@WAYS
@pytest.mark.parametrize("events", [0, 3])
def test_during_decode(secure, tls_prefiller, leave, events):
    secure.decoder.script = stream = Stepwise()
    client = secure.connect()
    client.send(request("POST", CHAT, [(ROUTE, tls_prefiller.address)], STREAMED))
    client.read_until(b"\r\n\r\n")
    for number in range(events):
        stream.step(f"{number}")
        client.read_until(b"\n\n")
    leave(client)
    assert stream.gone.wait(5)


@WAYS
def test_during_prefill(secure, tls_prefiller, leave):
    gone = []
    tls_prefiller.script = lambda connection, request: gone.append(connection.closed_by_peer(15)) or connection.close()
    client = secure.connect()
    client.send(request("POST", CHAT, [(ROUTE, tls_prefiller.address)], PROMPT))
    tls_prefiller.wait_for_requests(1)
    leave(client)
    wait_for(lambda: gone == [True], "the prefill to be cancelled", 5)
    assert secure.decoder.requests == []


@WAYS
def test_while_reading_nothing(secure, leave):
    cut_off = threading.Event()

    def script(connection, request):
        connection.send(head("HTTP/1.1 200 OK", [("transfer-encoding", "chunked")]))
        try:
            while True:
                connection.send(encode_chunk(b"x" * 65536))
        except OSError:
            cut_off.set()
            raise

    secure.decoder.script = script
    client = secure.connect(receive_buffer=4096)
    client.send(request("POST", CHAT, body=STREAMED))
    client.read_until(b"\r\n\r\n")
    leave(client)
    assert cut_off.wait(5)


@WAYS
def test_in_the_middle_of_a_body(secure, leave):
    client = secure.connect()
    client.send(request("POST", CHAT, [("Content-Length", "1000")], b'{"model":'))
    leave(client)
    secure.wait_until_quiet()
    assert all(not seen.complete for seen in secure.decoder.requests)


@WAYS
def test_idle(secure, leave):
    client = secure.connect()
    assert client.ask().status == 200
    leave(client)
    with secure.connect() as other:
        assert other.ask().status == 200
