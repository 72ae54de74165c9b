"""A client that does not read must not fill the sidecar's memory: the engine is made to wait, and nothing is lost."""

import threading

from harness import CHAT, STREAMED, Client, encode_chunk, head, request, wait_for

TOTAL = 64 << 20
PIECE = bytes(range(256)) * 256


def test_it_does(sidecar, decoder):
    sent = [0]
    finished = threading.Event()

    def script(connection, request):
        connection.send(head("HTTP/1.1 200 OK", [("transfer-encoding", "chunked")]))
        while sent[0] < TOTAL:
            connection.send(encode_chunk(PIECE))
            sent[0] += len(PIECE)
        finished.set()
        return b"0\r\n\r\n"

    decoder.script = script
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, body=STREAMED))
        client.read_until(b"\r\n\r\n")
        before = -1
        while before != sent[0]:
            before = sent[0]
            assert not finished.wait(1), "the engine was never made to wait"
        received = 0
        while received < TOTAL:
            size = int(client.read_until(b"\r\n"), 16)
            data = client.body_part(size + 2)[:-2]
            start = received % len(PIECE)
            assert data == (PIECE * (2 + len(data) // len(PIECE)))[start : start + len(data)], "bytes lost or reordered"
            received += size
        assert client.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
    wait_for(finished.is_set, "the engine to finish")


def test_a_slow_engine_slows_the_client(sidecar, decoder):
    release = threading.Event()

    def script(connection, request):
        release.wait(20)
        connection.read_body(request)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    decoder.read_bodies = False
    decoder.script = script
    body = b"R" * 1_000_000
    with Client(sidecar.port) as client:
        client.send(request("POST", "/upload", [("Content-Type", "application/octet-stream")], body))
        release.set()
        assert client.response().status == 200
    assert decoder.the_request().body == body
