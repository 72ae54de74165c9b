"""A head has a total deadline: 408 for one that began, a silent close for a connection that sent nothing."""

import time

import pytest

from harness import Client, assert_error, assert_works, decodes, request


@pytest.fixture
def strict(launch):
    return launch(head_timeout="1s", keep_alive_timeout="2s")


def test_a_head_that_stops(strict):
    with Client(strict.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-A")
        assert_error(client.response(), 408)
        assert client.wait_until_closed() == b""


def test_a_head_that_drips(strict):
    raw = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: b\r\n" * 100
    started = time.monotonic()
    with Client(strict.port, timeout=20) as client:
        for index in range(len(raw)):
            if not client.send(raw[index : index + 1]) or not client.is_silent(0.2):
                break
        assert time.monotonic() - started < 10
        assert_error(client.response(), 408)
        assert client.wait_until_closed() == b""
    assert_works(strict)


def test_a_connection_that_says_nothing(strict):
    with Client(strict.port) as client:
        # Closed in silence: a connection opened in advance is no mistake. 408 is allowed too.
        assert client.wait_until_closed()[:12] in (b"", b"HTTP/1.1 408")


def test_an_idle_connection(strict):
    with Client(strict.port) as client:
        client.send(request("GET", "/a"))
        assert client.response().status == 200
        assert client.wait_until_closed() == b""


def test_a_second_head_that_stops(strict):
    with Client(strict.port) as client:
        client.send(request("GET", "/a") + b"GET /b HT")
        assert client.response().status == 200
        assert_error(client.response(), 408)
        assert client.wait_until_closed() == b""


def test_a_slow_answer_is_not_a_slow_head(strict):
    strict.decoder.script = lambda connection, request: time.sleep(3) or decodes(connection, request)
    with Client(strict.port) as client:
        client.send(request("GET", "/slow"))
        assert client.response().status == 200
