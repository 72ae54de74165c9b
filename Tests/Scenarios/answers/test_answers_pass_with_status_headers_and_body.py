"""The decoder's answer is the client's answer: status, end-to-end headers in order and number, body byte for byte."""

import os

import pytest

from harness import CHAT, answers, ask, chunked_response, head, response, routed


@pytest.mark.parametrize("status", [200, 201, 202, 206, 301, 400, 401, 404, 422, 429, 500, 501, 503, 599])
def test_the_status(sidecar, decoder, prefiller, status):
    own = {"error": {"message": "m", "type": "t", "param": "p", "code": status}}
    decoder.script = answers(response(status, own, [("Location", "/x"), ("Retry-After", "7")]))
    for answer in (ask(sidecar.port), ask(sidecar.port, "POST", CHAT, body=b"{}"), routed(sidecar, prefiller)):
        assert answer.status == status and answer.json() == own
        assert answer.one("location") == "/x" and answer.one("retry-after") == "7"


def test_headers(sidecar, decoder):
    own = [("Set-Cookie", "a=1; Path=/"), ("X-A", ""), ("set-cookie", "b=2"), ("Server", "uvicorn"), ("Vary", "Origin")]
    decoder.script = answers(response(body=b"{}", headers=own))
    answer = ask(sidecar.port)
    assert answer.all("set-cookie") == ["a=1; Path=/", "b=2"]
    assert answer.one("x-a") == "" and answer.one("server") == "uvicorn" and answer.one("vary") == "Origin"


@pytest.mark.parametrize("size", [0, 1, 16_383, 65_536, 65_537, 3_000_000])
def test_bodies_of_every_size(sidecar, decoder, size):
    body = os.urandom(size)
    decoder.script = answers(response(body=body, content_type="application/octet-stream"))
    assert ask(sidecar.port).body == body
    pieces = [body[index : index + 9_999] for index in range(0, size, 9_999)]
    decoder.script = answers(chunked_response(pieces, content_type="application/octet-stream"))
    assert ask(sidecar.port).body == body


def test_a_body_that_ends_with_the_connection(sidecar, decoder):
    body = os.urandom(200_000)

    def script(connection, request):
        connection.send(head("HTTP/1.1 200 OK", [("content-type", "audio/wav")]) + body)
        connection.close()

    decoder.script = script
    answer = ask(sidecar.port)
    assert answer.status == 200 and answer.body == body and answer.complete


def test_trailers_are_dropped(sidecar, decoder):
    raw = chunked_response([b"{}"], headers=[("Trailer", "X-Sum")])[:-2] + b"X-Sum: 1\r\nContent-Length: 9\r\n\r\n"
    decoder.script = answers(raw)
    answer = ask(sidecar.port)
    assert answer.body == b"{}" and answer.trailers == []
    assert answer.one("x-sum") is None and answer.one("trailer") is None


def test_a_few_interim_answers_do_no_harm(sidecar, decoder):
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    decoder.script = answers(interim + response(body={"served": "x"}))
    answer = ask(sidecar.port)
    assert answer.status == 200 and answer.json() == {"served": "x"}


def test_an_http_1_0_engine(sidecar, decoder):
    def script(connection, request):
        connection.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold")
        connection.close()

    decoder.script = script
    assert ask(sidecar.port).body == b"old"
