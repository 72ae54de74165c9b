"""Records cut anywhere, one byte at a time, several in one segment: TLS is a stream."""

import json
import ssl

import pytest

from harness import CHAT, PROMPT, ROUTE, request
from support.tls import ByHand

BOTH = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def answer_of(client):
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += client.read()
    head, _, body = raw.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += client.read()
    assert head.startswith(b"HTTP/1.1 200"), raw
    return json.loads(body)


def dripping(sock, size):
    def send(data):
        for at in range(0, len(data), size):
            sock.sendall(data[at : at + size])

    return send


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("size", [1, 7])
def test_one_byte_at_a_time(secure, certificates, tls_prefiller, version, size):
    with ByHand(secure.port, certificates.client(versions=(version, version))) as client:
        drip = dripping(client.sock, size)
        client.shake_hands(drip)
        for _ in range(2):
            drip(client.sealed(request("POST", CHAT, [(ROUTE, tls_prefiller.address)], PROMPT)))
            assert answer_of(client)["served"] == CHAT


def test_handshake_and_request_in_one_segment(secure, certificates):
    """The client's last flight and its first request arrive together: no event announces the request."""
    with ByHand(secure.port, certificates.client()) as client:
        held = []
        client.sock.sendall(client.hello())
        client.shake_hands(held.append)
        client.sock.sendall(b"".join(held) + client.sealed(request("GET", "/together")))
        assert answer_of(client)["served"] == "/together"


def test_a_request_in_many_records_in_one_segment(secure, certificates):
    with ByHand(secure.port, certificates.client()) as client:
        client.shake_hands()
        raw = request("POST", CHAT, body=PROMPT)
        client.sock.sendall(b"".join(client.sealed(raw[at : at + 1]) for at in range(len(raw))))
        assert answer_of(client)["served"] == CHAT


def test_a_half_record_holds_only_itself_up(secure, certificates):
    with ByHand(secure.port, certificates.client()) as client, secure.connect() as other:
        client.shake_hands()
        record = client.sealed(request("GET", "/late"))
        client.sock.sendall(record[:20])
        for _ in range(5):
            assert other.ask().status == 200
        client.sock.sendall(record[20:])
        assert answer_of(client)["served"] == "/late"


def test_a_record_that_was_tampered_with_ends_the_connection(secure, certificates):
    with ByHand(secure.port, certificates.client()) as client:
        client.shake_hands()
        record = bytearray(client.sealed(request("GET", "/tampered")))
        record[-5] ^= 1
        client.sock.sendall(record)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            while client.read():
                pass
    assert secure.decoder.requests == []
