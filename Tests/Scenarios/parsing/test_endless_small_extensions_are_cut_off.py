"""One-byte chunks, each with an extension, cost the sidecar far more than they carry. It stops reading at some point
well below the megabytes that a client can send."""

from harness import Client, assert_works, request


def test_extensions_on_every_chunk_are_refused_in_the_end(sidecar, decoder):
    chunk = b"1;" + b"x" * 200 + b"\r\n \r\n"
    with Client(sidecar.port) as client:
        client.send(request("POST", "/v1/x", [("Transfer-Encoding", "chunked")], b""))
        sent_all = all(client.send(chunk * 500) for _ in range(100))  # 10 MB for 50 kB of body
        if sent_all:
            client.send(b"2\r\n{}\r\n0\r\n\r\n")
        answer = client.response()
    assert answer.status in (400, 413), answer.status
    assert decoder.requests == []
    assert_works(sidecar)
