"""Only HTTP/1.1 and HTTP/1.0 are spoken, and the version is written exactly."""

import pytest

from harness import assert_refused_and_closed


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/3.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/9.9"])
def test_an_unknown_version_is_505(sidecar, decoder, version):
    assert_refused_and_closed(sidecar.port, b"GET / " + version + b"\r\nHost: a\r\n\r\n", 505)
    assert decoder.requests == []


@pytest.mark.parametrize(
    "version", [b"http/1.1", b"HTTP/1.1x", b"HTTP/1", b"HTTP/1.", b"HTTP/01.1", b"HTTP/1.10", b"HTTP 1.1", b"ICY/1.1"]
)
def test_a_misspelt_version_is_refused(sidecar, decoder, version):
    assert_refused_and_closed(sidecar.port, b"GET / " + version + b"\r\nHost: a\r\n\r\n", (400, 505))
    assert decoder.requests == []


def test_the_http2_preface_is_refused(sidecar, decoder):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    assert_refused_and_closed(sidecar.port, preface, (400, 505))
    assert decoder.requests == []
