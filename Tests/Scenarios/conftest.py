"""Fixtures: one sidecar shared by all scenarios that need no flags of their own, and a launcher for the others."""

import sys

import pytest

sys.dont_write_bytecode = True

from harness import Engine, Sidecar, decodes, prefills  # noqa: E402
from support.fixtures import Shared, bounded, require_build, stopped_in_order, undisturbed  # noqa: E402, F401

# Flags of the shared sidecar, small enough that its limits can be reached in a moment.
SHARED = {"max_body_bytes": "1MiB", "max_buffered_bytes": "16MiB"}


@pytest.fixture(scope="session")
def shared():
    holder = Shared(lambda: Sidecar(Engine(decodes), **SHARED))
    yield holder
    holder.close()


@pytest.fixture
def prefiller():
    engine = Engine(prefills())
    yield engine
    engine.close()
    assert not engine.failures, engine.failures


@pytest.fixture
def sidecar(shared):
    with undisturbed(shared.get()) as sidecar:
        yield sidecar


@pytest.fixture
def decoder(sidecar):
    """The decoder behind the shared sidecar."""
    return sidecar.decoder


@pytest.fixture
def launch():
    """Starts sidecars with flags of their own, each with its own decoder; all are stopped in order afterwards."""
    require_build()

    def stop(sidecar):
        try:
            sidecar.stop()
        finally:
            sidecar.decoder.close()
        return sidecar.decoder.failures

    with stopped_in_order(stop) as running:
        def start(decoder=None, env=None, **flags):
            running.append(Sidecar(decoder or Engine(decodes), env=env, **flags))
            return running[-1]

        yield start
