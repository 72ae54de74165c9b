"""Raw bytes at the ports of an agent. UCX believes what it reads there, so the agent may die of them, and is replaced;
every other process stays as it was, and serves."""

import contextlib
import os
import random
import re
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


def listening_ports(pid):
    """Where a process listens: its own port, and that for data which UCX took of those it was given. None when it is gone."""
    ports, inodes = set(), set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                inodes.update(re.findall(r"^socket:\[(\d+)\]$", os.readlink(f"/proc/{pid}/fd/{name}")))
        for table in ("tcp", "tcp6"):
            with open(f"/proc/{pid}/net/{table}") as rows:
                for fields in (row.split() for row in rows.readlines()[1:]):
                    if fields[3] == "0A" and fields[9] in inodes:
                        ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


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
    attacked = set()
    for payload in payloads(seed):
        # It may have died of the last one, and another may have taken other ports.
        for port in wait_for(lambda: listening_ports(agent.pid), "ports"):
            attack(port, payload)
            attacked.add(port)
        assert agent.sidecar.is_ready(), "no request needs an agent"
    assert agent.port in attacked
    assert any(agent.ports.first + 16 <= port < agent.ports.first + 64 for port in attacked), attacked
    assert_works(agent.sidecar)
    assert agent.others() == others and agent.sidecar.pid == supervisor
    for one in (agent, source):
        wait_for(lambda one=one: one.sidecar.component("kv-agent"), "an agent again", 20)
    wait_for(lambda: agent.transfer(source, 1 << 20)["result"] == "done", "a transfer that works", 20)
    assert agent.sidecar.metric("sidecar_ipc_violations_total") == 0
