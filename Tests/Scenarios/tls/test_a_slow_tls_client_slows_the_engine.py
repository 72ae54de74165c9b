"""Back-pressure goes through TLS: who does not read fills nobody's memory, and nothing is lost."""

import threading

from harness import CHAT, STREAMED, encode_chunk, head, request, resident, wait_for

TOTAL = 48 << 20
PIECE = bytes(range(256)) * 256


def test_it_does(secure):
    sent = [0]
    finished = threading.Event()

    def script(connection, request):
        connection.send(head("HTTP/1.1 200 OK", [("transfer-encoding", "chunked")]))
        while sent[0] < TOTAL:
            connection.send(encode_chunk(PIECE))
            sent[0] += len(PIECE)
        finished.set()
        return b"0\r\n\r\n"

    secure.decoder.script = script
    proxy = secure.component_pid("proxy")
    before_memory = resident(proxy)
    with secure.connect() as client:
        client.send(request("POST", CHAT, body=STREAMED))
        client.read_until(b"\r\n\r\n")
        before = -1
        while before != sent[0]:
            before = sent[0]
            assert not finished.wait(1), "the engine was never made to wait"
        assert resident(proxy) < before_memory + (8 << 20)
        received = 0
        while received < TOTAL:
            size = int(client.read_until(b"\r\n"), 16)
            data = client.body_part(size + 2)[:-2]
            start = received % len(PIECE)
            assert data == (PIECE * (2 + len(data) // len(PIECE)))[start : start + len(data)], "bytes lost or reordered"
            received += size
        assert client.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
    wait_for(finished.is_set, "the engine to finish")


def test_a_slow_engine_slows_the_client(secure):
    release = threading.Event()

    def script(connection, request):
        release.wait(20)
        connection.read_body(request)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    secure.decoder.read_bodies = False
    secure.decoder.script = script
    body = bytes(range(256)) * (48 << 10)  # 12 MiB, more than sockets hold
    with secure.connect(timeout=30) as client:

        def upload():
            client.send(request("POST", "/upload", [("Content-Type", "application/octet-stream")], body))

        sender = threading.Thread(target=upload, daemon=True)
        sender.start()
        secure.decoder.wait_for_requests(1)
        release.set()
        sender.join(30)
        assert client.response().status == 200
    assert secure.decoder.the_request().body == body
