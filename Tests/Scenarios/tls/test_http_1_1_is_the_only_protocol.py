"""ALPN: http/1.1 is chosen wherever the client names it; one that names others alone is refused with an alert."""

import ssl

import pytest

from harness import assert_error
from support.tls import s_client


@pytest.mark.parametrize("offered,chosen", [
    (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (["http/1.0", "http/1.1", "spdy/3"], "http/1.1"), ([], None),
])
def test_it_is_chosen(secure, certificates, offered, chosen):
    with secure.connect(certificates.client(protocols=offered)) as client:
        assert client.sock.selected_alpn_protocol() == chosen
        assert client.ask().status == 200


@pytest.mark.parametrize("offered", [["h2"], ["h3", "h2"], ["http/1.0"], ["HTTP/1.1"]])
def test_others_alone_are_refused(secure, certificates, offered):
    with pytest.raises(ssl.SSLError, match="NO_APPLICATION_PROTOCOL|no application protocol"):
        secure.connect(certificates.client(protocols=offered))


def test_they_are_told_why(secure, certificates):
    assert "alert no application protocol" in s_client(secure.port, certificates, "-alpn", "h2")


def test_what_h2_begins_with_is_no_request(secure):
    with secure.connect() as client:
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
        assert_error(client.response(), (400, 505))
        assert client.wait_until_closed() == b""
