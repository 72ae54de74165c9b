"""The load generator of load.c, built when it is first needed, and what processes have spent."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Chaos"))

SOURCES = [HERE / "load.c", HERE / "load_parts.c"]
_built = []


def program():
    """Its path; built into a folder of its own that goes away with this process."""
    if not _built:
        folder = tempfile.TemporaryDirectory(prefix="sctlsload")
        path = pathlib.Path(folder.name) / "load"
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("clang") or "gcc"
        subprocess.run([compiler, "-O2", "-Wall", "-D_GNU_SOURCE", "-o", str(path), *map(str, SOURCES), "-lssl", "-lcrypto"],
                       check=True)
        _built.extend([folder, path])
    return str(_built[1])


@contextlib.contextmanager
def engine(chunks=100, interval_ms=10):
    """A plain engine; yields its port."""
    running = subprocess.Popen([program(), "engine", "--chunks", str(chunks), "--interval-ms", str(interval_ms)],
                               stdout=subprocess.PIPE, text=True, env=environment())
    try:
        yield int(running.stdout.readline().split()[1])
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def environment():
    return os.environ | {"OPENSSL_CONF": "/dev/null"}


def begin(mode, port, *options):
    return subprocess.Popen([program(), mode, "--port", str(port), *map(str, options)], stdout=subprocess.PIPE, text=True,
                            env=environment())


def result(running, timeout=3600):
    out, _ = running.communicate(timeout=timeout)
    assert running.returncode == 0, f"the load generator failed: {out}"
    return json.loads(out)


def load(mode, port, *options):
    """Runs it to its end; nothing may have failed."""
    told = result(begin(mode, port, *options))
    assert_clean(told)
    return told


def assert_clean(told):
    assert told["failed"] == told["unfinished"] == told["out_of_order"] == 0 and told["done"] > 0, told


# ---- what processes have spent


def tree(pid):
    """The process and its descendants."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    return found


def processor_time(pids):
    """Seconds on a processor so far, as the scheduler has it."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9
