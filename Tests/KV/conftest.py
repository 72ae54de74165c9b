"""Fixtures: agents that are stopped in order, and a peer that lies."""

import os
import signal
import sys

import pytest

sys.dont_write_bytecode = True

from agents import EXECUTABLE, Agent, Ports, StandIn, compile_stand_in, not_checked  # noqa: E402

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


@pytest.fixture
def ports():
    return Ports()


@pytest.fixture
def launch(ports):
    """Starts sidecars with agents that know each other's ports."""
    if not EXECUTABLE.exists():
        pytest.fail(f"{EXECUTABLE} is not there: run `swift build -c release`, or set SIDECAR_BUILD")
    if os.geteuid() != 0:
        not_checked("transfers: regions are filled and read through /proc as root")
    running = []

    def start(**flags):
        agent = Agent(ports, **flags)
        running.append(agent)
        return agent

    yield start
    failures = []
    for agent in running:
        try:
            agent.stop()
        except AssertionError as failure:
            failures.append(failure)
    assert not failures, failures


@pytest.fixture
def pair(launch):
    """Two agents: the first one reads from the second."""
    return launch(), launch()


@pytest.fixture(scope="session")
def stand_in_program(tmp_path_factory):
    return compile_stand_in(tmp_path_factory.mktemp("stand_in"))


@pytest.fixture
def stand_in(stand_in_program, ports):
    """Starts peers that lie."""
    running = []

    def start(*arguments):
        peer = StandIn(stand_in_program, ports, *arguments)
        running.append(peer)
        return peer

    yield start
    for peer in running:
        peer.stop()
