"""What the policy tests share: compiled stand-ins and launchers, houses built from them, and a loud word for what a
machine can't check."""

import contextlib
import ctypes
import errno
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings

import pytest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Chaos"))

from house import BUILD, House, SimulatedEngine, state_and_session, wait_for  # noqa: E402, F401
from support.engine import free_port  # noqa: E402
from support.sidecar import as_arguments, environment  # noqa: E402, F401

EXECUTABLES = ("routing-sidecar", "routing-sidecar-dialer", "routing-sidecar-proxy", "routing-sidecar-resolver", "routing-sidecar-signer",
               "routing-sidecar-kv-agent")


def not_checked(why):
    """Ends a test that this machine can't run, and says so where nobody overlooks it."""
    warnings.warn(f"NOT CHECKED: {why}", stacklevel=2)
    pytest.skip(f"NOT CHECKED: {why}")


def need_root(what):
    if os.geteuid() != 0:
        not_checked(f"{what}: needs root")


def compiled(source, target, **macros):
    """Compiles one of the C files here; returns the program's path."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        not_checked(f"{source}: there is no C compiler")
    defines = [f"-D{name}={value}" for name, value in macros.items()]
    subprocess.run(
        [compiler, "-O1", "-Wall", "-Wextra", "-Werror", *defines, "-o", str(target), str(HERE / source)],
        check=True, timeout=60)
    os.chmod(target, 0o755)
    return target


@contextlib.contextmanager
def installation(**stand_ins):
    """A copy of the build as `make install` leaves it (mode 0711), in which programs are replaced by stand-ins:
    `proxy="BARE"` is stand_in.c with that case."""
    with tempfile.TemporaryDirectory(prefix="sandbox") as name:
        directory = pathlib.Path(name)
        os.chmod(directory, 0o755)
        for executable in EXECUTABLES:
            shutil.copy2(BUILD / executable, directory / executable)
            os.chmod(directory / executable, 0o711)
        for role, case in stand_ins.items():
            compiled("stand_in.c", directory / f"routing-sidecar-{role}", CASE=case)
        yield directory


@contextlib.contextmanager
def house(build=None, ready=True, **flags):
    """A running sidecar with an engine behind it. It is ended by force: a stand-in obeys no order."""
    engine = SimulatedEngine("decode")
    running = None
    try:
        running = House(engine.port, build=build, ready=ready, **flags)
        wait_for(lambda: os.path.exists(running.control), "the control socket")
        yield running
    finally:
        if running:
            running.end()
        engine.close()


def sockets_of(pid):
    """Every socket of a process, the very ones, taken out of it by pidfd_getfd: (its number there, the socket). Each is
    closed here before the next one comes."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                    continue
            except OSError:
                continue  # closed meanwhile
            fd = libc.syscall(438, pidfd, int(name), 0)  # pidfd_getfd, the same number everywhere
            if fd < 0 and ctypes.get_errno() == errno.EBADF:
                continue  # closed meanwhile
            if fd < 0:
                not_checked(f"a socket taken from a process: {os.strerror(ctypes.get_errno())}")
            with socket.socket(fileno=fd) as taken:
                yield int(name), taken
    finally:
        os.close(pidfd)


def run_to_end(wrapper=(), build=BUILD, **flags):
    """Starts a sidecar that must end by itself; returns (exit code, everything it said)."""
    with tempfile.TemporaryDirectory(prefix="sandbox") as directory:
        flags = {
            "vllm_port": free_port(), "port": free_port(), "admin_port": 0, "secure_proxy": False, "listen_address": "127.0.0.1",
            "control_socket": os.path.join(directory, "control.sock"),
        } | flags
        done = subprocess.run(
            [*map(str, wrapper), str(build / "routing-sidecar"), *as_arguments(flags)], env=environment(),
            capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr


def last_exit(house, name):
    """What the status says a component's last process died of, once it says something."""
    return wait_for(lambda: next((row["last_exit"] for row in house.rows(name) if row["last_exit"]), None),
                    f"the end of a {name} in the status", 15)
