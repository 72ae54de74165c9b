"""A prefiller that refuses, or that never accepts, is 504 after the connect deadline; one that never answers is 504
after the prefill deadline. The decoder is not asked."""

import socket
import time

import pytest

from harness import CHAT, PROMPT, ROUTE, ask, assert_error, assert_works, free_port, in_background, routed, wait_for


def test_it_refuses(sidecar, decoder):
    answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, f"127.0.0.1:{free_port()}")], PROMPT)
    assert_error(answer, 504)
    assert decoder.requests == []


@pytest.fixture
def full_backlog():
    """A listener that accepts nobody and whose queue is full: the kernel drops further connections silently."""
    port = free_port()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        time.sleep(0.1)
        yield port
        for filler in fillers:
            filler.close()


def test_it_never_accepts(sidecar, decoder, full_backlog):
    started = time.monotonic()
    answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, f"127.0.0.1:{full_backlog}")], PROMPT)
    assert_error(answer, 504)
    assert time.monotonic() - started < 10  # the shared sidecar's connect deadline is one second
    assert decoder.requests == []


def test_others_are_served_while_one_cannot_be_reached(sidecar, prefiller, full_backlog):
    waiting = [
        in_background(lambda: ask(sidecar.port, "POST", CHAT, [(ROUTE, f"127.0.0.1:{full_backlog}")], PROMPT))
        for _ in range(10)
    ]
    assert_works(sidecar, prefiller)
    assert [result().status for result in waiting] == [504] * 10


def test_it_never_answers(sidecar, decoder, prefiller):
    cancelled = []
    prefiller.script = lambda connection, request: cancelled.append(connection.closed_by_peer(15)) or connection.close()
    assert_error(routed(sidecar, prefiller), 504)
    assert decoder.requests == []
    wait_for(lambda: cancelled == [True], "the prefill to be cancelled")


def test_it_answers_but_never_ends(sidecar, decoder, prefiller):
    def script(connection, request):
        connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":')
        connection.closed_by_peer(15)
        connection.close()

    prefiller.script = script
    assert_error(routed(sidecar, prefiller), 504)
    assert decoder.requests == []
