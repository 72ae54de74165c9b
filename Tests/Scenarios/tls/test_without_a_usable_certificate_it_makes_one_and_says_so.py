"""No usable pair, for whatever reason: a certificate of the sidecar's own, in memory, and a loud warning."""

import json
import re
import socket
import ssl
import time

import pytest

import pki
from causes import ALL


def shown(sidecar, folder):
    """What the certificate says, as text and as Python's dictionary."""
    pem = ssl.get_server_certificate(("127.0.0.1", sidecar.port))
    path = folder / "shown.crt"
    path.write_text(pem)
    return pki.openssl(folder, "x509", "-in", str(path), "-noout", "-text", "-ext", "subjectAltName"), path


def warnings(sidecar):
    return [line for line in map(json.loads, sidecar.log_lines) if line["level"] in ("warning", "warn", "error")]


@pytest.mark.parametrize("cause", ALL, ids=lambda cause: cause.__name__)
def test_it_does(launch_tls, certificates, cause, tmp_path):
    path = cause(certificates)
    sidecar = launch_tls(cert_path=path)
    _, pem = shown(sidecar, tmp_path)
    with sidecar.connect(certificates.client(ca=pem)) as client:
        assert client.ask().status == 200
    said = " ".join(line["message"] for line in warnings(sidecar))
    assert re.search("self-signed|signs itself", said) and str(path) in json.dumps(warnings(sidecar)), said
    assert sidecar.metric("sidecar_certificate_self_signed") == 1
    if path.is_dir():
        assert {file.name for file in path.iterdir()} <= {"tls.crt", "tls.key"}, "something was written there"


def test_what_is_in_it(launch_tls, certificates, tmp_path):
    sidecar = launch_tls(cert_path=certificates.folder / "there-is-none")
    text, pem = shown(sidecar, tmp_path)
    assert "id-ecPublicKey" in text and "CA:TRUE" not in text, text
    for name in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1", f"DNS:{socket.gethostname()}"):
        assert name in text, text
    for name in ("localhost", "127.0.0.1", socket.gethostname()):
        with sidecar.connect(certificates.client(ca=pem), name=name) as client:
            assert client.ask().status == 200
    with sidecar.connect(certificates.client(ca=pem)) as client:
        shown_certificate = client.sock.getpeercert()
    begin, end = (ssl.cert_time_to_seconds(shown_certificate[name]) for name in ("notBefore", "notAfter"))
    assert begin <= time.time() < end and end - time.time() <= 400 * 86400, shown_certificate
    assert sidecar.metric("sidecar_certificate_expiry_timestamp_seconds", use="serving") == end
    with pytest.raises(ssl.SSLCertVerificationError):
        sidecar.connect()


def test_two_have_two(launch_tls, certificates, tmp_path):
    keys = set()
    for _ in range(2):
        sidecar = launch_tls(cert_path=certificates.folder / "there-is-none")
        _, pem = shown(sidecar, tmp_path)
        keys.add(pki.openssl(tmp_path, "x509", "-in", str(pem), "-noout", "-pubkey"))
    assert len(keys) == 2


def test_a_good_one_needs_none(secure, certificates):
    with secure.connect() as client:
        assert client.serial == certificates.serial("p256")
        end = ssl.cert_time_to_seconds(client.sock.getpeercert()["notAfter"])
    assert secure.metric("sidecar_certificate_self_signed") == 0
    assert secure.metric("sidecar_certificate_expiry_timestamp_seconds", use="serving") == end
    assert not re.search("self-signed|signs itself", secure.log_text())
