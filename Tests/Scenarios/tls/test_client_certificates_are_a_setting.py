"""--client-certificates off, optional, required; whom --client-ca-path vouches for; --allowed-client-names."""

import ssl

import pytest

from harness import run, wait_for
from support.certificates import GATEWAY

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
NONE, GOOD, STRANGER, SERVICE = None, "gateway", "stranger", "service"
FOREIGN, EXPIRED, SELF_SIGNED = "foreign-gateway", "expired-gateway", "self-signed"
ALL = [NONE, GOOD, STRANGER, SERVICE, FOREIGN, EXPIRED, SELF_SIGNED]
LIST = f"{GATEWAY},DNS:gateway.llm.svc"

SETTINGS = {
    "off": {},
    "optional": {"client_certificates": "optional"},
    "required": {"client_certificates": "required"},
    "listed": {"client_certificates": "required", "allowed_client_names": LIST},
    "one": {"client_certificates": "required", "allowed_client_names": GATEWAY},
}
SERVED = {
    "off": ALL,
    "optional": [NONE, GOOD, STRANGER, SERVICE],
    "required": [GOOD, STRANGER, SERVICE],
    "listed": [GOOD, SERVICE],
    "one": [GOOD],
}


def is_served(sidecar, certificates, who, version):
    """In TLS 1.3 the client learns only afterwards that it isn't wanted."""
    try:
        with sidecar.connect(certificates.client(who, versions=(version, version))) as client:
            answer = client.ask()
            assert answer.status == 200 and answer.complete
            return True
    except (ssl.SSLError, ConnectionError):
        return False


@pytest.mark.parametrize("setting", SETTINGS)
def test_who_is_served(launch_tls, certificates, setting):
    flags = SETTINGS[setting] | ({"client_ca_path": certificates.ca} if setting != "off" else {})
    sidecar = launch_tls(**flags)
    for version in VERSIONS:
        served = [who for who in ALL if is_served(sidecar, certificates, who, version)]
        assert served == SERVED[setting], version
    refused = 2 * (len(ALL) - len(SERVED[setting]))
    assert len(sidecar.decoder.requests) == 2 * len(SERVED[setting])
    assert sidecar.metric("sidecar_tls_handshake_failures_total", side="client") == refused


def test_required_without_an_authority_is_a_mistake(certificates):
    done = run("check-config", "--client-certificates", "required")
    assert done.returncode == 64 and "client-ca-path" in done.stderr, done


def test_names_without_required_are_a_mistake(certificates):
    """Who shows no certificate would pass."""
    done = run("check-config", "--client-certificates", "optional", "--client-ca-path", str(certificates.ca),
               "--allowed-client-names", LIST)
    assert done.returncode == 64 and "allowed-client-names" in done.stderr, done


def test_health_is_asked_for_on_the_admin_port_without_any(launch_tls, certificates):
    sidecar = launch_tls(client_certificates="required", client_ca_path=certificates.ca)
    assert sidecar.admin("/readyz").status == 200
    assert sidecar.admin("/livez").status == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_a_changed_authority_is_taken(launch_tls, certificates, version):
    """Also by those that come back: a session is worth no more than the certificate that it began with."""
    path = certificates.new_directory() / "clients.crt"
    path.write_bytes(certificates.ca.read_bytes())
    sidecar = launch_tls(client_certificates="required", client_ca_path=path)
    known = certificates.client(GOOD, versions=(version, version))
    with sidecar.connect(known) as client:
        assert client.ask().status == 200
        session = client.session
    path.write_bytes(certificates.other_ca.read_bytes())
    wait_for(lambda: is_served(sidecar, certificates, FOREIGN, version), "the new authority to count", 5)
    assert not is_served(sidecar, certificates, GOOD, version)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with sidecar.connect(known, session=session) as client:
            client.ask()
