"""Whoever ends a connection in order sends close_notify first: to clients after an answer that closes, a refusal, idleness
and TERM; to engines when a kept connection is let go."""

import signal
import ssl

import pytest

from harness import assert_error, decodes, request, wait_for
from support.tls import TLSEngine

BOTH = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def ended_well(client):
    rest = client.wait_until_closed()
    return rest == b"" and not client.reader.was_reset


@pytest.mark.parametrize("version", BOTH)
def test_after_an_answer_that_closes(secure, certificates, version):
    with secure.connect(certificates.client(versions=(version, version))) as client:
        assert client.ask(headers=[("Connection", "close")]).status == 200
        assert ended_well(client)


def test_after_a_refusal(secure):
    with secure.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n")
        assert_error(client.response(), (400, 501))
        assert ended_well(client)


def test_after_an_idle_time(launch_tls):
    sidecar = launch_tls(keep_alive_timeout="1s")
    with sidecar.connect() as client:
        assert client.ask().status == 200
        assert ended_well(client)


def test_after_term(launch_tls):
    sidecar = launch_tls()
    with sidecar.connect() as client:
        assert client.ask().status == 200
        sidecar.signal(signal.SIGTERM)
        assert ended_well(client)
    assert sidecar.wait_exit() == 0


def test_after_a_goodbye_of_the_client(secure):
    with secure.connect() as client:
        assert client.ask().status == 200
        client.half_close()
        assert ended_well(client)


def test_after_a_body_that_ends_with_the_connection(secure):
    def script(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")
        connection.close()

    secure.decoder.script = script
    with secure.connect() as client:
        client.send(request("GET", "/", [("Connection", "close")]))
        answer = client.response()
        assert answer.body == b"all of it" and answer.complete


def test_engines_are_told(launch_tls, certificates):
    decoder = TLSEngine(decodes, certificates.server())
    sidecar = launch_tls(decoder, upstream_idle_timeout="1s", decoder_use_tls=True, ca_cert_path=certificates.ca)
    with sidecar.connect() as client:
        assert client.ask().status == 200
        wait_for(lambda: len(decoder.ends) == len(decoder.handshakes) > 0, "the idle connections to be closed", 10)
    assert decoder.cuts == 0
