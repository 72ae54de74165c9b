"""The second connection to an engine begins with the session of the first; one that the engine forgot costs nothing."""

import ssl

import pytest

from harness import CHAT, PROMPT, ROUTE, ask, decodes, prefills

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def closing(script):
    """Each request gets a connection of its own."""

    def answer(connection, request):
        connection.send(script(connection, request).replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        connection.close()

    return answer


@pytest.mark.parametrize("version", VERSIONS)
def test_they_are(launch, engine, certificates, version):
    prefiller = engine(closing(prefills()), version=version)
    decoder = engine(closing(decodes), version=version)
    sidecar = launch(decoder, decoder_use_tls=True, prefiller_use_tls=True, ca_cert_path=certificates.ca)
    for _ in range(6):
        assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
    for leg, peer in (("prefiller", prefiller), ("decoder", decoder)):
        resumed = sum(handshake.was_resumed for handshake in peer.handshakes)
        full = len(peer.handshakes) - resumed
        assert resumed >= 4 and full <= 2, peer.handshakes
        assert sidecar.metric("sidecar_tls_handshakes_total", side=leg, kind="resumed") == resumed
        assert sidecar.metric("sidecar_tls_handshakes_total", side=leg, kind="full") == full


def test_a_session_is_for_its_engine_alone(launch, engine, certificates):
    """Another address gets no session of the first: it couldn't use it, and would learn of it."""
    first, second = engine(closing(prefills())), engine(closing(prefills()), host="127.0.0.2", certificate="second-loopback")
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca)
    for prefiller in (first, first, second, first, second):
        assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
    assert [handshake.was_resumed for handshake in first.handshakes] == [False, True, True]
    assert [handshake.was_resumed for handshake in second.handshakes] == [False, True]


def test_an_engine_that_was_restarted(launch, engine, certificates):
    """It knows its old sessions no more: a full handshake, and no request lost."""
    prefiller = engine(closing(prefills()))
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca)
    for _ in range(2):
        assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
    prefiller.context = certificates.server()
    for _ in range(2):
        assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
    assert [handshake.was_resumed for handshake in prefiller.handshakes] == [False, True, False, True]


def test_a_session_does_not_outlive_its_authority(launch, engine, certificates):
    """Who is not trusted any more is not spoken to, session or not."""
    from harness import assert_error, wait_for

    path = certificates.new_directory() / "ca.crt"
    path.write_bytes(certificates.ca.read_bytes())
    prefiller = engine(closing(prefills()))
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=path)
    for _ in range(2):
        assert ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
    path.write_bytes(certificates.other_ca.read_bytes())

    def refused():
        answer = ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT)
        return answer.status != 200 and answer

    assert_error(wait_for(refused, "the engine to be refused", 5), 502, "prefiller_tls_failed")


def test_connections_are_kept_over_tls(secure, tls_prefiller):
    for _ in range(10):
        with secure.connect() as client:
            assert client.ask("POST", CHAT, [(ROUTE, tls_prefiller.address)], PROMPT).status == 200
    assert len({seen.connection for seen in tls_prefiller.requests}) <= 2
    assert len({seen.connection for seen in secure.decoder.requests}) <= 2
