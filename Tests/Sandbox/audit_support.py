"""A sidecar as `make install` leaves it, started as root, in a restricted pod or tampered with, and its audit."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest

sys.dont_write_bytecode = True

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("SIDECAR_BUILD") or HERE.parents[1] / ".build" / "release")
PROGRAMS = ["", "-dialer", "-proxy", "-resolver", "-watcher", "-kv-agent", "-probe"]
POD = [sys.executable, str(HERE / "audit_pod.py")]

# Upper bounds that only end a hang.
START_SECONDS, AUDIT_SECONDS = 30, 240


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def need_root():
    if os.geteuid() != 0:
        pytest.skip("NOT CHECKED: users, mounts and pods of the test's own need root")


class Installed:
    """Copies of the executables, root's and 0711, and one sidecar that runs from them."""

    def __init__(self, mode=0o711):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="audit-"))
        self.folder.chmod(0o755)
        self.writable = self.folder / "run"
        self.writable.mkdir()
        for suffix in PROGRAMS:
            copy = self.folder / f"routing-sidecar{suffix}"
            shutil.copyfile(BUILD / copy.name, copy)
            copy.chmod(mode)
        self.program = str(self.folder / "routing-sidecar")
        self.control = str(self.writable / "control.sock")
        self.log = self.folder / "log"
        self.process = None
        self.inside = []

    def start(self, *flags, launcher=(), inside=()):
        """`launcher` starts the sidecar in its pod; `inside`, with the pid behind it, what runs beside it."""
        command = [
            *launcher, self.program, "--secure-proxy=false", "--enable-ssrf-protection=false",
            "--allow-loopback-upstreams", "--listen-address=127.0.0.1", "--admin-address=127.0.0.1", "--loops=2",
            f"--port={free_port()}", f"--admin-port={free_port()}", f"--vllm-port={free_port()}",
            f"--control-socket={self.control}", *flags,
        ]  # fmt: skip
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]}
            )
        deadline = time.monotonic() + START_SECONDS
        while '"message":"ready"' not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)
        self.inside = [*inside, str(self.process.pid), "--"] if inside else []
        return self

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def audit(self, *arguments):
        return subprocess.run(
            [*self.inside, self.program, "audit", f"--control-socket={self.control}", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=AUDIT_SECONDS,
        )  # fmt: skip

    def audit_json(self, *arguments):
        done = self.audit("--json", *arguments)
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        assert report["ok"] == (done.returncode == 0), done.returncode
        return report

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def installed(mode=0o711, *flags, **surroundings):
    """For a fixture: yields a running sidecar and clears up."""
    need_root()
    sidecar = Installed(mode)
    try:
        yield sidecar.start(*flags, **surroundings)
    finally:
        sidecar.stop()


@pytest.fixture(scope="module")
def root_start():
    yield from installed()


@pytest.fixture(scope="module")
def restricted_pod():
    need_root()
    sidecar = Installed()
    try:
        yield sidecar.start(
            launcher=[*POD, "start", str(sidecar.writable), "--"], inside=[*POD, "exec"]
        )  # fmt: skip
    finally:
        sidecar.stop()


@pytest.fixture(scope="module")
def root_start_in_a_pod():
    """Root with the four capabilities and no others: it may not look into processes of other users."""
    need_root()
    sidecar = Installed()
    try:
        yield sidecar.start(
            launcher=[*POD, "--root", "start", str(sidecar.writable), "--"], inside=[*POD, "--root", "exec"]
        )  # fmt: skip
    finally:
        sidecar.stop()


def rows(report, process, fact):
    return [row for row in report["rows"] if row["process"] == process and row["fact"] == fact]


def row(report, process, fact):
    found = rows(report, process, fact)
    assert len(found) == 1, (process, fact, found)
    return found[0]


def wider(report):
    return {(r["process"], r["fact"]) for r in report["rows"] if r["verdict"] == "wider"}


def attacks(report, process):
    return {r["words"]: r for r in report["probe"] if r["process"] == process}
