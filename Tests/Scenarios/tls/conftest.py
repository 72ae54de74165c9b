"""Fixtures over TLS: certificates, one sidecar with TLS on all its sides, and a launcher for others."""

import pytest
from harness import Sidecar, decodes, prefills
from support.certificates import Certificates
from support.fixtures import Shared, undisturbed
from support.tls import TLSClient, TLSEngine


@pytest.fixture(scope="session")
def certificates():
    made = Certificates()
    yield made
    made.close()


def over_tls(sidecar, certificates):
    """Gives the sidecar what clients of it need."""
    sidecar.context = certificates.client()
    sidecar.connect = lambda context=None, **rest: TLSClient(sidecar.port, context or sidecar.context, **rest)
    return sidecar


@pytest.fixture(scope="session")
def shared_over_tls(certificates):
    holder = Shared(lambda: over_tls(Sidecar(
        TLSEngine(decodes, certificates.server()), secure_proxy=True, prefiller_use_tls=True, decoder_use_tls=True,
        cert_path=certificates.directory("p256"), ca_cert_path=certificates.ca, max_body_bytes="16MiB",
        tls_handshake_timeout="5s"), certificates))
    yield holder
    holder.close()


@pytest.fixture
def secure(shared_over_tls):
    """The shared sidecar with TLS on all sides, under the same conditions as the plain one."""
    with undisturbed(shared_over_tls.get()) as sidecar:
        yield sidecar


@pytest.fixture
def engine(certificates):
    """Makes engines that speak TLS, by the name of their certificate."""
    made = []

    def make(script=decodes, certificate="engine", client_ca=None, version=None, **rest):
        made.append(TLSEngine(script, certificates.server(certificate, client_ca, version), **rest))
        return made[-1]

    yield make
    for one in made:
        one.close()
        assert not one.failures, one.failures


@pytest.fixture
def tls_prefiller(engine):
    return engine(prefills())


@pytest.fixture
def launch_tls(launch, certificates):
    """Starts sidecars that serve over TLS, with a certificate that clients of the scenario trust."""

    def start(decoder=None, env=None, **flags):
        own = {"secure_proxy": True, "cert_path": certificates.directory("p256")} | flags
        return over_tls(launch(decoder, env=env, **own), certificates)

    return start
