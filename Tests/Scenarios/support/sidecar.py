"""The sidecar under test: started with flags, watched through its logs, status and metrics."""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from .client import ask
from .engine import free_port, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("SIDECAR_BUILD") or ROOT / ".build" / "release")
EXECUTABLE = BUILD / "routing-sidecar"
# A command that the sidecar is started by, such as Tests/Sandbox/restricted_pod.c: it may change the user.
LAUNCHER = shlex.split(os.environ.get("SIDECAR_LAUNCHER", ""))

# Variables of the calling shell that would change what a scenario starts.
IGNORED_VARIABLES = re.compile(r"SIDECAR_|VLLM_|CONNECTOR_|INFERENCE_|KUBERNETES_|.*_PROXY$", re.IGNORECASE)

SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def as_arguments(flags):
    """Keyword flags to a command line: None leaves a flag out, booleans take the `=` form."""
    arguments = []
    for name, value in flags.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            arguments.append(flag)
        elif value is False:
            arguments.append(flag + "=false")
        elif value is not None:
            arguments += [flag, str(value)]
    return arguments


def environment(extra=None):
    kept = {name: value for name, value in os.environ.items() if not IGNORED_VARIABLES.match(name)}
    return kept | (extra or {})


def run(*arguments, env=None, timeout=20):
    """Runs the executable to its end, for commands and for starts that must fail."""
    return subprocess.run(
        [str(EXECUTABLE), *arguments], env=environment(env), capture_output=True, text=True, timeout=timeout
    )


def open_to_others(path):
    """Lets a sidecar that runs as another user reach a file of a test, and write beside it."""
    if isinstance(path, (str, pathlib.Path)) and str(path).startswith(tempfile.gettempdir() + "/"):
        for folder in pathlib.Path(path).parents:
            if folder == pathlib.Path(tempfile.gettempdir()):
                return
            os.chmod(folder, 0o777)


class Sidecar:
    """One running sidecar on free ports, ready when the constructor returns."""

    def __init__(self, decoder=None, env=None, **flags):
        self.decoder = decoder
        self.port, self.admin_port = flags.get("port") or free_port(), flags.get("admin_port") or free_port()
        self.directory = tempfile.mkdtemp(prefix="sc")
        self.control_socket = os.path.join(self.directory, "control.sock")
        self.flags = {
            "port": self.port,
            "vllm_port": decoder.port if decoder else free_port(),
            "secure_proxy": False,
            "allow_loopback_upstreams": True,
            "listen_address": "127.0.0.1",
            "admin_address": "127.0.0.1",
            "admin_port": self.admin_port,
            "control_socket": self.control_socket,
            "loops": 1,
            "connect_timeout": "1s",
            "prefill_timeout": "3s",
            "log_level": "debug",
        } | flags
        self.control_socket = self.flags["control_socket"]
        if LAUNCHER:
            for value in self.flags.values():
                open_to_others(value)
        self.log_lines = []
        self.seen_pids = set()
        self.process = subprocess.Popen(
            [*LAUNCHER, str(EXECUTABLE), *as_arguments(self.flags)],
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.log_thread = threading.Thread(target=self._read_log, daemon=True)
        self.log_thread.start()
        try:
            wait_for(self.is_ready, "ready", timeout=20)
            self.children()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self):
        return self.process.pid

    def _read_log(self):
        for line in self.process.stderr:
            self.log_lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    def log_text(self):
        return "\n".join(self.log_lines)

    def admin(self, path):
        return ask(self.admin_port, target=path)

    def is_ready(self):
        assert self.process.poll() is None, f"exit {self.process.returncode}:\n{self.log_text()}"
        try:
            return self.admin("/readyz").status == 200
        except OSError:
            return False

    def status(self):
        done = run("status", "--json", "--control-socket", self.control_socket)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def children(self):
        """Process ids of the supervisor's children, from the kernel, so that it works without a control socket."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
            found = {int(pid) for pid in children.read().split()}
        self.seen_pids |= found
        return found

    def component(self, name, actual="running"):
        """The row of a component that is in this state; None while there is none."""
        self.children()
        rows = [row for row in self.status()["components"] if row["name"] == name]
        return next((row for row in rows if row["actual"] == actual), None)

    def component_pid(self, name):
        return wait_for(lambda: self.component(name), f"{name} running")["pid"]

    def wait_for_new(self, name, old_pid, timeout=10):
        """Waits until another process of that component is running and ready; returns its pid."""

        def fresh():
            row = self.component(name)
            return row and row["pid"] != old_pid and row["ready"] and row

        return wait_for(fresh, f"a new {name}", timeout)["pid"]

    def metric(self, name, **labels):
        """Sum of the samples with that name and these labels; 0 when there is none."""
        answer = self.admin("/metrics")
        assert answer.status == 200
        total = 0.0
        for line in answer.body.decode().splitlines():
            sample = SAMPLE.match(line)
            if sample and sample[1] == name:
                have = dict(LABEL.findall(sample[2] or ""))
                if all(have.get(key) == value for key, value in labels.items()):
                    total += float(sample[3])
        return total

    def wait_for_metric(self, value, name, **labels):
        wait_for(lambda: self.metric(name, **labels) == value, f"{name} {labels} to be {value}", timeout=5)

    def wait_until_quiet(self):
        """No request in flight and no byte buffered: nothing that a scenario did is left behind."""
        self.wait_for_metric(0, "sidecar_requests_in_flight")
        self.wait_for_metric(0, "sidecar_buffered_bytes")

    def signal(self, number):
        os.kill(self.pid, number)

    def wait_exit(self, timeout=15):
        code = self.process.wait(timeout)
        self.log_thread.join(5)
        return code

    def stop(self):
        """Ends it in order; a sidecar that does not obey is a failure, and is then killed."""
        if self.process.poll() is None:
            self.children()
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"does not end on TERM:\n{self.log_text()[-2000:]}") from None
        self._clean_up()
        assert not self.survivors(), f"processes outlived their supervisor: {self.survivors()}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._clean_up()

    def _clean_up(self):
        self.log_thread.join(5)
        shutil.rmtree(self.directory, ignore_errors=True)
        deadline = time.monotonic() + 2
        while self.survivors() and time.monotonic() < deadline:
            time.sleep(0.02)

    def survivors(self):
        """Children seen in this life of the sidecar that still run."""
        return {pid for pid in self.seen_pids if is_alive(pid)}


def is_alive(pid):
    """True for a process that is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    """Bytes of memory that a process holds right now."""
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10
