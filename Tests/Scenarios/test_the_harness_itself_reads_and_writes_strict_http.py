"""The scripted engine and the client, against each other without a sidecar: what the other scenarios stand on."""

import pytest

from harness import Client, Engine, Stepwise, answers, ask, chunked_response, decodes, prefills, request
from support.wire import Malformed


@pytest.fixture
def engine():
    engine = Engine(decodes)
    yield engine
    engine.close()


def test_a_request_is_recorded_as_it_was_sent(engine):
    answer = ask(engine.port, "POST", "/v1/x?y=%2f", [("X-One", "1"), ("x-one", "2")], b'{"a": 1}')
    assert answer.json()["served"] == "/v1/x?y=%2f"
    seen = engine.the_request()
    assert seen.all("X-ONE") == ["1", "2"] and seen.body == b'{"a": 1}' and seen.members == [("a", 1)]


def test_a_stream_is_read_event_by_event(engine):
    engine.script = stream = Stepwise()
    with Client(engine.port) as client:
        client.send(request("POST", "/stream", body=b"{}"))
        client.read_until(b"\r\n\r\n")
        stream.step("one")
        assert b"one" in client.read_until(b"\n\n")
        stream.finish()
        assert client.read_until(b"0\r\n\r\n")


def test_a_client_that_leaves_is_noticed(engine):
    engine.script = stream = Stepwise()
    with Client(engine.port) as client:
        client.send(request("POST", "/stream", body=b"{}"))
        assert stream.started.wait(5)
    assert stream.gone.wait(5)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_ambiguous_answer_is_not_accepted(engine, raw):
    engine.script = answers(raw)
    with pytest.raises(Malformed):
        ask(engine.port)


def test_an_answer_cut_short_is_seen_as_incomplete(engine):
    def cut(connection, request):
        connection.send(chunked_response([b"abc"], last=False))
        connection.reset()

    engine.script = cut
    assert not ask(engine.port).complete
    engine.script = prefills()
    answer = ask(engine.port, "POST", body=b"{}")
    assert answer.complete and answer.json()["kv_transfer_params"]["remote_block_ids"] == [[1, 2], [3]]
