"""A request line has one method token, one target without white space, one version, single spaces between them."""

import pytest

from harness import assert_refused_and_closed

HOST = b"\r\nHost: a\r\n\r\n"
LINES = {
    "two spaces after the method": b"GET  / HTTP/1.1",
    "two spaces before the version": b"GET /  HTTP/1.1",
    "a tab for a space": b"GET\t/ HTTP/1.1",
    "a space before the method": b" GET / HTTP/1.1",
    "a space after the version": b"GET / HTTP/1.1 ",
    "a space in the target": b"GET /a b HTTP/1.1",
    "no target": b"GET HTTP/1.1",
    "no version": b"GET /",
    "nothing but a method": b"GET",
    "a method with a colon": b"GE:T / HTTP/1.1",
    "a method with a bracket": b"G(T / HTTP/1.1",
    "a target without its slash": b"GET models HTTP/1.1",
    "an asterisk for GET": b"GET * HTTP/1.1",
    "a fragment": b"GET /a#b HTTP/1.1",
    "NUL in the target": b"GET /a\x00b HTTP/1.1",
    "a control character in the target": b"GET /a\x1fb HTTP/1.1",
    "DEL in the target": b"GET /a\x7fb HTTP/1.1",
    "bytes of a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "binary noise": bytes(range(128, 200)),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_it_is_refused(sidecar, decoder, line):
    assert_refused_and_closed(sidecar.port, line + HOST)
    assert decoder.requests == []
