"""A prefiller's refusal is relayed under the prefill timeout, also after the client has held it up for a while."""

import threading

from harness import CHAT, PROMPT, ROUTE, Client, head, request
from support.flood import PIECE

PIECES = 512


class Refusal:
    """A refusal of which more is announced than comes."""

    def __init__(self):
        self.sent = threading.Event()
        self.gone = False

    def __call__(self, connection, _):
        length = str((PIECES + 1) * len(PIECE))
        connection.send(head("HTTP/1.1 500 Internal Server Error", [("content-length", length)]))
        for _ in range(PIECES):
            connection.send(PIECE)
        self.sent.set()
        self.gone = connection.closed_by_peer(30)
        connection.close()


def test_it_is(launch, prefiller):
    sidecar = launch(prefill_timeout="2s")
    prefiller.script = refusal = Refusal()
    with Client(sidecar.port) as client:
        client.send(request("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT))
        assert b" 500 " in client.read_until(b"\r\n\r\n")
        assert not refusal.sent.wait(1), "the client has held nothing up"
        for _ in range(PIECES):
            client.body_part(len(PIECE))
        assert client.wait_until_closed() == b""
    assert sidecar.metric("sidecar_streams_cut_total") == 1
