"""What it costs to have the sidecar: memory while idle, time to be ready."""

import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Chaos"))

from house import Client, House, SimulatedEngine, request  # noqa: E402
from traffic import Traffic  # noqa: E402

MEMORY_MB = 18
READY_MS = 150


def proportional_set(pid):
    """Bytes that belong to a process: shared pages are divided among those that share them."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no Pss of process {pid}")


def whole(house):
    sizes = {"supervisor": proportional_set(house.pid)}
    sizes |= {name: proportional_set(pid) for name, pid in house.pids().items()}
    return sizes


def memory():
    """(bytes after the start, bytes idle again after load, a text), with the defaults of a pod."""
    prefiller, decoder = SimulatedEngine("prefill", "--record=0"), SimulatedEngine("decode", "--record=0")
    try:
        with House(decoder.port, loops=None, log_level=None) as house:
            time.sleep(1)
            fresh = whole(house)
            with Traffic(house, prefiller, decoder):
                time.sleep(3)
            time.sleep(3)
            used = whole(house)
    finally:
        prefiller.close()
        decoder.close()
    parts = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in fresh.items())
    return sum(fresh.values()), sum(used.values()), parts


def answers_ready(port):
    try:
        with Client(port, timeout=5) as client:
            client.send(request("GET", "/readyz"))
            return client.response().status == 200
    except OSError:
        return False


def readiness(starts=20):
    """Milliseconds from the start of the process to 200 on /readyz, sorted. The first start warms the machine."""
    decoder = SimulatedEngine("decode", "--record=0")
    times = []
    try:
        for turn in range(starts + 1):
            begun = time.monotonic()
            house = House(decoder.port, ready=False, loops=None, log_level=None)
            try:
                while not answers_ready(house.admin_port):
                    assert time.monotonic() - begun < 20, "not ready within 20 s"
                    time.sleep(0.001)
                if turn:
                    times.append((time.monotonic() - begun) * 1000)
                house.process.terminate()
                house.process.wait(10)
            finally:
                house.end()
    finally:
        decoder.close()
    return sorted(times)


def add_to(record):
    fresh, used, parts = memory()
    record.judge(f"supervisor, dialer, proxy and admin together, idle, without TLS: at most {MEMORY_MB} MB PSS",
                 f"{fresh / 1e6:.1f} MB ({parts}); idle again after load {used / 1e6:.1f} MB",
                 fresh <= MEMORY_MB * 1e6)
    times = readiness()
    record.judge(f"ready within {READY_MS} ms of the start, warm machine, {len(times)} starts",
                 f"median {statistics.median(times):.0f} ms, longest {times[-1]:.0f} ms", times[-1] <= READY_MS)
