"""Ten thousand pods: the time of the first list, the watcher's memory, one change among many, and many changes."""

import concurrent.futures
import itertools
import json
import os
import signal
import threading
import time

from objects import LABELS, pool
from probe import Guard, enforced, percentile
from processes import resident
from report import milliseconds
from scene import ADDRESSES, MANIFEST, Scene
from support.engine import wait_for

NAMESPACE = "scale"
WRITERS = 6


def address(number):
    """A loopback address that nothing listens at."""
    return f"127.{64 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


def fill(server, count):
    """Makes the pods, each with an address; two writes for each."""

    def make(number):
        server.create_pod(f"filler-{number:05}", LABELS, NAMESPACE)
        server.set_status(f"filler-{number:05}", address(number), namespace=NAMESPACE)

    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool_:
        for _ in pool_.map(make, range(count)):
            pass


def measure(server, report, pods, seconds, rate):
    with Scene(server) as scene:
        server.namespace(NAMESPACE)
        server.permit(MANIFEST, NAMESPACE)
        server.put_pool(pool([scene.port], namespace=NAMESPACE))
        server.create_pod("steady", LABELS, NAMESPACE)
        server.set_status("steady", ADDRESSES[0], namespace=NAMESPACE)
        begun = time.monotonic()
        fill(server, pods)
        report.add(f"{pods} pods made", f"{time.monotonic() - begun:.0f} s", "measured")
        scene.files.write(scene.fresh_token(NAMESPACE))
        begun = time.monotonic()
        # The watcher's own lines say how long each snapshot took it.
        sidecar = scene.start(inference_pool_namespace=NAMESPACE, log_level="debug")
        synced = time.monotonic() - begun
        have = sidecar.allowlist()["endpoints"]
        report.judge(f"{pods} pods: start to ready at most 3 s", f"{synced:.2f} s, {have} endpoints",
                     synced <= 3.0 and have == pods + 1)
        resync(report, sidecar, pods)
        memory(report, sidecar, f"{pods} pods")
        one_change(report, scene, sidecar, pods)
        storm(report, scene, sidecar, pods, seconds, rate)
        memory(report, sidecar, "after the storm")


def resync(report, sidecar, pods):
    """A watcher that was killed lists everything again."""
    generation = sidecar.allowlist()["generation"]
    pid = sidecar.component_pid("watcher")
    begun = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: sidecar.allowlist()["generation"] > generation, "the new watcher's snapshot", 60)
    took = time.monotonic() - begun
    report.judge(f"{pods} pods: killed watcher's successor has them in at most 3 s", f"{took:.2f} s", took <= 3.0)


def memory(report, sidecar, when):
    pid = sidecar.component_pid("watcher")
    peak, now = resident(pid, "VmHWM"), resident(pid)
    report.judge(
        f"{when}: watcher's memory at most 60 MB", f"{now / 1e6:.1f} MB, peak {peak / 1e6:.1f} MB", peak <= 60e6)


def one_change(report, scene, sidecar, pods, changes=300):
    server, seen = scene.server, []
    server.create_pod("mover", LABELS, NAMESPACE)
    log = len(sidecar.log_lines)
    for number in range(changes):
        at = 2 + number % 2
        seen.append(enforced(
            sidecar.probe, "moved", lambda at=at: server.set_status("mover", ADDRESSES[at], namespace=NAMESPACE),
            scene.target(at), 200, after=3))
        time.sleep(0.02)
    values = [max(0.0, one.from_return) for one in seen]
    report.judge(
        f"among {pods} pods a change is in force within 10 ms (median; p99 beside it)",
        f"{milliseconds(percentile(values, 0.5))}; {milliseconds(percentile(values, 0.99))}",
        percentile(values, 0.5) <= 0.01)
    publications(report, sidecar, log, pods, changes)


def publications(report, sidecar, since, pods, changes):
    """From the moment at which the watcher begins to write a snapshot until it is sent."""

    def taken():
        lines = (json.loads(line) for line in sidecar.log_lines[since:] if '"a new snapshot"' in line)
        return [int(line["microseconds"]) / 1e6 for line in lines if line.get("component") == "watcher"]

    wait_for(lambda: len(taken()) >= changes, "the watcher's lines about its snapshots")
    values = taken()
    report.judge(
        f"among {pods} pods a snapshot is published within 10 ms (worst of {len(values)}; median and p99 beside it)",
        f"{milliseconds(max(values))}; {milliseconds(percentile(values, 0.5))}; {milliseconds(percentile(values, 0.99))}",
        max(values) <= 0.01)


def storm(report, scene, sidecar, pods, seconds, rate):
    """Pods move at a steady rate, while one is watched from event to enforcement."""
    server, over, made = scene.server, threading.Event(), itertools.count()
    begun = time.monotonic()

    def write():
        while not over.is_set():
            number = next(made)
            wait = begun + number / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            which = number * 7919 % pods
            server.set_status(f"filler-{which:05}", address(pods + number % 50000), namespace=NAMESPACE)

    threads = [threading.Thread(target=write, daemon=True) for _ in range(WRITERS)]
    seen = []
    cpu = processor_time(sidecar)
    with Guard(sidecar.port, [scene.target(0)], [scene.target(9)], 0.02) as guard:
        for thread in threads:
            thread.start()
        number = 0
        while time.monotonic() - begun < seconds:
            at = 2 + number % 2
            number += 1
            seen.append(enforced(
                sidecar.probe, "moved", lambda at=at: server.set_status("mover", ADDRESSES[at], namespace=NAMESPACE),
                scene.target(at), 200, after=1))
            time.sleep(0.25)
        took = time.monotonic() - begun
        writes = next(made)
        over.set()
        for thread in threads:
            thread.join(30)
        last = enforced(
            sidecar.probe, "moved", lambda: server.set_status("mover", ADDRESSES[5], namespace=NAMESPACE),
            scene.target(5), 200)
    values = [max(0.0, one.from_return) for one in seen]
    achieved = writes / took
    report.judge(
        f"{rate} changes/s for {seconds} s: never more than 1 s behind",
        f"{achieved:.0f}/s made; event to enforcement {milliseconds(percentile(values, 0.5))} median,"
        f" {milliseconds(percentile(values, 1))} worst of {len(values)}; right after {milliseconds(last.from_return)}",
        percentile(values, 1) <= 1.0)
    if achieved < rate * 0.95:
        report.skip(f"{rate} changes/s", f"the server here took no more than {achieved:.0f}/s")
    report.judge("... members refused or strangers allowed", f"{len(guard.wrong)} of {guard.asked}", not guard.wrong)
    spent = {name: after - cpu[name] for name, after in processor_time(sidecar).items() if name in cpu}
    report.add(
        "... processor time", ", ".join(f"{name} {value:.1f} s" for name, value in spent.items()), "measured")


def processor_time(sidecar):
    """Seconds of user and system time by component."""
    found = {}
    for row in sidecar.status()["components"]:
        with open(f"/proc/{row['pid']}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        found[row["name"]] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found
