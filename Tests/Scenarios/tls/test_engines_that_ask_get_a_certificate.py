"""--upstream-cert-path: engines that demand a certificate of their clients get the sidecar's, signed for by the signer."""

import ssl

import pytest

from harness import CHAT, PROMPT, ROUTE, ask, assert_error, decodes, prefills, wait_for
from support.certificates import Volume

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def names(engine):
    return [name for handshake in engine.handshakes for _, name in (handshake.certificate or {}).get("subjectAltName", ())]


def routed(sidecar, prefiller):
    return ask(sidecar.port, "POST", CHAT, [(ROUTE, prefiller.address)], PROMPT)


@pytest.mark.parametrize("version", VERSIONS)
def test_they_do(launch, engine, certificates, version):
    prefiller = engine(prefills(), client_ca=certificates.ca, version=version)
    decoder = engine(decodes, client_ca=certificates.ca, version=version)
    sidecar = launch(decoder, decoder_use_tls=True, prefiller_use_tls=True, ca_cert_path=certificates.ca,
                     upstream_cert_path=certificates.directory("sidecar"))
    assert routed(sidecar, prefiller).status == 200
    for one in (prefiller, decoder):
        assert names(one) == ["spiffe://cluster.local/ns/llm/sa/sidecar"]
    assert sidecar.metric("sidecar_certificate_expiry_timestamp_seconds", use="upstream") > 0


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("directory", [None, "foreign"])
def test_without_a_good_one_they_refuse(launch, engine, certificates, version, directory):
    """In TLS 1.3 the engine says so only after our handshake is done: with the first answer that never comes."""
    prefiller = engine(prefills(), client_ca=certificates.ca, version=version)
    flags = {"upstream_cert_path": certificates.directory(directory)} if directory else {}
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca, **flags)
    assert_error(routed(sidecar, prefiller), 502, "prefiller_tls_failed")
    assert prefiller.connection_count == 1 and sidecar.decoder.requests == []
    assert sidecar.metric("sidecar_errors_total", type="tls") == 1


def test_those_that_do_not_ask_get_none(launch, engine, certificates):
    prefiller = engine(prefills())
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca,
                     upstream_cert_path=certificates.directory("sidecar"))
    assert routed(sidecar, prefiller).status == 200 and names(prefiller) == []


def test_serving_and_calling_have_their_own(launch_tls, engine, certificates):
    prefiller = engine(prefills(), client_ca=certificates.ca)
    sidecar = launch_tls(prefiller_use_tls=True, ca_cert_path=certificates.ca,
                         upstream_cert_path=certificates.directory("sidecar"))
    with sidecar.connect() as client:
        assert client.serial == certificates.serial("p256")
        assert client.ask("POST", CHAT, [(ROUTE, prefiller.address)], PROMPT).status == 200
    assert names(prefiller) == ["spiffe://cluster.local/ns/llm/sa/sidecar"]


def test_a_changed_one_is_taken(launch, engine, certificates):
    volume = Volume(certificates, "sidecar")
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca, upstream_cert_path=volume.path)
    assert routed(sidecar, engine(prefills(), client_ca=certificates.ca)).status == 200
    volume.swap("sidecar-2")

    def shown():
        fresh = engine(prefills(), client_ca=certificates.ca)
        assert routed(sidecar, fresh).status == 200
        return names(fresh) == ["spiffe://cluster.local/ns/llm/sa/sidecar-2"]

    wait_for(shown, "the new certificate to be shown", 5)
    wait_for(lambda: sidecar.metric("sidecar_certificate_reloads_total", result="taken") == 1, "it to be counted", 5)
    volume.swap("sidecar", key="second")
    wait_for(lambda: sidecar.metric("sidecar_certificate_reloads_total", result="refused") >= 1, "the pair to be refused", 5)
    assert shown()


def test_a_killed_signer_delays_a_call_only(launch, engine, certificates):
    import os
    import signal

    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca,
                     upstream_cert_path=certificates.directory("sidecar"))
    for _ in range(3):
        signer = sidecar.component_pid("signer")
        os.kill(signer, signal.SIGKILL)
        assert routed(sidecar, engine(prefills(), client_ca=certificates.ca)).status == 200
        sidecar.wait_for_new("signer", signer)
