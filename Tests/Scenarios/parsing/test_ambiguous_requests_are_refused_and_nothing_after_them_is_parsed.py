"""Each of these is read in two ways by two implementations. It gets 400, the connection closes, and the request that
is smuggled behind it reaches nobody."""

import pytest

from harness import assert_refused_and_closed, assert_works

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /v1/x HTTP/1.1\r\nHost: a\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"

AMBIGUOUS = {
    "length and coding": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "two equal lengths": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a signed length": POST + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "a hexadecimal length": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "an empty length": POST + b"Content-Length: \r\n\r\n{}",
    "a length with a space inside": POST + b"Content-Length: 1 2\r\n\r\n{}",
    "a length with a fraction": POST + b"Content-Length: 2.0\r\n\r\n{}",
    "a length beyond 64 bits": POST + b"Content-Length: 18446744073709551618\r\n\r\n{}",
    "a length beyond all bits": POST + b"Content-Length: " + b"9" * 200 + b"\r\n\r\n{}",
    "a length with a letter": POST + b"Content-Length: 2a\r\n\r\n{}",
    "identity coding": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "gzip and chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked and identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice in one line": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice in two lines": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an odd coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a quoted coding": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a coding with a parameter": POST + b"Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
    "an empty coding": POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "a vertical tab before the coding": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 2\r\n\r\n{}",
    "a tab before the colon": GET + b"X-A\t: 2\r\n\r\n",
    "a folded value": GET + b"X-A: 1\r\n 2\r\n\r\n",
    "a value folded by a tab": GET + b"X-A: 1\r\n\t2\r\n\r\n",
    "a folded first header": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "an empty name": GET + b": 2\r\n\r\n",
    "no colon": GET + b"X-A\r\n\r\n",
    "a name in quotes": GET + b'"X-A": 2\r\n\r\n',
    "a name with a slash": GET + b"X/A: 2\r\n\r\n",
    "a name beyond ASCII": GET + b"X-\xc3\xa9: 2\r\n\r\n",
    "a bare LF after the request line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "a bare LF after a header": b"GET / HTTP/1.1\r\nHost: a\nX-A: 1\r\n\r\n",
    "only bare LFs": b"GET / HTTP/1.1\nHost: a\n\n",
    "a bare LF as the last line": GET + b"X-A: 1\r\n\n",
    "a bare CR in a value": GET + b"X-A: 1\rX-B: 2\r\n\r\n",
    "a bare CR in a name": GET + b"X\r-A: 1\r\n\r\n",
    "two CRs before an LF": b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
    "NUL in a value": GET + b"X-A: 1\x002\r\n\r\n",
    "NUL in a name": GET + b"X\x00A: 1\r\n\r\n",
    "a control character in a value": GET + b"X-A: 1\x012\r\n\r\n",
    "an escape character in a value": GET + b"X-A: \x1b[2J\r\n\r\n",
    "DEL in a value": GET + b"X-A: 1\x7f2\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nX-A: 1\r\n\r\n",
    "two hosts": GET + b"Host: b\r\n\r\n",
    "two equal hosts": GET + b"Host: a\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host with a user": b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "a host with a space": b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a list of hosts": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
}


@pytest.mark.parametrize("raw", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_it_is_refused(sidecar, decoder, raw):
    assert_refused_and_closed(sidecar.port, raw + SMUGGLED)
    assert decoder.requests == []
    assert_works(sidecar)
