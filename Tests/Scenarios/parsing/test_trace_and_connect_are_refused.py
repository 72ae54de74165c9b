"""TRACE would echo internal headers, CONNECT would open a tunnel: neither reaches an engine."""

import pytest

from harness import assert_refused_and_closed


@pytest.mark.parametrize("line", ["TRACE / HTTP/1.1", "CONNECT 127.0.0.1:80 HTTP/1.1", "CONNECT /v1/models HTTP/1.1"])
def test_it_is_refused(sidecar, decoder, line):
    raw = f"{line}\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    assert_refused_and_closed(sidecar.port, raw, (405, 501))
    assert decoder.requests == []
