"""Raw bytes at the ports of an agent. UCX believes what it reads there, so the agent may die of them, and is replaced;
every other process stays as it was, and serves."""

import random
import socket
import struct

import pytest
from agents import wait_for
from harness import assert_works


def attack(port, payload):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as peer:
            peer.settimeout(0.05)
            peer.sendall(payload)
            try:
                peer.recv(4096)
            except OSError:
                pass
    except OSError:
        pass


def payloads(seed):
    dice = random.Random(seed)
    yield b""
    yield b"GET / HTTP/1.1\r\n\r\n"
    yield bytes(4096)
    yield b"\xff" * 4096
    for _ in range(20):
        yield dice.randbytes(dice.choice([1, 5, 8, 16, 64, 1000, 70_000]))
    # As UCX's own messages begin: an id, a length of 32 bits, and too much or too little behind it.
    for kind in range(32):
        yield struct.pack("<BI", kind, dice.choice([0, 1, 8, 0xFFFF, 0xFFFF_FFFF])) + dice.randbytes(64)
        yield struct.pack("<QI", dice.randrange(1 << 20), kind) + dice.randbytes(64)


@pytest.mark.parametrize("seed", range(2))
def test_they_end_nobody_else(launch, seed):
    agent, source = launch(), launch()
    source.fill(13)
    others, supervisor = agent.others(), agent.sidecar.pid
    data = [port for port in range(agent.ports.first + 16, agent.ports.first + 64)]
    for payload in payloads(seed):
        attack(agent.port, payload)
        for port in data[-4:]:
            attack(port, payload)
    assert_works(agent.sidecar)
    assert agent.others() == others and agent.sidecar.pid == supervisor
    for one in (agent, source):
        wait_for(lambda one=one: one.sidecar.component("kv-agent") and one.sidecar.is_ready(), "an agent again", 20)
    wait_for(lambda: agent.transfer(source, 1 << 20)["result"] == "done", "a transfer that works", 20)
    assert agent.sidecar.metric("sidecar_ipc_violations_total") == 0
