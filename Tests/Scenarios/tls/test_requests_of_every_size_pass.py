"""Bodies from nothing to megabytes, both ways, with every framing, on the plain path and through prefill and decode, with
TLS on all sides."""

import hashlib
import json
import random

import pytest

from harness import CHAT, HANDOFF, ROUTE, chunked_response, encode_chunk, prefills, request, response

SIZES = [0, 1, 1000, 16383, 16384, 16385, 65536, 1 << 20, 5 << 20]
OPAQUE = [("Content-Type", "application/octet-stream")]


def noise(size):
    return random.Random(size).randbytes(size)


def summed(connection, request):
    """Answers what has arrived: its size and hash."""
    return response(body={"size": len(request.body), "sha256": hashlib.sha256(request.body).hexdigest()})


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("size", SIZES)
def test_to_the_engine(secure, size, framing):
    secure.decoder.script = summed
    body = noise(size)
    with secure.connect() as client:
        if framing == "length":
            client.send(request("POST", "/upload", OPAQUE, body))
        else:
            pieces = [body[at : at + 30000] for at in range(0, size, 30000)]
            raw = b"".join(encode_chunk(piece) for piece in pieces) + b"0\r\n\r\n"
            client.send(request("POST", "/upload", [*OPAQUE, ("Transfer-Encoding", "chunked")], raw))
        answer = client.response("POST")
    assert answer.status == 200, answer.body
    assert answer.json() == {"size": size, "sha256": hashlib.sha256(body).hexdigest()}


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("size", SIZES)
def test_to_the_client(secure, size, framing):
    body = noise(size)

    def script(connection, request):
        if framing == "length":
            return response(body=body, content_type="application/octet-stream")
        if framing == "chunked":
            return chunked_response([body[at : at + 30000] for at in range(0, size, 30000)])
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)
        connection.close()

    secure.decoder.script = script
    with secure.connect() as client:
        answer = client.ask(target="/download")
    assert answer.status == 200 and answer.complete and answer.body == body


@pytest.mark.parametrize("size", [10, 16384, 1 << 20, 5 << 20])
def test_through_prefill_and_decode(secure, tls_prefiller, size):
    prompt = "".join(random.Random(size).choices("abcdefghij klmnop", k=size))
    body = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": prompt}]}).encode()
    secure.decoder.script = lambda connection, request: response(body=request.body)
    with secure.connect() as client:
        answer = client.ask("POST", CHAT, [(ROUTE, tls_prefiller.address)], body)
    assert answer.status == 200, answer.body[:300]
    decoded = answer.json()
    assert decoded.pop("kv_transfer_params") == json.loads(HANDOFF)
    assert decoded == json.loads(body)
    prefilled = tls_prefiller.the_request().json()
    assert prefilled["messages"] == decoded["messages"] and prefilled["max_tokens"] == 1


def test_a_prefill_answer_of_megabytes(secure, engine):
    """Larger than a record many times over, and read whole before the decode."""
    handoff = HANDOFF[:-1] + b',"padding":"' + b"p" * (3 << 20) + b'"}'
    prefiller = engine(prefills(handoff))
    with secure.connect() as client:
        assert client.ask("POST", CHAT, [(ROUTE, prefiller.address)], b'{"model":"tiny","messages":[]}').status == 200
    assert len(secure.decoder.the_request().json()["kv_transfer_params"]["padding"]) == 3 << 20


def test_pipelined_requests_are_answered_in_order_over_tls(secure):
    with secure.connect() as client:
        client.send(b"".join(request("GET", f"/number/{number}") for number in range(50)))
        for number in range(50):
            assert client.response().json()["served"] == f"/number/{number}"


def test_one_connection_serves_many(secure, tls_prefiller):
    body = b'{"model":"tiny","messages":[]}'
    with secure.connect() as client:
        for number in range(30):
            assert client.ask("POST", CHAT, [(ROUTE, tls_prefiller.address)] if number % 2 else [], body).status == 200
            assert client.ask(target=f"/plain/{number}").status == 200
    assert len(secure.decoder.requests) == 60


def test_an_expectation_is_met(secure, tls_prefiller):
    body = b'{"model":"tiny","messages":[]}'
    for headers in ([], [(ROUTE, tls_prefiller.address)]):
        secure.decoder.reset()
        with secure.connect() as client:
            whole = request("POST", CHAT, [*headers, ("Expect", "100-continue")], body)
            client.send(whole[: -len(body)])
            assert client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(body)
            assert client.response("POST").status == 200


def test_head_has_no_body_over_tls(secure):
    with secure.connect() as client:
        assert client.ask("HEAD").status == 200
        assert client.ask().status == 200


def test_default_answers_are_those_of_the_plain_port(secure, sidecar):
    """Over TLS and without it the same request gets the same answer."""
    from harness import ask

    with secure.connect() as client:
        over_tls = client.ask("POST", CHAT, body=b'{"model":"tiny","messages":[]}')
    plain = ask(sidecar.port, "POST", CHAT, body=b'{"model":"tiny","messages":[]}')
    assert over_tls.body == plain.body and [name for name, _ in over_tls.headers] == [name for name, _ in plain.headers]
