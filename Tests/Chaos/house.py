"""The sidecar as a family of processes: started from any build directory, watched through /proc and its control socket.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "Scenarios"))

from support.client import Client, ask  # noqa: E402
from support.engine import free_port, wait_for  # noqa: E402
from support.sidecar import BUILD, as_arguments, environment, is_alive, open_descriptors  # noqa: E402
from support.wire import request  # noqa: E402

ROLES = ("dialer", "proxy", "admin")
EXECUTABLES = ("routing-sidecar", "routing-sidecar-dialer", "routing-sidecar-proxy")

# Marks a build directory in which programs are replaced by scripts.
STAND_INS = "stand-ins"

# The control socket's frames: version, type, descriptors, reserved, payload length.
STATUS = struct.pack("<BBBBI", 1, 1, 0, 0, 0)


def restart_order(name):
    text = name.encode()
    return struct.pack("<BBBBIH", 1, 2, 0, 0, 2 + len(text), len(text)) + text


class SimulatedEngine:
    """One engine of the build, on a free port."""

    def __init__(self, role, *arguments):
        self.process = subprocess.Popen(
            [str(BUILD / "simulated-engine"), "--role", role, "--port", "0", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.address = self.process.stdout.readline().split()[-1].decode()
        self.port = int(self.address.rpartition(":")[2])

    def post(self, target):
        answer = ask(self.port, "POST", target)
        assert answer.status == 200, answer.body

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class House:
    """One running sidecar. With `ready=False` the constructor returns at once; `wrapper` stands before the command."""

    def __init__(self, decoder_port, build=None, ready=True, wrapper=(), stderr=None, preexec=None, **flags):
        self.build = pathlib.Path(build or BUILD)
        self.port, self.admin_port = free_port(), free_port()
        self.directory = tempfile.mkdtemp(prefix="chaos")
        os.chmod(self.directory, 0o777)
        self.control = os.path.join(self.directory, "control.sock")
        self.flags = {
            "port": self.port, "vllm_port": decoder_port, "secure_proxy": False, "allow_loopback_upstreams": True,
            "listen_address": "127.0.0.1", "admin_address": "127.0.0.1", "admin_port": self.admin_port,
            "control_socket": self.control, "loops": 1, "connect_timeout": "3s", "prefill_timeout": "10s",
            "upstream_idle_timeout": "1s", "log_level": "debug",
        } | flags
        if (self.build / STAND_INS).exists():
            # A script needs its interpreter, and that its files: no wall leaves them open.
            self.flags |= {"sandbox": "off", "require_sandbox": "off"}
        self.log = []
        self.process = subprocess.Popen(
            [*wrapper, str(self.build / "routing-sidecar"), *as_arguments(self.flags)], env=environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if stderr is None else stderr,
            start_new_session=True, preexec_fn=preexec)
        self.pid = self.process.pid
        self.session = self.process.pid
        self.reader = None
        if stderr is None:
            self.reader = threading.Thread(target=self._read_log, daemon=True)
            self.reader.start()
        if ready:
            try:
                wait_for(self.is_ready, "ready after the start", timeout=20)
            except BaseException:
                self.end()
                raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        # A check that failed keeps its failure; a clean one must also end cleanly.
        if kind is not None or self.process.poll() is not None:
            self.end()
            return
        try:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end on TERM:\n{self.log_text()[-1500:]}") from None
        finally:
            self.end()
        assert code in (0, 75), f"exit {code} on TERM:\n{self.log_text()[-1500:]}"
        assert not self.members(), f"processes outlived the supervisor: {self.members()}"

    def end(self):
        """Kills what is left of this session, by pid, and removes the files."""
        if self.process.poll() is None:
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        if self.reader:
            self.reader.join(3)
        deadline = time.monotonic() + 2
        while self.members() and time.monotonic() < deadline:
            time.sleep(0.01)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line.decode("utf-8", "replace").rstrip("\n"))

    def log_text(self):
        return "\n".join(self.log)

    def logged(self, *pieces):
        """Log lines that hold all of these pieces, among all that is written by now."""
        found = self._lines_with(pieces)
        if not found and self.reader:
            self._settle()
            found = self._lines_with(pieces)
        return found

    def _lines_with(self, pieces):
        return [line for line in list(self.log) if all(piece in line for piece in pieces)]

    def _settle(self):
        """What a test knows by another way may be in the pipe still, or on its way from there into the list."""
        deadline = time.monotonic() + 1
        with contextlib.suppress(OSError, ValueError):
            while time.monotonic() < deadline:
                unread = fcntl.ioctl(self.process.stderr.fileno(), termios.FIONREAD, b"\0" * 4)
                if int.from_bytes(unread, sys.byteorder) == 0:
                    break
                time.sleep(0.005)
        time.sleep(0.01)

    # ---- what it says of itself

    def command(self, frame, timeout=5):
        """One order over the control socket; returns (accepted, text)."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
            control.settimeout(timeout)
            control.connect(self.control)
            control.send(frame)
            answer = control.recv(65536)
        version, kind, descriptors, reserved, length = struct.unpack("<BBBBI", answer[:8])
        assert (version, descriptors, reserved, length) == (1, 0, 0, len(answer) - 8), answer[:16]
        return kind == 1, answer[10:].decode()

    def status(self):
        return json.loads(self.command(STATUS)[1])

    def rows(self, name):
        return [row for row in self.status()["components"] if row["name"] == name]

    def row(self, name):
        """The current process of a component."""
        return self.rows(name)[0]

    def is_ready(self):
        """True when status and /readyz agree that it is."""
        assert self.process.poll() is None, f"exit {self.process.returncode}:\n{self.log_text()[-1500:]}"
        try:
            return self.status()["ready"] and ask(self.admin_port, target="/readyz").status == 200
        except (OSError, ValueError):
            return False

    def pids(self):
        """Component name to pid of its current process."""
        return {row["name"]: row["pid"] for row in reversed(self.status()["components"])}

    def wait_ready(self, timeout=10):
        begun = time.monotonic()
        wait_for(self.is_ready, "ready again", timeout)
        return time.monotonic() - begun

    def wait_new(self, name, old, timeout=10):
        def fresh():
            row = self.row(name)
            return row["pid"] not in (0, old) and row["ready"] and row["pid"]

        return wait_for(fresh, f"a new {name}", timeout)

    # ---- what the kernel says of it

    def children(self):
        """Pid to state letter of the supervisor's children, zombies included."""
        found = {}
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
            for pid in children.read().split():
                with contextlib.suppress(OSError):
                    found[int(pid)] = state_and_session(int(pid))[0]
        return found

    def members(self):
        """Living processes of this session."""
        found = set()
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError):
                    state, session = state_and_session(int(name))
                    if session == self.session and state not in "ZX":
                        found.add(int(name))
        return found

    def descriptors(self):
        """Open descriptors by process."""
        return {"supervisor": open_descriptors(self.pid)} | {
            name: open_descriptors(pid) for name, pid in self.pids().items()}

    def works(self, timeout=15):
        """A plain request is answered."""
        with Client(self.port, timeout=timeout) as client:
            client.send(request("GET", "/v1/models"))
            answer = client.response()
        assert answer.status == 200, (answer.status, answer.body)
        return True

    def metrics(self):
        """Sample (name with labels) to value."""
        answer = ask(self.admin_port, target="/metrics")
        assert answer.status == 200, answer.body
        lines = (line.rpartition(" ") for line in answer.body.decode().splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}


def state_and_session(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return fields[0], int(fields[3])


def copy_of_build(directory, **scripts):
    """A build directory of its own in which programs are replaced: `proxy="#!/bin/sh …"`. The real ones stay beside
    them as real-proxy and real-dialer. Copies, because the supervisor finds its siblings beside its own executable."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for name in EXECUTABLES:
        shutil.copy2(BUILD / name, directory / name)
        os.chmod(directory / name, 0o755)
    for name, text in scripts.items():
        target = directory / f"routing-sidecar-{name}"
        os.rename(target, directory / f"real-{name}")
        (directory / STAND_INS).touch()
        if text is not None:
            target.write_text(text)
            os.chmod(target, 0o755)
    return directory


@contextlib.contextmanager
def changed_build(**scripts):
    """`copy_of_build` in a directory that goes away again. `{directory}` in a script is replaced by its path."""
    with tempfile.TemporaryDirectory(prefix="chaosbuild") as directory:
        os.chmod(directory, 0o755)
        yield copy_of_build(directory, **{
            name: text and text.replace("{directory}", directory) for name, text in scripts.items()})


def dead_within(pids, seconds):
    """True when none of these pids is alive after at most that time."""
    deadline = time.monotonic() + seconds
    while any(is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
