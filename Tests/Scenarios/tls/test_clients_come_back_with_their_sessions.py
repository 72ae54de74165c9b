"""Session tickets: the second connection of a client needs no signature, and it is counted as resumed."""

import ssl

import pytest

from harness import wait_for

BOTH = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def counts(sidecar):
    return {kind: sidecar.metric("sidecar_tls_handshakes_total", side="client", kind=kind) for kind in ("full", "resumed")}


@pytest.mark.parametrize("version", BOTH)
def test_they_do(secure, certificates, version):
    context = certificates.client(versions=(version, version))
    before = counts(secure)
    with secure.connect(context) as client:
        assert client.ask().status == 200 and not client.was_resumed
        session = client.session
    for _ in range(3):
        with secure.connect(context, session=session) as client:
            assert client.was_resumed and client.ask().status == 200
            session = client.session
    wait_for(lambda: counts(secure) == {"full": before["full"] + 1, "resumed": before["resumed"] + 3}, "the counters", 5)


def test_a_session_lasts_through_threads_of_the_proxy(launch_tls):
    """Whichever loop takes the connection."""
    sidecar = launch_tls(loops=2)
    with sidecar.connect() as client:
        client.ask()
        session = client.session
    resumed = 0
    for _ in range(12):
        with sidecar.connect(session=session) as client:
            assert client.ask().status == 200
            resumed += client.was_resumed
    assert resumed == 12


@pytest.mark.parametrize("version", BOTH)
def test_a_session_of_before_a_restart_is_no_error(launch_tls, certificates, version):
    sidecar = launch_tls()
    context = certificates.client(versions=(version, version))
    with sidecar.connect(context) as client:
        client.ask()
        session = client.session
    proxy = sidecar.component_pid("proxy")
    sidecar.signal(12)  # USR2
    sidecar.wait_for_new("proxy", proxy)
    wait_for(lambda: not sidecar.component("proxy", "draining"), "the old proxy to end")
    with sidecar.connect(context, session=session) as client:
        assert client.ask().status == 200


@pytest.mark.parametrize("version", BOTH)
def test_a_session_with_a_client_certificate_knows_the_client(launch_tls, certificates, version):
    """Who came back without its certificate is still the one that was allowed, and one who came without still isn't."""
    sidecar = launch_tls(client_certificates="required", client_ca_path=certificates.ca)
    context = certificates.client("gateway", versions=(version, version))
    with sidecar.connect(context) as client:
        client.ask()
        session = client.session
    with sidecar.connect(context, session=session) as client:
        assert client.was_resumed and client.ask().status == 200
