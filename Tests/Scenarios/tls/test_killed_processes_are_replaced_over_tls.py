"""kill -9 of the proxy: the next one shows the same certificate and calls engines as before. Of the dialer: nobody notices."""

import os
import signal

import pytest

from harness import CHAT, PROMPT, ROUTE, STREAMED, Stepwise, decodes, prefills, request
from support.tls import TLSEngine


@pytest.fixture
def house(launch_tls, certificates):
    decoder = TLSEngine(decodes, certificates.server(client_ca=certificates.ca))
    return launch_tls(decoder, decoder_use_tls=True, prefiller_use_tls=True, ca_cert_path=certificates.ca,
                      upstream_cert_path=certificates.directory("sidecar"))


def assert_serves(sidecar, certificates, prefiller):
    with sidecar.connect() as client:
        assert client.serial == certificates.serial("p256")
        assert client.ask("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200


def test_the_proxy(house, engine, certificates):
    prefiller = engine(prefills(), client_ca=certificates.ca)
    for _ in range(3):
        assert_serves(house, certificates, prefiller)
        proxy = house.component_pid("proxy")
        os.kill(proxy, signal.SIGKILL)
        # At once: connections wait, and the first one that is taken must have its certificate.
        assert_serves(house, certificates, prefiller)
        house.wait_for_new("proxy", proxy)


def test_the_proxy_without_a_certificate_directory(launch_tls, certificates):
    """The certificate that the sidecar made for itself outlives the proxy."""
    import ssl

    sidecar = launch_tls(cert_path=certificates.folder / "there-is-none")
    before = ssl.get_server_certificate(("127.0.0.1", sidecar.port))
    proxy = sidecar.component_pid("proxy")
    os.kill(proxy, signal.SIGKILL)
    sidecar.wait_for_new("proxy", proxy)
    assert ssl.get_server_certificate(("127.0.0.1", sidecar.port)) == before


def test_the_dialer(house, engine, certificates):
    prefiller = engine(prefills(), client_ca=certificates.ca)
    house.decoder.script = stream = Stepwise(patience=40)
    with house.connect() as client:
        client.send(request("POST", CHAT, [(ROUTE, prefiller.address)], STREAMED))
        client.read_until(b"\r\n\r\n")
        dialer = house.component_pid("dialer")
        os.kill(dialer, signal.SIGKILL)
        stream.step("on")
        assert b"on" in client.read_until(b"\n\n")
        house.decoder.script = house.decoder.default_script
        assert_serves(house, certificates, engine(prefills(), client_ca=certificates.ca))
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")


def test_all_of_them_at_once(house, engine, certificates):
    prefiller = engine(prefills(), client_ca=certificates.ca)
    assert_serves(house, certificates, prefiller)
    pids = {name: house.component_pid(name) for name in ("proxy", "signer", "dialer", "admin")}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    assert_serves(house, certificates, prefiller)
    for name, pid in pids.items():
        house.wait_for_new(name, pid)
    assert_serves(house, certificates, prefiller)
