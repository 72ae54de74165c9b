"""--tls-min-version and --tls-cipher-suites narrow what is spoken; names that can't be are mistakes of the configuration."""

import ssl

import pytest

from harness import run
from support.tls import plain_get, s_client


def served(out):
    return '"served": "/v1/models"' in out


def test_at_least_1_3(launch_tls, certificates):
    sidecar = launch_tls(tls_min_version="1.3")
    old = certificates.client(versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2))
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        sidecar.connect(old)
    with sidecar.connect() as client:
        assert client.ask().status == 200 and client.sock.version() == "TLSv1.3"


def test_named_suites_alone(launch_tls, certificates):
    sidecar = launch_tls(tls_cipher_suites="TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_CHACHA20_POLY1305_SHA256")
    for options, expected in [
        (["-tls1_2"], "ECDHE-ECDSA-AES256-GCM-SHA384"), (["-tls1_3"], "TLS_CHACHA20_POLY1305_SHA256"),
    ]:
        out = s_client(sidecar.port, certificates, *options, text=plain_get())
        assert served(out) and f"Cipher is {expected}" in out, out
    for options in (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
                    ["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"]):
        out = s_client(sidecar.port, certificates, *options, text=plain_get())
        assert not served(out) and "alert handshake failure" in out, out


@pytest.mark.parametrize("flag,value", [
    ("--tls-min-version", "1.1"), ("--tls-min-version", "1.0"), ("--tls-min-version", "1.4"),
    ("--tls-cipher-suites", "TLS_RSA_WITH_AES_128_GCM_SHA256"), ("--tls-cipher-suites", "TLS_FALLBACK_SCSV"),
    ("--tls-cipher-suites", "ECDHE-RSA-AES128-GCM-SHA256"), ("--client-certificates", "perhaps"),
    ("--allowed-client-names", "spiffe://without/kind"), ("--enable-tls", "prefiller,decodre"),
    ("--tls-handshake-timeout", "soon"),
])
def test_what_cannot_be_is_a_mistake(flag, value):
    done = run("check-config", flag, value)
    assert done.returncode == 64 and flag.lstrip("-") in done.stderr and value in done.stderr, done
