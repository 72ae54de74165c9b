"""The absolute form names a host a second time, so it may only say what the Host header says, over plain http."""

import pytest

from harness import ask_raw, assert_refused_and_closed

ODD = [
    "http://other/v1/models",
    "http://a:81/v1/models",
    "https://a/v1/models",
    "ftp://a/v1/models",
    "http:///v1/models",
    "http:/v1/models",
    "http:v1/models",
    "//a/v1/models",
    "http://user@a/v1/models",
    "http://user:word@a/v1/models",
    "http://a\\b/v1/models",
    "http://a/../v1/models",
    "http://a//v1/models",
    "http://a/%2fv1/models",
    "http://a/v1#models",
    "http://[::1/v1/models",
    "file:///etc/passwd",
    "a:80",
]


@pytest.mark.parametrize("target", ODD)
def test_it_is_refused(sidecar, decoder, target):
    assert_refused_and_closed(sidecar.port, f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert decoder.requests == []


def test_a_plain_one_reaches_the_decoder_in_origin_form(sidecar, decoder):
    answer, _ = ask_raw(sidecar.port, b"GET http://a/v1/models?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.status == 200
    assert decoder.the_request().target == "/v1/models?x=1"
    assert decoder.the_request().one("host") == "a"
