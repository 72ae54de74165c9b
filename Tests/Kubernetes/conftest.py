"""Fixtures: certificates once for all, and an API server, a service account's files and prefillers for each test."""

import sys

import pytest

sys.dont_write_bytecode = True

from certificates import Authority  # noqa: E402
from fake_api import FakeAPI  # noqa: E402
from fleet import Fleet  # noqa: E402
from objects import pool  # noqa: E402
from protected import Protected  # noqa: E402
from support.behaviours import decodes  # noqa: E402
from support.engine import Engine  # noqa: E402
from support.fixtures import bounded, require_build, stopped_in_order  # noqa: E402, F401
from volume import Volume  # noqa: E402

TOKEN = "token-1"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="session")
def authority(certificates):
    return Authority(certificates)


@pytest.fixture(scope="session")
def other_authority(certificates):
    return Authority(certificates, "other")


@pytest.fixture(scope="session")
def server_certificate(authority):
    return authority.server()


@pytest.fixture(scope="session")
def fleet_of_the_session():
    fleet = Fleet()
    yield fleet
    fleet.close()


@pytest.fixture
def fleet(fleet_of_the_session):
    """Prefillers at 127.0.0.11 to .16 and at ::1, all at one port."""
    fleet_of_the_session.reset()
    yield fleet_of_the_session
    assert not fleet_of_the_session.failures(), fleet_of_the_session.failures()


@pytest.fixture
def api(server_certificate, fleet):
    """An API server that holds one pool, without pods yet."""
    server = FakeAPI(server_certificate, TOKEN)
    server.cluster.put(pool([fleet.port]))
    yield server
    server.close()


@pytest.fixture
def volume(tmp_path, authority):
    return Volume(tmp_path / "serviceaccount", TOKEN, authority.pem)


@pytest.fixture
def protect(volume):
    """Starts sidecars with protection on; all are ended in order afterwards, and none of their processes may have
    died on its own."""
    require_build()

    def stop(sidecar):
        try:
            sidecar.finish()
        finally:
            sidecar.decoder.close()
        return sidecar.decoder.failures

    with stopped_in_order(stop) as running:
        def start(api=None, ready=True, **flags):
            running.append(Protected(Engine(decodes), api, volume, ready, **flags))
            return running[-1]

        yield start
