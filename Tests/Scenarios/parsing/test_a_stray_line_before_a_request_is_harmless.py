"""RFC 9112 2.2: a server should ignore one empty line before a request. It may
also refuse; it must not hang or crash."""

from harness import Client, assert_works, request


def test_an_empty_line_first(sidecar, decoder):
    with Client(sidecar.port) as client:
        client.send(b"\r\n" + request("GET", "/after-a-line"))
        answer = client.response()
    assert answer.status in (200, 400)
    assert_works(sidecar)


def test_nothing_but_empty_lines_is_bounded(sidecar, decoder):
    with Client(sidecar.port) as client:
        for _ in range(64):
            if not client.send(b"\r\n" * 2048):
                break
        answer = client.response()
        assert answer.status in (400, 431)
        assert client.wait_until_closed() == b""
    assert decoder.requests == []
