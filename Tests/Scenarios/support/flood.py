"""A long answer, to a client that begins by not reading."""

import threading

from .behaviours import CHAT, STREAMED
from .engine import wait_for
from .wire import encode_chunk, head, request

PIECE = bytes(range(256)) * 256


class Flood:
    """An engine's script: `total` bytes, as fast as they are taken."""

    def __init__(self, total):
        self.total = total
        self.sent = 0
        self.finished = threading.Event()

    def __call__(self, connection, _):
        connection.send(head("HTTP/1.1 200 OK", [("transfer-encoding", "chunked")]))
        while self.sent < self.total:
            connection.send(encode_chunk(PIECE))
            self.sent += len(PIECE)
        self.finished.set()
        return b"0\r\n\r\n"

    def until_stuck(self):
        """Until the engine can't send on."""
        before = -1
        while before != self.sent:
            before = self.sent
            assert not self.finished.wait(1), "the engine was never made to wait"

    def read_by(self, client):
        """The whole answer, compared byte for byte."""
        received = 0
        while received < self.total:
            size = int(client.read_until(b"\r\n"), 16)
            data = client.body_part(size + 2)[:-2]
            start = received % len(PIECE)
            assert data == (PIECE * (2 + len(data) // len(PIECE)))[start : start + len(data)], "bytes lost or reordered"
            received += size
        assert client.read_until(b"\r\n\r\n") == b"0\r\n\r\n"
        wait_for(self.finished.is_set, "the engine to finish")


def begin(client):
    """Asks for it and reads the head alone."""
    client.send(request("POST", CHAT, body=STREAMED))
    client.read_until(b"\r\n\r\n")


class SlowUpload:
    """An engine's script that doesn't read a body until it is told to."""

    def __init__(self):
        self.release = threading.Event()

    def __call__(self, connection, request):
        self.release.wait(20)
        connection.read_body(request)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
