"""What the fixtures of all suites have in common."""

import contextlib
import signal

import pytest

from support.sidecar import EXECUTABLE

TEST_SECONDS = 60


def raise_timeout(*_):
    raise TimeoutError(f"the test took more than {TEST_SECONDS} s")


@pytest.fixture(autouse=True)
def bounded():
    """No test hangs the suite."""
    previous = signal.signal(signal.SIGALRM, raise_timeout)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


def require_build():
    if not EXECUTABLE.exists():
        pytest.fail(f"{EXECUTABLE} is not there: run `swift build -c release`, or set SIDECAR_BUILD")


class Shared:
    """A sidecar for many tests, started at its first use and again should a test have ended it."""

    def __init__(self, start):
        require_build()
        self.start = start
        self.sidecar = None

    def get(self):
        if self.sidecar and self.sidecar.process.poll() is not None:
            self.sidecar.kill()
            self.sidecar = None
        if not self.sidecar:
            self.sidecar = self.start()
        return self.sidecar

    def close(self):
        if self.sidecar:
            self.sidecar.stop()
            self.sidecar.decoder.close()


@contextlib.contextmanager
def undisturbed(sidecar):
    """A shared sidecar for one test, after which it must be quiet, and none of its processes may have died."""
    sidecar.decoder.reset()
    restarts = sidecar.metric("sidecar_component_restarts_total")
    yield sidecar
    assert sidecar.process.poll() is None, sidecar.log_text()[-3000:]
    assert sidecar.metric("sidecar_component_restarts_total") == restarts, sidecar.log_text()[-3000:]
    sidecar.wait_until_quiet()
    assert not sidecar.decoder.failures, sidecar.decoder.failures


@contextlib.contextmanager
def stopped_in_order(stop):
    """A list to which a test adds what it starts; each is stopped afterwards, and then all that went wrong is told."""
    running = []
    yield running
    failures = []
    for one in running:
        try:
            failures += stop(one) or []
        except AssertionError as failure:
            failures.append(failure)
    assert not failures, failures
