"""TLS 1.2 with six suites, TLS 1.3 with three, for other people's clients; older versions and weaker suites are refused."""

import json
import ssl
import subprocess

import pytest

from support.tls import TLSClient, plain_get, s_client

TLS12 = {
    "p256": ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"],
    "rsa": ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"],
}
TLS13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
WEAK = {
    "p256": ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-ARIA256-GCM-SHA384",
             "aNULL", "eNULL"],
    "rsa": ["AES128-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA",
            "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-CAMELLIA128-SHA256", "eNULL"],
}


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def by_key(kept, certificates, request):
    """One sidecar for each kind of key."""
    from harness import Engine, Sidecar, decodes

    def get(kind):
        if kind not in kept:
            kept[kind] = Sidecar(Engine(decodes), secure_proxy=True, cert_path=certificates.directory(kind))
        return kept[kind]

    return get


@pytest.fixture(scope="module", autouse=True)
def ended(kept):
    yield
    for sidecar in kept.values():
        sidecar.stop()
        sidecar.decoder.close()


def served(out):
    return '"served": "/v1/models"' in out


@pytest.mark.parametrize("kind,suite", [(kind, suite) for kind, suites in TLS12.items() for suite in suites])
def test_tls_1_2(by_key, certificates, kind, suite):
    out = s_client(by_key(kind).port, certificates, "-tls1_2", "-cipher", suite, text=plain_get())
    assert served(out) and f"Cipher is {suite}" in out and "Verify return code: 0" in out, out


@pytest.mark.parametrize("kind", ["p256", "rsa", "p384", "ed25519"])
@pytest.mark.parametrize("suite", TLS13)
def test_tls_1_3(by_key, certificates, kind, suite):
    out = s_client(by_key(kind).port, certificates, "-tls1_3", "-ciphersuites", suite, text=plain_get())
    assert served(out) and f"Cipher is {suite}" in out, out


@pytest.mark.parametrize("kind", ["p384", "ed25519"])
def test_other_keys_speak_tls_1_2(by_key, certificates, kind):
    out = s_client(by_key(kind).port, certificates, "-tls1_2", text=plain_get())
    assert served(out) and "TLSv1.2" in out, out


@pytest.mark.parametrize("kind", ["p256", "rsa"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_is_served(by_key, certificates, kind, version):
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--cacert", str(certificates.ca), f"--tlsv{version}", "--tls-max", version,
         f"https://localhost:{by_key(kind).port}/v1/models"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and json.loads(done.stdout)["served"] == "/v1/models", done


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_python_is_served(by_key, certificates, version, name):
    context = certificates.client(versions=(version, version))
    with TLSClient(by_key("p256").port, context, name=name) as client:
        assert client.ask().json()["served"] == "/v1/models"
        assert client.sock.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        assert client.sock.compression() is None


@pytest.mark.parametrize("kind,suite", [(kind, suite) for kind, suites in WEAK.items() for suite in suites])
def test_weak_suites_are_refused(by_key, certificates, kind, suite):
    out = s_client(by_key(kind).port, certificates, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0", text=plain_get())
    assert not served(out) and "alert handshake failure" in out, out


@pytest.mark.parametrize("suite", ["TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"])
def test_weak_suites_of_tls_1_3_are_refused(by_key, certificates, suite):
    out = s_client(by_key("p256").port, certificates, "-tls1_3", "-ciphersuites", suite, text=plain_get())
    assert not served(out) and "alert handshake failure" in out, out


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(by_key, certificates, version):
    out = s_client(by_key("p256").port, certificates, version, "-cipher", "ALL:@SECLEVEL=0", text=plain_get())
    assert not served(out) and "alert protocol version" in out, out


@pytest.mark.parametrize("algorithms", ["ECDSA+SHA1", "RSA+SHA1:ECDSA+SHA1"])
def test_sha_1_is_not_signed_with(by_key, certificates, algorithms):
    out = s_client(by_key("p256").port, certificates, "-tls1_2", "-sigalgs", algorithms, "-cipher", "ALL:@SECLEVEL=0",
                   text=plain_get())
    assert not served(out) and "alert handshake failure" in out, out


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_nothing_is_compressed(by_key, certificates, version):
    out = s_client(by_key("p256").port, certificates, version, "-comp", text=plain_get())
    assert served(out) and "Compression: NONE" in out, out


def test_it_goes_on(by_key, certificates):
    """After all that, for everybody."""
    for kind in ("p256", "rsa"):
        sidecar = by_key(kind)
        with TLSClient(sidecar.port, certificates.client()) as client:
            assert client.ask().status == 200
        assert sidecar.metric("sidecar_tls_handshake_failures_total", side="client") > 0
