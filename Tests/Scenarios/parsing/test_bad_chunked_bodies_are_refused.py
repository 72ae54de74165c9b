"""A chunked request body that is not exactly framed gets 400 and the connection closes; no engine sees the request."""

import pytest

from harness import COMPLETIONS, ROUTE, assert_refused_and_closed

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
BODIES = {
    "a size that is no number": b"xyz\r\n{}\r\n0\r\n\r\n",
    "an empty size": b"\r\n{}\r\n0\r\n\r\n",
    "a signed size": b"+2\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "a size with a prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a space before the size": b" 2\r\n{}\r\n0\r\n\r\n",
    "a size that overflows 64 bits": b"10000000000000002\r\n{}\r\n0\r\n\r\n",
    "a size of many digits": b"0" * 400 + b"2\r\n{}\r\n0\r\n\r\n",
    "a size ended by a bare LF": b"2\n{}\r\n0\r\n\r\n",
    "a size ended by a bare CR": b"2\r{}\r\n0\r\n\r\n",
    "data without its CRLF": b"2\r\n{}0\r\n\r\n",
    "data ended by a bare LF": b"2\r\n{}\n0\r\n\r\n",
    "data longer than its size": b"1\r\n{}\r\n0\r\n\r\n",
    "a control character in an extension": b"2;a=\x01\r\n{}\r\n0\r\n\r\n",
    "a bare LF in an extension": b"2;a=b\nc\r\n{}\r\n0\r\n\r\n",
    "an endless extension": b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n",
    "a bad trailer line": b"2\r\n{}\r\n0\r\nno colon\r\n\r\n",
    "a folded trailer": b"2\r\n{}\r\n0\r\nA: b\r\n c\r\n\r\n",
    "a last chunk ended by a bare LF": b"2\r\n{}\r\n0\r\n\n",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("routed", [False, True], ids=["plain", "routed"])
def test_it_is_refused(sidecar, decoder, prefiller, body, routed):
    head = f"POST {COMPLETIONS} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    if routed:
        head += f"{ROUTE}: {prefiller.address}\r\n"
    # A trailer block without end may also be called too large.
    assert_refused_and_closed(sidecar.port, head.encode() + b"\r\n" + body + SMUGGLED, (400, 431))
    assert decoder.requests == [] and prefiller.requests == []
