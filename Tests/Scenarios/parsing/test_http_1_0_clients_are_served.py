"""HTTP/1.0 clients need no Host, get no chunks, and keep a connection only when they ask for it."""

from harness import PROMPT, STREAMED, Client, ask_raw


def test_without_host(sidecar, decoder):
    answer, rest = ask_raw(sidecar.port, b"GET /old HTTP/1.0\r\n\r\n")
    assert answer.status == 200 and answer.json()["served"] == "/old" and rest == b""
    assert decoder.the_request().start[2] == "HTTP/1.1"


def test_a_chunked_answer_arrives_without_chunks(sidecar):
    head = b"POST /v1/chat/completions HTTP/1.0\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(STREAMED)
    answer, rest = ask_raw(sidecar.port, head + STREAMED)
    assert answer.status == 200 and not answer.chunked
    assert answer.body.startswith(b"data: ") and answer.body.endswith(b"data: [DONE]\n\n")


def test_keep_alive_when_asked(sidecar):
    with Client(sidecar.port) as client:
        for _ in range(2):
            client.send(b"GET /kept HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert client.response().json()["served"] == "/kept"


def test_a_chunked_request_in_1_0_is_refused(sidecar, decoder):
    raw = b"POST /v1/x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    answer, rest = ask_raw(sidecar.port, raw + PROMPT)
    assert answer.status == 400 and rest == b"" and decoder.requests == []
