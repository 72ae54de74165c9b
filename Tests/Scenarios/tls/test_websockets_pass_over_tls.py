"""Upgrade: websocket becomes a tunnel between two TLS connections."""

from harness import request, wait_for
from support.websocket import SWITCH, UPGRADE, echo


def test_they_do(secure):
    secure.decoder.script = echo
    with secure.connect() as client:
        client.send(request("GET", "/v1/realtime", UPGRADE))
        head = client.read_until(b"\r\n\r\n").lower()
        assert b" 101 " in head and b"upgrade: websocket" in head
        assert client.body_part(5) == b"hello"
        for message in (b"\x81\x02ab", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 40, b"x" * 100_000):
            client.send(message)
            assert client.body_part(len(message)) == message


def test_an_end_passes_both_ways(secure):
    def leave(connection, request):
        connection.send(SWITCH + b"bye")
        connection.close()

    secure.decoder.script = leave
    with secure.connect() as client:
        client.send(request("GET", "/v1/realtime", UPGRADE))
        client.read_until(b"\r\n\r\n")
        assert client.wait_until_closed() == b"bye" and not client.reader.was_reset

    ended = []

    def listen(connection, request):
        connection.send(SWITCH)
        ended.append(connection.closed_by_peer())
        connection.close()

    secure.decoder.script = listen
    with secure.connect() as client:
        client.send(request("GET", "/v1/realtime", UPGRADE))
        client.read_until(b"\r\n\r\n")
        client.half_close()
        client.wait_until_closed()
    wait_for(lambda: ended == [True], "the engine to be told", 5)
