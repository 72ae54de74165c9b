"""Fixtures: one sidecar shared by all scenarios that need no flags of their own, and a launcher for the others."""

import signal
import sys

import pytest

sys.dont_write_bytecode = True

from harness import EXECUTABLE, Engine, Sidecar, decodes, prefills  # noqa: E402

# Flags of the shared sidecar, small enough that its limits can be reached in a moment.
SHARED = {"max_body_bytes": "1MiB", "max_buffered_bytes": "16MiB"}

SCENARIO_SECONDS = 60


def raise_timeout(*_):
    raise TimeoutError(f"the scenario took more than {SCENARIO_SECONDS} s")


@pytest.fixture(autouse=True)
def bounded():
    """No scenario hangs the suite."""
    previous = signal.signal(signal.SIGALRM, raise_timeout)
    signal.alarm(SCENARIO_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


class Shared:
    """The shared sidecar, started at its first use and again should a scenario have ended it."""

    def __init__(self):
        self.sidecar = None

    def get(self):
        if self.sidecar and self.sidecar.process.poll() is not None:
            self.sidecar.kill()
            self.sidecar = None
        if not self.sidecar:
            decoder = Engine(decodes)
            self.sidecar = Sidecar(decoder, **SHARED)
        return self.sidecar


@pytest.fixture(scope="session")
def shared():
    require_build()
    holder = Shared()
    yield holder
    if holder.sidecar:
        holder.sidecar.stop()
        holder.sidecar.decoder.close()


def require_build():
    if not EXECUTABLE.exists():
        pytest.fail(f"{EXECUTABLE} is not there: run `swift build -c release`, or set SIDECAR_BUILD")


@pytest.fixture
def prefiller():
    engine = Engine(prefills())
    yield engine
    engine.close()
    assert not engine.failures, engine.failures


@pytest.fixture
def sidecar(shared):
    """The shared sidecar. After each scenario it must be quiet, and none of its processes may have died."""
    sidecar = shared.get()
    sidecar.decoder.reset()
    restarts = sidecar.metric("sidecar_component_restarts_total")
    yield sidecar
    assert sidecar.process.poll() is None, sidecar.log_text()[-3000:]
    assert sidecar.metric("sidecar_component_restarts_total") == restarts, sidecar.log_text()[-3000:]
    sidecar.wait_until_quiet()
    assert not sidecar.decoder.failures, sidecar.decoder.failures


@pytest.fixture
def decoder(sidecar):
    """The decoder behind the shared sidecar."""
    return sidecar.decoder


@pytest.fixture
def launch():
    """Starts sidecars with flags of their own, each with its own decoder; all are stopped in order afterwards."""
    require_build()
    running = []

    def start(decoder=None, env=None, **flags):
        sidecar = Sidecar(decoder or Engine(decodes), env=env, **flags)
        running.append(sidecar)
        return sidecar

    yield start
    failures = []
    for sidecar in running:
        try:
            sidecar.stop()
        except AssertionError as failure:
            failures.append(failure)
        sidecar.decoder.close()
        failures += sidecar.decoder.failures
    assert not failures, failures
