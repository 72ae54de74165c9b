"""Fixtures: agents that are stopped in order, and a peer that lies."""

import os
import sys

import pytest

sys.dont_write_bytecode = True

from agents import Agent, Ports, StandIn, compile_stand_in, not_checked  # noqa: E402
from support.fixtures import bounded, require_build, stopped_in_order  # noqa: E402, F401


@pytest.fixture
def ports():
    return Ports()


@pytest.fixture
def launch(ports):
    """Starts sidecars with agents that know each other's ports."""
    require_build()
    if os.geteuid() != 0:
        not_checked("transfers: regions are filled and read through /proc as root")
    with stopped_in_order(Agent.stop) as running:
        def start(**flags):
            running.append(Agent(ports, **flags))
            return running[-1]

        yield start


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
