"""HEAD, 204 and 304 end with their head: the client's connection serves the next request."""

import pytest

from harness import Client, answers, request, response

BODILESS = [
    ("GET", b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
    ("POST", b"HTTP/1.1 204 No Content\r\n\r\n"),
    ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'),
    ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n"),
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
]


@pytest.mark.parametrize("method,raw", BODILESS)
def test_it_ends_with_the_head(sidecar, decoder, method, raw):
    with Client(sidecar.port) as client:
        for number in range(2):
            decoder.script = answers(raw)
            client.send(request(method, "/x", body=b"{}" if method == "POST" else None))
            answer = client.response(method)
            assert answer.status == int(raw.split()[1]) and answer.body == b"" and answer.complete
            decoder.script = decoder.default_script
            client.send(request("GET", f"/next/{number}"))
            assert client.response().json()["served"] == f"/next/{number}"


def test_head_keeps_the_announced_length(sidecar, decoder):
    decoder.script = answers(response(body=b"")[:-2].replace(b"content-length: 0", b"content-length: 77") + b"\r\n")
    with Client(sidecar.port) as client:
        client.send(request("HEAD", "/x"))
        assert client.response("HEAD").one("content-length") == "77"
