"""What an engine writes is read as strictly as what a client writes: 502, and the connection is not used again."""

import pytest

from harness import CHAT, Client, answers, answers_and_closes, ask, assert_error, assert_works, routed

OK = b"HTTP/1.1 200 OK\r\n"
HEADS = {
    "length and coding": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two different lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "a bad length": OK + b"Content-Length: 2x\r\n\r\n{}",
    "a negative length": OK + b"Content-Length: -2\r\n\r\n{}",
    "an endless length": OK + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n{}",
    "an unknown coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a folded header": OK + b"X-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}",
    "a space before a colon": OK + b"Content-Length : 2\r\n\r\n{}",
    "an empty name": OK + b": 1\r\nContent-Length: 2\r\n\r\n{}",
    "no colon": OK + b"X-A\r\nContent-Length: 2\r\n\r\n{}",
    "a bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "a bare CR in a value": OK + b"X-A: 1\rSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}",
    "NUL in a value": OK + b"X-A: 1\x002\r\nContent-Length: 2\r\n\r\n{}",
    "a head over 64 KiB": OK + b"X-A: " + b"a" * 70_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "too many fields": OK + b"X-A: 1\r\n" * 5000 + b"Content-Length: 2\r\n\r\n{}",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "no status": b"HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}",
    "status 000": b"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a status with a sign": b"HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\n{}",
    "an unasked upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes",
    "a flood of interim answers": b"HTTP/1.1 102 Processing\r\n\r\n" * 1000 + OK + b"Content-Length: 2\r\n\r\n{}",
}
CUT = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 20",
    "half a head": OK + b"Content-Length: 2\r\n",
    "an interim answer only": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("raw", HEADS.values(), ids=HEADS.keys())
def test_from_the_decoder(sidecar, decoder, raw):
    decoder.script = answers(raw)
    assert_error(ask(sidecar.port, "POST", CHAT, body=b"{}"), 502)
    decoder.reset()
    assert_works(sidecar)


@pytest.mark.parametrize("raw", HEADS.values(), ids=HEADS.keys())
def test_from_the_prefiller(sidecar, decoder, prefiller, raw):
    prefiller.script = answers(raw)
    assert_error(routed(sidecar, prefiller), 502)
    assert decoder.requests == []
    prefiller.reset()
    assert_works(sidecar, prefiller)


@pytest.mark.parametrize("raw", CUT.values(), ids=CUT.keys())
def test_a_close_in_the_head(sidecar, decoder, prefiller, raw):
    decoder.script = answers_and_closes(raw)
    assert_error(ask(sidecar.port, "POST", CHAT, body=b"{}"), 502)
    decoder.reset()
    prefiller.script = answers_and_closes(raw)
    assert_error(routed(sidecar, prefiller), 502)
    assert decoder.requests == []


def test_the_client_may_go_on_after_a_bad_gateway(sidecar, decoder):
    decoder.script = answers(HEADS["length and coding"])
    with Client(sidecar.port) as client:
        client.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
        assert_error(client.response(), 502)
    decoder.reset()
    assert_works(sidecar)
