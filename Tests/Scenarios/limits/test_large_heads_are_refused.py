"""A head over 64 KiB or with more than 100 fields is 431; just below both it is served."""

import pytest

from harness import ROUTE, Client, ask, assert_error, assert_refused_and_closed, assert_works


def head(line=b"GET /x HTTP/1.1", fields=0, filler=0):
    raw = line + b"\r\nHost: a\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(fields))
    return raw + (b"X-Fill: " + b"a" * filler + b"\r\n" if filler else b"") + b"\r\n"


LARGE = {
    "a long value": head(filler=66_000),
    "a long name": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"N" * 66_000 + b": 1\r\n\r\n",
    "a long target": head(b"GET /" + b"a" * 66_000 + b" HTTP/1.1"),
    "many fields": head(fields=101),
    "very many fields": head(fields=5_000),
}


@pytest.mark.parametrize("raw", LARGE.values(), ids=LARGE.keys())
def test_it_is_refused(sidecar, decoder, raw):
    # A request line that long may also be called that: 414.
    assert_refused_and_closed(sidecar.port, raw, (414, 431) if b"/aaa" in raw else 431)
    assert decoder.requests == []
    assert_works(sidecar)


def test_a_head_without_end_is_refused(sidecar, decoder):
    with Client(sidecar.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ")
        for _ in range(200):
            if not client.send(b"a" * 10_000):
                break
        assert_error(client.response(), 431)
        assert client.wait_until_closed() == b""
    assert decoder.requests == []


def test_just_below_it_is_served(sidecar, decoder):
    assert ask(sidecar.port, headers=[("X-Fill", "a" * 60_000)]).status == 200
    assert ask(sidecar.port, headers=[(f"X-{number}", "1") for number in range(99)]).status == 200
    assert [len(seen.head) > 60_000 for seen in decoder.requests] == [True, False]
    names = [name.lower() for name, _ in decoder.requests[1].headers]
    assert [name for name in names if name[2:].isdigit()] == [f"x-{number}" for number in range(99)]


def test_a_head_of_many_bytes_and_a_routed_request(sidecar, decoder, prefiller):
    filler = [("X-Fill", "a" * 50_000), (ROUTE, prefiller.address)]
    assert ask(sidecar.port, "POST", "/v1/completions", filler, b"{}").status == 200
    assert len(prefiller.the_request().head) > 50_000
