"""Sidecars with KV agents on loopback, their regions, and transfers between them."""

import json
import mmap
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings

import pytest
from harness import EXECUTABLE, Engine, Sidecar, decodes, in_background, run, wait_for

HERE = pathlib.Path(__file__).resolve().parent
SHIM = HERE.parents[1] / "Sources" / "CUCX"
MEBIBYTE = 1 << 20
REGION = 64 * MEBIBYTE
# As the supervisor starts an agent; see Sources/Supervisor/KVAgentPlan.swift.
UCX = {
    "UCX_MEM_EVENTS": "n", "UCX_HANDLE_ERRORS": "none", "UCX_VFS_ENABLE": "n", "UCX_TLS": "tcp",
    "UCX_SOCKADDR_TLS_PRIORITY": "tcp", "UCX_MODULES": "none", "UCX_CM_REUSEADDR": "y", "UCX_TCP_PREFER_DEFAULT": "n",
    "UCX_TCP_ALLOC": "heap", "UCX_NET_DEVICES": "lo", "UCX_LOG_LEVEL": "fatal",
}


def not_checked(why):
    warnings.warn(f"NOT CHECKED: {why}", stacklevel=2)
    pytest.skip(f"NOT CHECKED: {why}")


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_block(count):
    """The first of so many ports in a row that nobody has; below those that the kernel and `free_port` give away."""
    for first in range(10_000 + os.getpid() % 97 * 64, 20_000, count):
        if all(is_free(port) for port in range(first, first + count)):
            return first
    raise AssertionError("there are no free ports")


class Ports:
    """The ports of a pool of agents: some to listen on, some for data."""

    def __init__(self):
        self.first = free_block(64)
        self.given = 0
        self.listening = f"{self.first}-{self.first + 15}"
        self.data = f"{self.first + 16}-{self.first + 63}"

    def next(self):
        self.given += 1
        assert self.given <= 16
        return self.first + self.given - 1


class Agent:
    """A sidecar with a KV agent."""

    def __init__(self, ports, port=None, **flags):
        self.ports, self.port = ports, port or ports.next()
        self.sidecar = Sidecar(
            Engine(decodes), kv_agent=True, kv_address="127.0.0.1", kv_port=self.port, kv_peer_ports=ports.listening,
            kv_data_ports=ports.data, **flags)
        self.address = f"127.0.0.1:{self.port}"
        self.memory = mmap.mmap(*self._open_region())

    def _open_region(self):
        folder = f"/proc/{self.sidecar.pid}/fd"
        for name in os.listdir(folder):
            if os.readlink(f"{folder}/{name}").startswith("/memfd:kv-region"):
                self.region_fd = os.open(f"{folder}/{name}", os.O_RDWR)
                return self.region_fd, os.fstat(self.region_fd).st_size
        raise AssertionError("the supervisor has no region")

    @property
    def pid(self):
        return self.sidecar.component_pid("kv-agent")

    def fill(self, seed, size=None):
        """The same bytes for the same seed, none of them 0 at the start."""
        size = size or len(self.memory)
        block = bytes((seed * 31 + i * 7 + (i >> 8) * 13) % 255 + 1 for i in range(65_521))
        data = (block * (size // len(block) + 1))[:size]
        self.memory[:size] = data
        return data

    def command(self, peer, length, remote=0, local=0, **flags):
        arguments = ["transfer", "--control-socket", self.sidecar.control_socket, f"--peer={peer}",
                     f"--length={length}", f"--remote-offset={remote}", f"--local-offset={local}"]
        return arguments + [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]

    def transfer(self, peer, length, **flags):
        """Runs one transfer to its end; the result as it was told."""
        done = run(*self.command(getattr(peer, "address", peer), length, **flags), timeout=50)
        assert done.stdout, done.stderr
        result = json.loads(done.stdout)
        assert (done.returncode == 0) == (result["result"] == "done"), done
        return result

    def start(self, peer, length, **flags):
        """The same in the background; call what is returned for the result."""
        return in_background(lambda: self.transfer(peer, length, **flags))

    def transfers(self, result):
        return self.sidecar.metric("sidecar_kv_transfers_total", result=result)

    def others(self):
        return {name: self.sidecar.component_pid(name) for name in ("proxy", "dialer", "admin")}

    def wait_for_new(self, old):
        return self.sidecar.wait_for_new("kv-agent", old)

    def stop(self):
        self.memory.close()
        os.close(self.region_fd)
        try:
            self.sidecar.stop()
        finally:
            self.sidecar.decoder.close()


def until_begun(agent, *places):
    """Waits for the first bytes of transfers to these places (by default the start) of an empty region."""
    wait_for(lambda: all(agent.memory[place] != 0 for place in places or (0,)), "the first bytes", 20)


class StandIn:
    """A peer made by the test: see stand_in.c for what it does."""

    def __init__(self, program, ports, *arguments):
        self.port = ports.next()
        self.address = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [program, str(self.port), *map(str, arguments)], env=UCX | {"UCX_TCP_PORT_RANGE": ports.data},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout.readline() == "ready\n", self.process.stdout.read()

    def said(self, timeout=20):
        """Everything it said until its end, less what was read before."""
        # Little, so that it can't be held up by its pipe. `communicate` would lose what is read ahead with a line.
        self.process.wait(timeout)
        return self.process.stdout.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def compile_stand_in(directory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        not_checked("peers that lie: there is no C compiler")
    program = pathlib.Path(directory) / "stand_in"
    subprocess.run(
        [compiler, "-O1", "-Wall", "-Wextra", "-Werror", f"-I{SHIM / 'include'}", "-o", str(program),
         str(HERE / "stand_in.c"), *map(str, SHIM.glob("*.c")), "-lucp", "-lucs", "-ldl"],
        check=True, timeout=120)
    return str(program)


__all__ = [name for name in dir() if not name.startswith("_")]
